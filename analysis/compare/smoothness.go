package compare

import (
	"context"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/rng"
)

// A Smoothness says how images change along the straight lines between the codes of two test
// images.
type Smoothness struct {
	LongestStep      float64 // longest step over the mean step, mean over the paths: 1 = even
	LongestPixelStep float64 // the same in pixels
	PixelLength      float64 // length of the path over the distance of its ends, in pixels: near 1 = a cross-fade
	Outliers         float64 // share of outliers among the images inside the paths, as in SampleQuality

	rows []float32 // (pathShown·pathCols,H,W,C)
}

// smoothness decodes straight lines between the codes of pairs of test images.
func (m *Measurements) smoothness(ctx context.Context, c *Comparison, v *distanceSpace, key rng.Key, opt Options) error {
	s, units := m.Session, m.Session.Latent()
	ends := pairsOf(key.Split("paths"), c.test.Len(), pathCount, c.set.Test.Labels)
	size := s.Item().Size()
	code := func(i int32) []float32 { return m.mean[int(i)*units : (int(i)+1)*units] }
	walk := func(i, n int) ([]float32, error) {
		z, err := latent.Interpolate(latent.Linear, code(ends[i][0]), code(ends[i][1]), n)
		if err != nil {
			return nil, err
		}
		labels, err := m.labels(c.test, n, func(int) int { return int(ends[i][0]) })
		if err != nil {
			return nil, err
		}
		return s.DecodeAs(ctx, z, labels)
	}
	var jump, pixelJump, length, outliers float64
	inside := 0
	for i := range ends {
		opt.Progress(m.Name+": paths between codes", i, len(ends))
		pix, err := walk(i, pathSteps+1)
		if err != nil {
			return err
		}
		points, err := v.embed(ctx, pix)
		if err != nil {
			return err
		}
		most, mean := steps(points, v.dims)
		jump += ratio(most, mean)
		most, mean = steps(pix, size)
		pixelJump += ratio(most, mean)
		length += ratio(mean*pathSteps, latent.Euclidean(pix[:size], pix[pathSteps*size:]))
		d, err := v.nearest(ctx, points[v.dims:pathSteps*v.dims])
		if err != nil {
			return err
		}
		for _, x := range d {
			inside++
			if x > v.outlierDistance {
				outliers++
			}
		}
	}
	n := float64(len(ends))
	m.Smoothness = Smoothness{LongestStep: jump / n, LongestPixelStep: pixelJump / n, PixelLength: length / n, Outliers: outliers / float64(inside)}
	for i := range min(pathShown, len(ends)) {
		pix, err := walk(i, pathCols)
		if err != nil {
			return err
		}
		m.Smoothness.rows = append(m.Smoothness.rows, pix...)
	}
	return nil
}

// steps returns the longest and the mean step of a path (n, dims).
func steps(path []float32, dims int) (longest, mean float64) {
	n := len(path)/dims - 1
	for i := range n {
		d := latent.Euclidean(path[i*dims:(i+1)*dims], path[(i+1)*dims:(i+2)*dims])
		longest = max(longest, d)
		mean += d / float64(n)
	}
	return longest, mean
}

// ratio returns a/b; 1 if b is 0, as for a path along which nothing changes.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 1
	}
	return a / b
}

// pairsOf draws pairs of different images of n ≥ 2, from two classes if there are labels.
func pairsOf(key rng.Key, n, count int, labels []int32) [][2]int32 {
	var all [][2]int32
	for round := uint64(0); len(all) < count && round < 64; round++ {
		order := key.At(round).Perm(n)
		for i := 0; i+1 < n && len(all) < count; i += 2 {
			if labels == nil || labels[order[i]] != labels[order[i+1]] {
				all = append(all, [2]int32{order[i], order[i+1]})
			}
		}
	}
	if len(all) == 0 { // one class alone
		all = append(all, [2]int32{0, 1})
	}
	return all
}
