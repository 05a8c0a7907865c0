package compare

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
)

var nan = math.NaN()

// A distanceSpace is the space in which distances between images are measured: features, or
// pixels if there is no net.
type distanceSpace struct {
	name string
	dims int
	net  *feature.Net
	img  medium.Item

	train           []float32 // (poolImages, dims), training images
	test            []float32 // (generatedImages, dims), test images
	outlierDistance float64   // distance to the nearest training image that 95 % of the test images keep
	mean            float64   // mean of these distances
}

// outlierQuantile is the share of test images that are not outliers: their distance to the
// nearest training image is at most outlierDistance.
const outlierQuantile = 0.95

// newDistanceSpace returns the space of a set, with the training and test images that others
// are compared with.
func newDistanceSpace(ctx context.Context, set *data.Set, opt Options, img medium.Item) (*distanceSpace, error) {
	v := &distanceSpace{name: medium.ValueNoun(img) + "s", dims: img.Size(), net: opt.Net, img: img}
	if opt.Net != nil {
		v.dims, v.name = feature.Size, fmt.Sprintf("%d features of %s, which gets %.2f%% of the test labels right", feature.Size, opt.Net.Name, 100*opt.Net.Accuracy)
	}
	order := rng.New(opt.Seed).Split("compare").Split("pool").Perm(set.Train.Len())
	first := func(images data.Items, n int, at func(i int) int32) ([]float32, error) {
		n = min(n, images.Len())
		x := make([]float32, n*img.Size())
		index := make([]int32, n)
		for i := range index {
			index[i] = at(i)
		}
		if err := data.Floats(ctx, images, index, x); err != nil {
			return nil, err
		}
		return v.embed(ctx, x)
	}
	var err error
	// In pixels a distance costs more, and fewer are measured.
	if v.train, err = first(set.Train.Items, poolImages*feature.Size/max(v.dims, feature.Size), func(i int) int32 { return order[i] }); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	if v.test, err = first(set.Test.Items, generatedImages, func(i int) int32 { return int32(i) }); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	d, err := v.nearest(ctx, v.test)
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	v.mean = average(d)
	slices.Sort(d)
	v.outlierDistance = d[min(len(d)-1, int(outlierQuantile*float64(len(d))))]
	return v, nil
}

// embed returns images (n,H,W,C) as points of the space, (n, dims).
func (v *distanceSpace) embed(ctx context.Context, x []float32) ([]float32, error) {
	if v.net == nil {
		return x, nil
	}
	images, err := data.FromFloats(x, v.img)
	if err != nil {
		return nil, err
	}
	f, _, err := v.net.Describe(ctx, images)
	return f, err
}

// nearest returns the distance of each of the points (n, dims) to the nearest training image.
func (v *distanceSpace) nearest(ctx context.Context, x []float32) ([]float64, error) {
	neighbours, err := latent.Neighbours(ctx, x, v.train, v.dims, 1, latent.Euclidean, nil)
	if err != nil {
		return nil, err
	}
	d := make([]float64, len(neighbours))
	for i, n := range neighbours {
		d[i] = n[0].Distance
	}
	return d, nil
}

// average returns the mean of numbers.
func average(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// A SampleQuality says how far images that are decoded from random codes are from the data.
type SampleQuality struct {
	Nearest  float64 // mean distance to the nearest training image
	Relative float64 // Nearest over that of the test images: 1 = as near; NaN if test images are training images
	Outliers float64 // share that is farther from any training image than 95 % of the test images are
	FID      float64 // Fréchet distance of features from the test images, which also counts missing kinds of images; NaN without a net
}

// sampleQuality returns the quality of images given as points, (n, dims).
func (v *distanceSpace) sampleQuality(ctx context.Context, points []float32) (SampleQuality, error) {
	d, err := v.nearest(ctx, points)
	if err != nil {
		return SampleQuality{}, err
	}
	h := SampleQuality{Nearest: average(d)}
	h.Relative, h.FID = nan, nan
	if v.net != nil {
		if h.FID, err = eval.Frechet(v.test, points, v.dims); err != nil {
			return SampleQuality{}, err
		}
	}
	if v.mean > 0 {
		h.Relative = h.Nearest / v.mean
	}
	for _, x := range d {
		if x > v.outlierDistance {
			h.Outliers += 1 / float64(len(d))
		}
	}
	return h, nil
}

// decodeSamples decodes draws of N(0, I), and the same draws scaled and shifted to the
// standard deviation and the mean of each unit's codes.
func (m *Measurements) decodeSamples(ctx context.Context, c *Comparison, v *distanceSpace, key rng.Key, opt Options) error {
	s, units := m.Session, m.Session.Latent()
	labels, err := m.labels(c.test, generatedImages, func(i int) int { return i % c.test.Len() })
	if err != nil {
		return err
	}
	centre, deviation := latent.Moments(m.mean, units)
	m.Spread = average(deviation)
	z := latent.SamplePrior(key.Split("prior"), generatedImages, units)
	for i, out := range []struct {
		pixels  *[]float32
		quality *SampleQuality
	}{{&m.priorPixels, &m.PriorSamples}, {&m.gaussianPixels, &m.GaussianSamples}} {
		if i == 1 {
			for k := range z {
				z[k] = float32(centre[k%units] + deviation[k%units]*float64(z[k]))
			}
		}
		opt.Progress(m.Name+c.reword(": images from random codes"), i, 2)
		pix, err := s.DecodeAs(ctx, z, labels)
		if err != nil {
			return err
		}
		points, err := v.embed(ctx, pix)
		if err != nil {
			return err
		}
		if *out.quality, err = v.sampleQuality(ctx, points); err != nil {
			return err
		}
		*out.pixels = slices.Clone(pix[:sheetImages*s.Item().Size()])
	}
	return nil
}
