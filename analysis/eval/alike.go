package eval

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
)

// Alike is images drawn from a model's prior, and the training images nearest to each:
// what there is to see where a model may have learnt images by heart.
type Alike struct {
	Made []float32            // (n,H,W,C) in [0, 1]
	Near [][]latent.Neighbour // (n) of k training images each, the nearest first
	By   string               // what the distances are of: "features" of the net, or "pixels" without one
}

// Nearest draws n images, the first of those that the metrics of the task are measured
// on, and finds the k nearest training images of each.
func (e *Evaluator) Nearest(ctx context.Context, t Task, n, k int) (*Alike, error) {
	if n < 1 || n > chunk || k < 1 {
		return nil, fmt.Errorf("eval: %d images with %d neighbours each: want 1 to %d, and 1 or more", n, k, chunk)
	}
	s, err := e.begin(&t)
	if err != nil {
		return nil, err
	}
	s.now = "nearest training images"
	a, err := s.alike(ctx, n, k)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	return a, nil
}

func (s *subject) alike(ctx context.Context, n, k int) (*Alike, error) {
	train := s.task.Set.Train.Items
	if h, w, c := train.Shape(); h != s.img.H || w != s.img.W || c != s.img.C {
		return nil, fmt.Errorf("images of %dx%dx%d, want %v as the model was built for", h, w, c, s.img)
	}
	src, err := fromPrior(ctx, s)
	if err != nil {
		return nil, err
	}
	if src.absent != "" {
		return nil, fmt.Errorf("nothing to draw: %s", src.absent)
	}
	a := &Alike{By: "pixels"}
	if a.Made, err = src.next(0, n); err != nil {
		return nil, err
	}
	net, why, err := s.net(ctx)
	if err != nil {
		return nil, err
	}
	query, pool, dims := a.Made, pixels(ctx, train), s.img.Size()
	if why == "" {
		a.By = "features"
		images, err := data.NewInMemory(data.Bytes(a.Made), n, s.img.H, s.img.W, s.img.C)
		if err != nil {
			return nil, err
		}
		if query, _, err = net.Describe(ctx, images); err != nil {
			return nil, err
		}
		if pool, err = s.training(ctx, net); err != nil {
			return nil, err
		}
		dims = len(query) / n
	}
	r, err := newRuler(s.be, dims, s.progress)
	if err != nil {
		return nil, err
	}
	a.Near, err = r.nearest(ctx, query, pool, k, false)
	return a, err
}
