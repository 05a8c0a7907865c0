package eval

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/eval/feature"
)

// A seen is what a feature net says of images.
type seen struct {
	features      []float32 // (N,F)
	probabilities []float32 // (N,K)
}

// net is the feature net of the task's set; why says that there is none.
func (s *subject) net(ctx context.Context) (n *feature.Net, why string, err error) {
	if s.eye == nil {
		if s.task.Net == nil {
			return nil, "there is no feature net", nil
		}
		if s.eye, err = s.task.Net(ctx); err != nil {
			if errors.Is(err, feature.ErrUnfit) {
				return nil, err.Error(), nil
			}
			return nil, "", err
		}
	}
	return s.eye, "", nil
}

// look shows n images of a source to the net, as a file would hold them: each value
// rounded to p/255.
func (s *subject) look(ctx context.Context, net *feature.Net, from source, n int) (seen, error) {
	var all seen
	for at := 0; at < n; at += chunk {
		some := min(chunk, n-at)
		x, err := from.next(at, some)
		if err != nil {
			return all, err
		}
		pix := make([]uint8, len(x))
		for i, v := range x {
			pix[i] = uint8(math.Round(255 * float64(min(max(v, 0), 1))))
		}
		images, err := data.NewInMemory(pix, some, s.img.H, s.img.W, s.img.C)
		if err != nil {
			return all, err
		}
		f, p, err := net.Describe(ctx, images)
		if err != nil {
			return all, err
		}
		all.features, all.probabilities = append(all.features, f...), append(all.probabilities, p...)
		s.progress(at+some, n)
	}
	return all, nil
}

// A distance is a number of two sets of images that a net has seen.
type distance func(real, made seen) (value, stdErr float64, err error)

// fid is the Fréchet distance of the features.
func fid(real, made seen) (value, stdErr float64, err error) {
	value, err = Frechet(real.features, made.features, feature.Size)
	return value, 0, err
}

// fid says what a distance of that kind is measured on.
func (p Protocol) fid(of string) string {
	return fmt.Sprintf("Fréchet distance (Heusel et al. 2017) of the features of the first %d test images and of as many others: %s; features of imago's own net, version %d, not of Inception", p.Made, of, feature.Version)
}

// between is the distance of the first test images from as many of another origin.
func between(from origin, d distance) func(context.Context, *subject) (result, error) {
	return func(ctx context.Context, s *subject) (result, error) {
		net, why, err := s.net(ctx)
		if err != nil || why != "" {
			return result{absent: why}, err
		}
		src, err := from(ctx, s)
		if err != nil || src.absent != "" {
			return result{absent: src.absent}, err
		}
		if s.real == nil {
			part, err := some(s.images, 0, s.task.Made)
			if err != nil {
				return result{}, err
			}
			f, p, err := net.Describe(ctx, part)
			if err != nil {
				return result{}, err
			}
			s.real = &seen{f, p}
		}
		made, err := s.look(ctx, net, src, s.task.Made)
		if err != nil {
			return result{}, err
		}
		v, stdErr, err := d(*s.real, made)
		return result{value: v, stdErr: stdErr, images: s.task.Made, note: s.through(net)}, err
	}
}

// through says by which net images were compared.
func (s *subject) through(n *feature.Net) string {
	size := "as they are"
	if n.Image != [3]int{s.img.H, s.img.W, s.img.C} {
		size = fmt.Sprintf("resized from %v to %dx%d", s.img, n.Image[0], n.Image[1])
	}
	return fmt.Sprintf("%s, trained on %d images of %.12s to weights %.8s, tells %.2f%% of the labels of %d test images; images %s", n.Name, n.Train, n.Digest, n.Weights, 100*n.Accuracy, n.Test, size)
}

// agreement is how many images drawn under labels the net finds to be of these.
func agreement(ctx context.Context, s *subject) (result, error) {
	if s.session.Labels() == 0 {
		return absent("the model does not draw under labels")
	}
	net, why, err := s.net(ctx)
	if err != nil || why != "" {
		return result{absent: why}, err
	}
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return result{absent: src.absent}, err
	}
	made, err := s.look(ctx, net, src, s.task.Made)
	if err != nil {
		return result{}, err
	}
	labels, _ := s.labels()
	right, of := net.Right(made.probabilities, labels(0, s.task.Made))
	if of == 0 {
		return absent("none of the labels is known")
	}
	p := float64(right) / float64(of)
	return result{value: p, stdErr: math.Sqrt(p * (1 - p) / float64(of)), images: s.task.Made, note: s.through(net)}, nil
}
