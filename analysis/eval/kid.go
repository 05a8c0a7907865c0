package eval

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/rng"
)

// The protocol of the KID: Bińkowski et al., arXiv:1801.01401, section 4.1.
const (
	kidSubsets = 100
	kidSize    = 1000 // points of a subset of each side, or all where there are fewer
)

// kid returns the kernel inception distance of two sets of features, the mean over subsets.
func kid(ctx context.Context, s *evaluation, real, generated *embedding) (result, error) {
	n := min(len(real.features), len(generated.features)) / feature.Size
	if n < 2 {
		return absent("a kernel distance takes two images or more")
	}
	subsets := kidSubsets
	if n <= kidSize { // each would be the same points
		subsets = 1
	}
	m, err := mmd(ctx, s.be, real.features, generated.features, feature.Size, subsets, min(n, kidSize), s.key.Split("kid"), s.progress)
	if err != nil {
		return result{}, err
	}
	return result{value: m.value(), stdErr: m.stdErr()}, nil
}

// aboutKID returns the protocol of kid in words.
func (p Protocol) aboutKID() string {
	return fmt.Sprintf("kernel distance (Bińkowski et al. 2018) of the features of the first %d test images and of as many drawn from the model's prior: squared maximum mean discrepancy by the kernel (x·y/%d + 1)³, mean of the unbiased estimate over %d subsets of %d of each; %s", p.Generated, feature.Size, kidSubsets, kidSize, aboutNet)
}

// mmd returns the unbiased estimate of the squared maximum mean discrepancy of two
// distributions,
//
//	E k(x, x′) + E k(y, y′) − 2 E k(x, y),   k(x, y) = (x·y/F + 1)³
//
// for each of the subsets of a and b, which are size points drawn without replacement:
// subset i of a at key.Split("real").At(i), of b at key.Split("made").At(i). Products are
// float32, sums float64.
//
// a, b (N,F). Gretton et al. 2012, lemma 6; Bińkowski et al., arXiv:1801.01401.
func mmd(ctx context.Context, be backend.Backend, a, b []float32, dims, subsets, size int, key rng.Key, progress func(done, total int)) (mean, error) {
	var all mean
	p, err := newProducts(be, size, size, dims)
	if err != nil {
		return all, err
	}
	x, y := make([]float32, size*dims), make([]float32, size*dims)
	pairs := float64(size) * float64(size-1)
	for i := range subsets {
		drawSubset(x, a, dims, key.Split("real").At(uint64(i)))
		drawSubset(y, b, dims, key.Split("made").At(uint64(i)))
		estimate := 0.0
		for _, pair := range []struct {
			a, b     []float32
			weight   float64
			distinct bool // a point is not paired with itself
		}{{x, x, 1 / pairs, true}, {y, y, 1 / pairs, true}, {x, y, -2 / float64(size) / float64(size), false}} {
			copy(p.a, pair.a)
			copy(p.b, pair.b)
			if err := p.run(); err != nil {
				return all, err
			}
			sum, err := p.kernelSum(ctx, pair.distinct)
			if err != nil {
				return all, err
			}
			estimate += pair.weight * sum
		}
		all.add(estimate)
		progress((i+1)*size, subsets*size)
	}
	return all, nil
}

// drawSubset draws points of x without replacement until dst is full.
func drawSubset(dst, x []float32, dims int, key rng.Key) {
	order := key.Perm(len(x) / dims)
	for i := range len(dst) / dims {
		copy(dst[i*dims:(i+1)*dims], x[int(order[i])*dims:])
	}
}

// kernelSum returns the sum of the kernel over all pairs, without the pairs of a point and
// itself if distinct is true.
func (p *products) kernelSum(ctx context.Context, distinct bool) (float64, error) {
	sums := make([]float64, p.rows)
	scale := 1 / float64(p.dims)
	err := data.Parallel(ctx, p.rows, func(i int) error {
		sum := 0.0
		for j, v := range p.ab[i*p.cols : (i+1)*p.cols] {
			if distinct && i == j {
				continue
			}
			k := float64(v)*scale + 1
			sum += k * k * k
		}
		sums[i] = sum
		return nil
	})
	total := 0.0
	for _, v := range sums {
		total += v
	}
	return total, err
}
