package train

import (
	"context"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
)

// The names, in runlog.Line.Generated, of how much the images differ that an adversarial
// model generates from fixed noise. Both are shares of the same number of as many
// training images.
const (
	Spread  = "spread"  // mean distance of two images: small if all are alike
	Nearest = "nearest" // mean distance of an image to the nearest other: small if there are few different ones
)

// diversityImages is the number of images that are compared, or all if there are fewer.
const diversityImages = 256

// A diversity is that of training images, with which generated ones are compared.
type diversity struct {
	n               int
	labels          []float32 // (n,K) of the training images; nil if the model takes none
	spread, nearest float64
}

func (t *trainer) newDiversity(ctx context.Context) (*diversity, error) {
	images := t.Data.Train.Items
	d := &diversity{n: min(diversityImages, images.Len())}
	index := rng.New(t.config.Seed).Split("watch").Perm(images.Len())[:d.n]
	x := make([]float32, d.n*t.session.Item().Size())
	if err := data.Floats(ctx, images, index, x); err != nil {
		return nil, err
	}
	d.spread, d.nearest = distances(x, d.n)
	k := t.session.SampleLabels()
	if l, ok := t.Data.Labelled(t.Data.Train).(data.Labeller); ok && k > 0 {
		d.labels = make([]float32, d.n*k)
		for i, at := range index {
			l.LabelsAt(int(at), d.labels[i*k:(i+1)*k])
		}
	}
	return d, nil
}

// measureDiversity returns Spread and Nearest of images generated from fixed noise; nil
// if the training images do not differ.
func (t *trainer) measureDiversity(ctx context.Context) (map[string]float64, error) {
	if t.diversity == nil {
		d, err := t.newDiversity(ctx)
		if err != nil {
			return nil, err
		}
		t.diversity = d
	}
	d := t.diversity
	if d.n < 2 || d.nearest == 0 {
		return nil, nil
	}
	x, err := t.session.Sample(ctx, rng.New(t.config.Seed).Split("watched"), d.n, d.labels)
	if err != nil {
		return nil, err
	}
	spread, nearest := distances(x, d.n)
	return map[string]float64{Spread: spread / d.spread, Nearest: nearest / d.nearest}, nil
}

// distances returns the mean distance of two of n images and that of an image to its
// nearest other one. A distance is the root of the mean squared difference of values.
func distances(x []float32, n int) (spread, nearest float64) {
	size := len(x) / max(1, n)
	closest := make([]float64, n)
	for i := range closest {
		closest[i] = math.Inf(1)
	}
	for i := range n {
		a := x[i*size : (i+1)*size]
		for j := range i {
			d := math.Sqrt(float64(squaredDistance(x[j*size:(j+1)*size], a)) / float64(size))
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

// squaredDistance returns Σ (x − y)², in four independent sums.
func squaredDistance(x, y []float32) float32 {
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
