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
	"github.com/imago-ml/imago/data/medium"
)

// An embedding is what a feature net returns for images.
type embedding struct {
	features      []float32            // (N,F)
	probabilities []float32            // (N,K)
	neighbours    [][]latent.Neighbour // of each image among the others; nil until they are searched
}

// openNet returns the feature net of the task's set; reason says why there is none.
func (s *evaluation) openNet(ctx context.Context) (n *feature.Net, reason string, err error) {
	return s.openNetOf(ctx, &s.featureNet, s.task.Set)
}

// openNetOf returns the feature net of a set, which is opened once and kept in n.
func (s *evaluation) openNetOf(ctx context.Context, n **feature.Net, set *data.Set) (net *feature.Net, reason string, err error) {
	if *n == nil {
		if s.task.Net == nil {
			return nil, "there is no feature net", nil
		}
		net, err := s.task.Net(ctx, set)
		if errors.Is(err, feature.ErrUnfit) || errors.Is(err, ErrNoNet) {
			return nil, err.Error(), nil
		}
		if err != nil {
			return nil, "", err
		}
		*n = net
	}
	return *n, "", nil
}

// eachGenerated calls f on n images of a source, at most chunkImages at a time, rounded as a
// file holds them: each value is p/255.
func (s *evaluation) eachGenerated(from source, n int, f func(images data.Items) error) error {
	for at := 0; at < n; at += chunkImages {
		some := min(chunkImages, n-at)
		x, err := from.next(at, some)
		if err != nil {
			return err
		}
		images, err := data.FromFloats(x, s.img)
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

// embed returns the embedding of n images of a source.
func (s *evaluation) embed(ctx context.Context, net *feature.Net, from source, n int) (*embedding, error) {
	all := &embedding{}
	err := s.eachGenerated(from, n, func(images data.Items) error {
		f, p, err := net.Describe(ctx, images)
		all.features, all.probabilities = append(all.features, f...), append(all.probabilities, p...)
		return err
	})
	return all, err
}

// A distance compares the embeddings of two sets of images.
type distance func(ctx context.Context, s *evaluation, real, generated *embedding) (result, error)

// fid returns the Fréchet distance of the features.
func fid(_ context.Context, _ *evaluation, real, generated *embedding) (result, error) {
	v, err := Frechet(real.features, generated.features, feature.Size)
	return result{value: v}, err
}

// aboutNet says in words which features are compared.
var aboutNet = fmt.Sprintf("features of imago's own net, version %d, not of Inception", feature.Version)

// aboutFID returns the protocol of a Fréchet distance in words.
func (p Protocol) aboutFID(others string) string {
	return fmt.Sprintf("Fréchet distance (Heusel et al. 2017) of the features of the first %d test images and of as many others: %s; %s", p.Generated, others, aboutNet)
}

// distanceFromSource returns the measure function of the distance of the first test images
// from as many images of a source.
func distanceFromSource(from origin, d distance) func(context.Context, *evaluation) (result, error) {
	return featureDistance(func(ctx context.Context, s *evaluation, net *feature.Net) (*embedding, string, error) {
		src, err := from(ctx, s)
		if err != nil || src.absent != "" {
			return nil, src.absent, err
		}
		generated, err := s.embed(ctx, net, src, s.task.Generated)
		return generated, "", err
	}, d)
}

// distanceFromPrior returns the measure function of the distance of the first test images
// from as many drawn from the model's prior, the same ones for every distance.
func distanceFromPrior(d distance) func(context.Context, *evaluation) (result, error) {
	return featureDistance(func(ctx context.Context, s *evaluation, net *feature.Net) (*embedding, string, error) {
		return s.generatedEmbedding(ctx, net)
	}, d)
}

// featureDistance returns the measure function of the distance of the first test images from
// those whose embedding other returns, or the reason why it has none.
func featureDistance(other func(context.Context, *evaluation, *feature.Net) (*embedding, string, error), d distance) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		net, reason, err := s.openNet(ctx)
		if err != nil || reason != "" {
			return result{absent: reason}, err
		}
		generated, reason, err := other(ctx, s, net)
		if err != nil || reason != "" {
			return result{absent: reason}, err
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
		r, err := d(ctx, s, s.real, generated)
		r.images, r.note = s.task.Generated, strings.TrimPrefix(r.note+"; "+netNote(net, s.img), "; ")
		return r, err
	}
}

// generatedEmbedding returns the embedding of images drawn from the model's prior, which are
// drawn once; reason says why there are none.
func (s *evaluation) generatedEmbedding(ctx context.Context, net *feature.Net) (generated *embedding, reason string, err error) {
	if s.generated != nil {
		return s.generated, "", nil
	}
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return nil, src.absent, err
	}
	if generated, err = s.embed(ctx, net, src, s.task.Generated); err != nil {
		return nil, "", err
	}
	s.generated = generated
	return generated, "", nil
}

// netNote describes the net with which items of that shape were compared.
func netNote(n *feature.Net, img medium.Item) string {
	size := "as they are"
	if h, w, c, err := medium.HWC(img); err != nil || n.Image != [3]int{h, w, c} {
		size = fmt.Sprintf("resized from %v to %dx%d", img, n.Image[0], n.Image[1])
	}
	noun := medium.Noun(img)
	return fmt.Sprintf("%s, trained on %d %ss of %.12s to weights %.8s, finds %.2f%% of the labels of %d test %ss, and takes %ss %s",
		n.Name, n.Train, noun, n.Digest, n.Weights, 100*n.Accuracy, n.Test, noun, noun, size)
}

// labelAgreement returns the share of images drawn under labels to which the feature net
// gives these labels.
func labelAgreement(ctx context.Context, s *evaluation) (result, error) {
	if s.session.SampleLabels() == 0 {
		return absent("the model does not draw under labels")
	}
	net, reason, err := s.openNet(ctx)
	if err != nil || reason != "" {
		return result{absent: reason}, err
	}
	n := max(s.task.recognised, s.task.Generated) // not set by a protocol that has no set
	generated, reason, err := s.generatedEmbedding(ctx, net)
	if err != nil || reason != "" {
		return result{absent: reason}, err
	}
	if n > s.task.Generated {
		src, err := fromPrior(ctx, s)
		if err == nil {
			generated, err = s.embed(ctx, net, src, n)
		}
		if err != nil {
			return result{}, err
		}
	}
	return s.agreement(net, generated, n), nil
}

// classCodeAgreement returns the share of images drawn from the densities of the codes of each
// class, k Gaussians each, to which the feature net gives that class.
func classCodeAgreement(k int) func(ctx context.Context, s *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		src, err := fromClassCodes(k)(ctx, s)
		if err != nil || src.absent != "" {
			return result{absent: src.absent}, err
		}
		net, reason, err := s.openNet(ctx)
		if err != nil || reason != "" {
			return result{absent: reason}, err
		}
		n := max(s.task.recognised, s.task.Generated)
		generated, err := s.embed(ctx, net, src, n)
		if err != nil {
			return result{}, err
		}
		return s.agreement(net, generated, n), nil
	}
}

// agreement returns the share of n images, generated under the labels of the test images in
// turn, to which net gives these labels.
func (s *evaluation) agreement(net *feature.Net, generated *embedding, n int) result {
	labels, _ := s.generationLabels()
	right, known := net.Right(generated.probabilities, labels(0, n))
	if known == 0 {
		return result{absent: "none of the labels is known"}
	}
	p := float64(right) / float64(known)
	return result{value: p, stdErr: math.Sqrt(p * (1 - p) / float64(known)), images: n, note: netNote(net, s.img)}
}
