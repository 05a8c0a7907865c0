package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
)

// A source gives images, some at a time, or says why there are none.
type source struct {
	// next gives images at … at+n−1: (n,H,W,C) in [0, 1].
	next   func(at, n int) ([]float32, error)
	absent string
}

// An origin is where images that are compared with the test images come from.
type origin func(ctx context.Context, s *evaluation) (source, error)

// labels returns those that images are made under, of the test images in turn: nil of an
// unconditional model. why says that they are not to be had.
func (s *evaluation) generationLabels() (of func(at, n int) []float32, why string) {
	k := s.session.SampleLabels()
	if k == 0 {
		return func(int, int) []float32 { return nil }, ""
	}
	l, ok := s.images.(data.Labeller)
	if !ok || len(l.LabelNames()) != k {
		return nil, "the model draws under labels, and the images have none"
	}
	return func(at, n int) []float32 {
		y := make([]float32, n*k)
		for i := range n {
			l.LabelsAt((at+i)%l.Len(), y[i*k:(i+1)*k])
		}
		return y
	}, ""
}

// fromPrior draws from the model itself.
func fromPrior(ctx context.Context, s *evaluation) (source, error) {
	if !s.session.HasPrior() {
		return source{absent: "the model has no prior"}, nil
	}
	labels, why := s.generationLabels()
	return source{absent: why, next: func(at, n int) ([]float32, error) {
		return s.session.Sample(ctx, s.key.Split("made").At(uint64(at)), n, labels(at, n))
	}}, nil
}

// trainingCodes returns codes of the training images, (N,Z): the deterministic ones, or a
// draw from each q(z|x), whose sum is what a prior is held against. why says that
// there are none.
func (s *evaluation) trainingCodes(ctx context.Context) (codes []float32, why string, err error) {
	if s.codes != nil {
		return s.codes, "", nil
	}
	if s.model.Encode == nil {
		return nil, "the model has no encoder", nil
	}
	if s.model.Decode == nil {
		return nil, "the model has no decoder", nil
	}
	set := s.task.Set
	mu, logVar, err := s.session.EncodeMeans(ctx, set.Labelled(set.Train))
	if err != nil {
		return nil, "", err
	}
	s.codes = latent.SamplePosterior(mu, logVar, s.key.Split("training codes"))
	return s.codes, "", nil
}

// A density of codes, (n,Z), that is drawn from.
type density func(key rng.Key, n int) ([]float32, error)

// fromCodes decodes codes drawn from what fit makes of the training codes, (N,Z).
func fromCodes(fit func(ctx context.Context, codes []float32, z int, key rng.Key) (density, error)) origin {
	return func(ctx context.Context, s *evaluation) (source, error) {
		codes, why, err := s.trainingCodes(ctx)
		if err != nil || why != "" {
			return source{absent: why}, err
		}
		labels, why := s.generationLabels()
		if why != "" {
			return source{absent: why}, nil
		}
		draw, err := fit(ctx, codes, s.session.Latent(), s.key.Split("density"))
		if err != nil && ctx.Err() == nil { // too few codes, or all of them the same
			return source{absent: err.Error()}, nil
		}
		return source{next: func(at, n int) ([]float32, error) {
			z, err := draw(s.key.Split("codes").At(uint64(at)), n)
			if err != nil {
				return nil, err
			}
			return s.session.DecodeAs(ctx, z, labels(at, n))
		}}, err
	}
}

// gaussian returns a Gaussian for each unit on its own: a standard normal stretched to the
// codes.
func gaussian(_ context.Context, codes []float32, z int, _ rng.Key) (density, error) {
	units := make([]mean, z)
	for i, v := range codes {
		units[i%z].add(float64(v))
	}
	return func(key rng.Key, n int) ([]float32, error) {
		x := make([]float32, n*z)
		key.Normal(x)
		for i, e := range x {
			u := &units[i%z]
			x[i] = float32(u.value() + math.Sqrt(u.variance())*float64(e))
		}
		return x, nil
	}, nil
}

// mixtureOf returns k Gaussians with full covariances, fitted as imago fit-prior does.
func mixtureOf(k int) func(context.Context, []float32, int, rng.Key) (density, error) {
	return func(ctx context.Context, codes []float32, z int, key rng.Key) (density, error) {
		d, err := latent.FitDensity(ctx, codes, nil, z, k, false, key)
		if err != nil {
			return nil, err
		}
		return d.Mixture.Draw, nil
	}
}

// fromReconstruction reconstructs the test images.
func fromReconstruction(ctx context.Context, s *evaluation) (source, error) {
	if s.model.Reconstruct == nil {
		return source{absent: "the model does not reconstruct"}, nil
	}
	return source{next: func(at, n int) ([]float32, error) {
		part, err := imageRange(s.images, at, n)
		if err != nil {
			return nil, err
		}
		return s.session.Reconstruct(ctx, part)
	}}, nil
}

// fromTraining takes training images, in an order drawn once.
func fromTraining(ctx context.Context, s *evaluation) (source, error) {
	train := s.task.Set.Train.Items
	if train.Len() < s.task.Generated {
		return source{absent: "there are fewer training images"}, nil
	}
	order := s.key.Split("training").Perm(train.Len())
	return source{next: func(at, n int) ([]float32, error) {
		x := make([]float32, n*s.img.Size())
		return x, data.Floats(ctx, train, order[at:at+n], x)
	}}, nil
}
