package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
)

// A source gives images that are compared with the test images, or the reason why it has
// none.
type source struct {
	// next gives images at … at+n−1: (n,H,W,C) in [0, 1].
	next   func(at, n int) ([]float32, error)
	absent string
}

// An origin returns the source of one kind of images.
type origin func(ctx context.Context, s *evaluation) (source, error)

// generationLabels returns the labels under which images are generated: those of the test
// images in turn, or nil for an unconditional model. reason says why there are none.
func (s *evaluation) generationLabels() (labels func(at, n int) []float32, reason string) {
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

// fromPrior returns a source that draws images from the model's prior.
func fromPrior(ctx context.Context, s *evaluation) (source, error) {
	if !s.session.HasPrior() {
		return source{absent: "the model has no prior"}, nil
	}
	labels, reason := s.generationLabels()
	return source{absent: reason, next: func(at, n int) ([]float32, error) {
		return s.session.Sample(ctx, s.key.Split("made").At(uint64(at)), n, labels(at, n))
	}}, nil
}

// trainingCodes returns a code of each training image, (N,Z): the code of a deterministic
// model, or a draw from q(z|x), so that all of them are draws from the aggregate posterior.
// reason says why there are none.
func (s *evaluation) trainingCodes(ctx context.Context) (codes []float32, reason string, err error) {
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

// A density draws n codes at key, (n,Z), of items with these labels, (n,K), or nil.
type density func(key rng.Key, n int, labels []float32) ([]float32, error)

// fromCodes returns a source that decodes draws from a density which fit fits to the
// training codes, (N,Z).
func fromCodes(fit func(ctx context.Context, codes []float32, z int, key rng.Key) (density, error)) origin {
	return func(ctx context.Context, s *evaluation) (source, error) {
		codes, reason, err := s.trainingCodes(ctx)
		if err != nil || reason != "" {
			return source{absent: reason}, err
		}
		labels, reason := s.generationLabels()
		if reason != "" {
			return source{absent: reason}, nil
		}
		draw, err := fit(ctx, codes, s.session.Latent(), s.key.Split("density"))
		if err != nil && ctx.Err() == nil { // too few codes, or all of them the same
			return source{absent: err.Error()}, nil
		}
		return source{next: func(at, n int) ([]float32, error) {
			y := labels(at, n)
			z, err := draw(s.key.Split("codes").At(uint64(at)), n, y)
			if err != nil {
				return nil, err
			}
			return s.session.DecodeAs(ctx, z, y)
		}}, err
	}
}

// gaussian returns a Gaussian for each unit on its own, with the mean and the variance of the
// unit's codes.
func gaussian(_ context.Context, codes []float32, z int, _ rng.Key) (density, error) {
	units := make([]mean, z)
	for i, v := range codes {
		units[i%z].add(float64(v))
	}
	return func(key rng.Key, n int, _ []float32) ([]float32, error) {
		x := make([]float32, n*z)
		key.Normal(x)
		for i, e := range x {
			u := &units[i%z]
			x[i] = float32(u.value() + math.Sqrt(u.variance())*float64(e))
		}
		return x, nil
	}, nil
}

// mixtureOf returns a fit of k Gaussians with full covariances, as imago fit-prior makes it.
func mixtureOf(k int) func(context.Context, []float32, int, rng.Key) (density, error) {
	return func(ctx context.Context, codes []float32, z int, key rng.Key) (density, error) {
		d, err := latent.FitDensity(ctx, codes, nil, z, latent.DensityOptions{Components: k, Key: key})
		if err != nil {
			return nil, err
		}
		return d.Draw, nil
	}
}

// fromClassCodes returns a source that decodes, under the label of each test image, a draw from
// Gaussians fitted to the training codes of its class, as imago fit-prior fits them to a conditional
// model: one with the mean and the covariance of the codes, or k of one covariance for all classes.
func fromClassCodes(k int) origin {
	return func(ctx context.Context, s *evaluation) (source, error) {
		set := s.task.Set
		if s.session.DecodeLabels() == 0 || s.session.DecodeLabels() != len(set.Classes) {
			return source{absent: "the decoder is not given the class"}, nil
		}
		fit := func(ctx context.Context, codes []float32, z int, key rng.Key) (density, error) {
			if fitted := s.classDensities[k]; fitted != nil {
				return fitted, nil
			}
			opt := latent.DensityOptions{Components: k * len(set.Classes), Tied: k > 1, Key: key, Labels: set.Train.Labels, Classes: len(set.Classes)}
			d, err := latent.FitDensity(ctx, codes, nil, z, opt)
			if err != nil {
				return nil, err
			}
			if s.classDensities == nil {
				s.classDensities = map[int]density{}
			}
			s.classDensities[k] = d.Draw
			return d.Draw, nil
		}
		return fromCodes(fit)(ctx, s)
	}
}

// fromReconstruction returns a source of the reconstructions of the test images.
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

// fromTraining returns a source of training images, in an order drawn once.
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
