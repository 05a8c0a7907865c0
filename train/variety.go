package train

import (
	"context"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// How various the images are that an adversarial model makes of one noise, the same
// all along, each as a share of what it is among as many training images.
const (
	Spread  = "spread"  // mean distance of two images: small where all are alike
	Nearest = "nearest" // mean distance of an image to the one most like it: small where there are few kinds of them
)

// watched is how many images are looked at.
const watched = 256

// A watch looks at the images that an adversarial model makes.
type watch struct {
	n               int
	labels          []float32 // (n,K) of the training images; nil if the model takes none
	spread, nearest float64   // of training images
}

func (t *trainer) newWatch(ctx context.Context) (*watch, error) {
	of := t.Data.Train.Items
	w := &watch{n: min(watched, of.Len())}
	index := rng.New(t.Run.Config.Seed).Split("watch").Perm(of.Len())[:w.n]
	x := make([]float32, w.n*t.session.Item().Size())
	if err := data.Floats(ctx, of, index, x); err != nil {
		return nil, err
	}
	w.spread, w.nearest = variety(x, w.n)
	if l, ok := t.Data.Labelled(t.Data.Train).(data.Labeller); ok && t.session.SampleLabels() > 0 {
		k := t.session.SampleLabels()
		w.labels = make([]float32, w.n*k)
		for i, at := range index {
			l.LabelsAt(int(at), w.labels[i*k:(i+1)*k])
		}
	}
	return w, nil
}

// variety returns the mean distance of two of n images and that of one to its nearest, a
// distance being the root of the mean squared difference of values.
func variety(x []float32, n int) (spread, nearest float64) {
	size := len(x) / max(1, n)
	closest := make([]float64, n)
	for i := range closest {
		closest[i] = math.Inf(1)
	}
	for i := range n {
		a := x[i*size : (i+1)*size]
		for j := range i {
			d := math.Sqrt(float64(squares(x[j*size:(j+1)*size], a)) / float64(size))
			spread += d
			closest[i], closest[j] = min(closest[i], d), min(closest[j], d)
		}
	}
	if n < 2 {
		return 0, 0
	}
	for _, d := range closest {
		nearest += d / float64(n)
	}
	return spread / (float64(n) * float64(n-1) / 2), nearest
}

// squares returns Σ (x − y)², in four sums that do not wait for each other.
func squares(x, y []float32) float32 {
	var s [4]float32
	y = y[:len(x)]
	k := 0
	for ; k+4 <= len(x); k += 4 {
		d0, d1, d2, d3 := x[k]-y[k], x[k+1]-y[k+1], x[k+2]-y[k+2], x[k+3]-y[k+3]
		s[0] += d0 * d0
		s[1] += d1 * d1
		s[2] += d2 * d2
		s[3] += d3 * d3
	}
	for ; k < len(x); k++ {
		s[0] += (x[k] - y[k]) * (x[k] - y[k])
	}
	return s[0] + s[1] + s[2] + s[3]
}

// watches says whether the images of the model are looked at: of an adversarial one,
// where training says what its networks gain.
func (t *trainer) watches() bool {
	return t.stage.Last && slices.Contains(t.step.names, model.DLoss) && t.session.HasPrior()
}

// watched is how various images of the one noise are now.
func (t *trainer) look(ctx context.Context) (map[string]float64, error) {
	if t.watch == nil {
		w, err := t.newWatch(ctx)
		if err != nil {
			return nil, err
		}
		t.watch = w
	}
	w := t.watch
	if w.n < 2 || w.nearest == 0 { // nothing to compare with
		return nil, nil
	}
	x, err := t.session.Sample(ctx, rng.New(t.Run.Config.Seed).Split("watched"), w.n, w.labels)
	if err != nil {
		return nil, err
	}
	spread, nearest := variety(x, w.n)
	return map[string]float64{Spread: spread / w.spread, Nearest: nearest / w.nearest}, nil
}
