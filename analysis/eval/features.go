package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
)

// A seen is what a feature net says of images.
type embedding struct {
	features      []float32            // (N,F)
	probabilities []float32            // (N,K)
	neighbours    [][]latent.Neighbour // of each image among the others; nil before
}

// net returns the feature net of the task's set; why says that there is none.
func (s *evaluation) openNet(ctx context.Context) (n *feature.Net, why string, err error) {
	return s.openNetOf(ctx, &s.featureNet, s.task.Set)
}

// netOf returns the feature net of a set, which is asked for once.
func (s *evaluation) openNetOf(ctx context.Context, n **feature.Net, of *data.Set) (net *feature.Net, why string, err error) {
	if *n == nil {
		if s.task.Net == nil {
			return nil, "there is no feature net", nil
		}
		net, err := s.task.Net(ctx, of)
		if errors.Is(err, feature.ErrUnfit) {
			return nil, err.Error(), nil
		}
		if err != nil {
			return nil, "", err
		}
		*n = net
	}
	return *n, "", nil
}

// show calls f on n images of a source, some at a time, as a file would hold them: each
// value rounded to p/255.
func (s *evaluation) eachGenerated(from source, n int, f func(images data.Items) error) error {
	for at := 0; at < n; at += chunkImages {
		some := min(chunkImages, n-at)
		x, err := from.next(at, some)
		if err != nil {
			return err
		}
		images, err := data.NewInMemory(data.Bytes(x), some, s.img.H, s.img.W, s.img.C)
		if err != nil {
			return err
		}
		if err := f(images); err != nil {
			return err
		}
		s.progress(at+some, n)
	}
	return nil
}

// look shows n images of a source to the net.
func (s *evaluation) embed(ctx context.Context, net *feature.Net, from source, n int) (*embedding, error) {
	all := &embedding{}
	err := s.eachGenerated(from, n, func(images data.Items) error {
		f, p, err := net.Describe(ctx, images)
		all.features, all.probabilities = append(all.features, f...), append(all.probabilities, p...)
		return err
	})
	return all, err
}

// A distance is a number of two sets of images that a net has seen.
type distance func(ctx context.Context, s *evaluation, real, made *embedding) (result, error)

// fid returns the Fréchet distance of the features.
func fid(_ context.Context, _ *evaluation, real, made *embedding) (result, error) {
	v, err := Frechet(real.features, made.features, feature.Size)
	return result{value: v}, err
}

// ownNet says which features those are.
var aboutNet = fmt.Sprintf("features of imago's own net, version %d, not of Inception", feature.Version)

// fid says what a distance of that kind is measured on.
func (p Protocol) aboutFID(of string) string {
	return fmt.Sprintf("Fréchet distance (Heusel et al. 2017) of the features of the first %d test images and of as many others: %s; %s", p.Generated, of, aboutNet)
}

// between returns the distance of the first test images from as many of another origin.
func distanceFromSource(from origin, d distance) func(context.Context, *evaluation) (result, error) {
	return featureDistance(func(ctx context.Context, s *evaluation, net *feature.Net) (*embedding, string, error) {
		src, err := from(ctx, s)
		if err != nil || src.absent != "" {
			return nil, src.absent, err
		}
		made, err := s.embed(ctx, net, src, s.task.Generated)
		return made, "", err
	}, d)
}

// ofPrior returns the distance of the first test images from as many drawn from the model's
// prior, the same ones for every distance.
func distanceFromPrior(d distance) func(context.Context, *evaluation) (result, error) {
	return featureDistance(func(ctx context.Context, s *evaluation, net *feature.Net) (*embedding, string, error) {
		return s.generatedEmbedding(ctx, net)
	}, d)
}

// compared returns the distance of the first test images from others; of gives these, or
// says why there are none.
func featureDistance(of func(context.Context, *evaluation, *feature.Net) (*embedding, string, error), d distance) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		net, why, err := s.openNet(ctx)
		if err != nil || why != "" {
			return result{absent: why}, err
		}
		made, why, err := of(ctx, s, net)
		if err != nil || why != "" {
			return result{absent: why}, err
		}
		if s.real == nil {
			part, err := imageRange(s.images, 0, s.task.Generated)
			if err != nil {
				return result{}, err
			}
			f, p, err := net.Describe(ctx, part)
			if err != nil {
				return result{}, err
			}
			s.real = &embedding{features: f, probabilities: p}
		}
		r, err := d(ctx, s, s.real, made)
		r.images, r.note = s.task.Generated, strings.TrimPrefix(r.note+"; "+netNote(net, s.img), "; ")
		return r, err
	}
}

// drawn returns what the net sees of images drawn from the model's prior, which are made
// once; why says that there are none.
func (s *evaluation) generatedEmbedding(ctx context.Context, net *feature.Net) (made *embedding, why string, err error) {
	if s.generated != nil {
		return s.generated, "", nil
	}
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return nil, src.absent, err
	}
	if made, err = s.embed(ctx, net, src, s.task.Generated); err != nil {
		return nil, "", err
	}
	s.generated = made
	return made, "", nil
}

// through says by which net images of that shape were compared.
func netNote(n *feature.Net, img model.Image) string {
	size := "as they are"
	if n.Image != [3]int{img.H, img.W, img.C} {
		size = fmt.Sprintf("resized from %v to %dx%d", img, n.Image[0], n.Image[1])
	}
	return fmt.Sprintf("%s, trained on %d images of %.12s to weights %.8s, tells %.2f%% of the labels of %d test images, and sees images %s", n.Name, n.Train, n.Digest, n.Weights, 100*n.Accuracy, n.Test, size)
}

// agreement returns how many images drawn under labels the net finds to be of these.
func labelAgreement(ctx context.Context, s *evaluation) (result, error) {
	if s.session.SampleLabels() == 0 {
		return absent("the model does not draw under labels")
	}
	net, why, err := s.openNet(ctx)
	if err != nil || why != "" {
		return result{absent: why}, err
	}
	made, why, err := s.generatedEmbedding(ctx, net)
	if err != nil || why != "" {
		return result{absent: why}, err
	}
	labels, _ := s.generationLabels()
	right, of := net.Right(made.probabilities, labels(0, s.task.Generated))
	if of == 0 {
		return absent("none of the labels is known")
	}
	p := float64(right) / float64(of)
	return result{value: p, stdErr: math.Sqrt(p * (1 - p) / float64(of)), images: s.task.Generated, note: netNote(net, s.img)}, nil
}
