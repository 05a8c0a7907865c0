package eval

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
)

// NearestImages are images drawn from a model's prior and the training images nearest to
// each: they show whether a model has memorised training images.
type NearestImages struct {
	Generated  []float32            // (n,H,W,C) in [0, 1]
	Neighbours [][]latent.Neighbour // (n) of k training images each, the nearest first
	Space      string               // what is compared: "features" of the net, or "pixels" without a net
}

// Nearest draws n images, the first of those on which the metrics of the task are measured,
// and returns them with the k nearest training images of each. It fails if the model has no
// prior.
func (e *Evaluator) Nearest(ctx context.Context, t Task, n, k int) (*NearestImages, error) {
	if n < 1 || n > chunkImages || k < 1 {
		return nil, fmt.Errorf("eval: %d images with %d neighbours each: want 1 to %d, and 1 or more", n, k, chunkImages)
	}
	s, err := e.startTask(&t)
	if err != nil {
		return nil, err
	}
	s.metric = "nearest training images"
	a, err := s.nearestImages(ctx, n, k)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	return a, nil
}

// nearestImages returns the result of Nearest.
func (s *evaluation) nearestImages(ctx context.Context, n, k int) (*NearestImages, error) {
	train := s.task.Set.Train.Items
	if item := train.Item(); !item.Equal(s.img) {
		return nil, fmt.Errorf("images of %v, want %v as the model was built for", item, s.img)
	}
	src, err := fromPrior(ctx, s)
	if err != nil {
		return nil, err
	}
	if src.absent != "" {
		return nil, fmt.Errorf("nothing to draw: %s", src.absent)
	}
	a := &NearestImages{Space: "pixels"}
	if a.Generated, err = src.next(0, n); err != nil {
		return nil, err
	}
	net, reason, err := s.openNet(ctx)
	if err != nil {
		return nil, err
	}
	query, pool, dims := a.Generated, pixelPoints(ctx, train), s.img.Size()
	if reason == "" {
		a.Space = "features"
		images, err := data.FromFloats(a.Generated, s.img)
		if err != nil {
			return nil, err
		}
		if query, _, err = net.Describe(ctx, images); err != nil {
			return nil, err
		}
		if pool, err = s.trainingFeatures(ctx, net); err != nil {
			return nil, err
		}
		dims = len(query) / n
	}
	r, err := newNeighbourSearch(s.be, dims, s.progress)
	if err != nil {
		return nil, err
	}
	a.Neighbours, err = r.nearest(ctx, query, pool, k, false)
	return a, err
}
