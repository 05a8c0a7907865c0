package eval

import (
	"context"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
)

// A neighbourSearch finds nearest neighbours by Euclidean distance, block by block. Products
// in float32 on the device give distances up to a known error bound; the pairs that the
// bound leaves open are measured in float64. The result is that of a loop over all pairs.
type neighbourSearch struct {
	*products
	progress func(done, total int) // points of the pool
}

// The points of a block of each side, and the most values that a block may have.
const (
	maxQueryBlock  = 512
	maxPoolBlock   = 2048
	maxBlockValues = 1 << 24
)

// newNeighbourSearch returns a search among points of that many values. progress is called
// after each block with the number of points of the pool that are done.
func newNeighbourSearch(be backend.Backend, dims int, progress func(done, total int)) (*neighbourSearch, error) {
	rows := max(1, maxBlockValues/dims)
	p, err := newProducts(be, min(maxQueryBlock, rows), min(maxPoolBlock, rows), dims)
	return &neighbourSearch{p, progress}, err
}

// points are N points of F values, read some at a time.
type points struct {
	n    int
	read func(at, n int, dst []float32) error // points at … at+n−1, to dst (n,F)
}

// pointsOf returns points that are in memory, (N,F).
func pointsOf(x []float32, dims int) points {
	return points{len(x) / dims, func(at, n int, dst []float32) error {
		copy(dst, x[at*dims:(at+n)*dims])
		return nil
	}}
}

// pixelPoints returns the pixels of images as points.
func pixelPoints(ctx context.Context, images data.Items) points {
	var index []int32
	return points{images.Len(), func(at, n int, dst []float32) error {
		index = index[:0]
		for i := range n {
			index = append(index, int32(at+i))
		}
		return data.Floats(ctx, images, index, dst)
	}}
}

// A distanceBlock is the distances of one query from the points of one block of the pool.
type distanceBlock struct {
	at      int       // the first of them
	squares []float32 // of their distances from the query, to within slack
	slack   float32
	exact   func(j int) float64 // the distance of point j of the block
}

// eachBlock calls f with every block of the pool for every query: in order of the pool for
// each query, and for several queries at the same time.
//
// query (Q,F). The squared distance is |a|² + |b|² − 2 a·b of points from which the mean c
// of the queries is subtracted. With u = 2⁻²⁴ the product has an error of at most
// F·u·|a||b| whatever the order of its terms; the subtraction, the squares and their sum
// add a few u·(|a|² + |b|²). Hence slack = (F + 16)·u·(|a|² + |b|²), with the largest |b|
// of the block.
func (r *neighbourSearch) eachBlock(ctx context.Context, query []float32, pool points, f func(i int, s distanceBlock)) error {
	count := len(query) / r.dims
	centre := r.meanPoint(query)
	block := make([]float32, r.cols*r.dims)
	squares, queries := make([]float32, r.cols), make([]float32, r.rows)
	unit := float32(r.dims+16) * 0x1p-24
	for at := 0; at < pool.n; at += r.cols {
		n := min(r.cols, pool.n-at)
		if err := pool.read(at, n, block); err != nil {
			return err
		}
		r.centreBlock(r.b, block[:n*r.dims], centre, squares)
		largest := slices.Max(squares[:n])
		for first := 0; first < count; first += r.rows {
			m := min(r.rows, count-first)
			r.centreBlock(r.a, query[first*r.dims:(first+m)*r.dims], centre, queries)
			if err := r.run(); err != nil {
				return err
			}
			err := data.Parallel(ctx, m, func(i int) error {
				q := query[(first+i)*r.dims : (first+i+1)*r.dims]
				distances := r.ab[i*r.cols : i*r.cols+n]
				for j, v := range distances {
					distances[j] = queries[i] + squares[j] - 2*v
				}
				f(first+i, distanceBlock{at, distances, unit * (queries[i] + largest), func(j int) float64 {
					return latent.Euclidean(q, block[j*r.dims:(j+1)*r.dims])
				}})
				return nil
			})
			if err != nil {
				return err
			}
		}
		r.progress(at+n, pool.n)
	}
	return nil
}

// meanPoint returns the mean of points, (F).
func (r *neighbourSearch) meanPoint(x []float32) []float32 {
	sums := make([]float64, r.dims)
	for i, v := range x {
		sums[i%r.dims] += float64(v)
	}
	c := make([]float32, r.dims)
	for k, v := range sums {
		c[k] = float32(v / float64(max(1, len(x)/r.dims)))
	}
	return c
}

// centreBlock writes x − centre to dst, and the squared length of each point to squares.
func (r *neighbourSearch) centreBlock(dst, x, centre, squares []float32) {
	for i := range len(x) / r.dims {
		sum := 0.0
		to := dst[i*r.dims : (i+1)*r.dims]
		for k, v := range x[i*r.dims : (i+1)*r.dims] {
			d := v - centre[k]
			to[k] = d
			sum += float64(d) * float64(d)
		}
		squares[i] = float32(sum)
	}
}

// nearest returns the k points of the pool that are nearest to each query, the nearest
// first; of points at equal distance the first in the pool. If itself is true, the queries
// are the pool, and no point is its own neighbour.
//
// query (Q,F) → (Q) of at most k each.
func (r *neighbourSearch) nearest(ctx context.Context, query []float32, pool points, k int, itself bool) ([][]latent.Neighbour, error) {
	all := make([][]latent.Neighbour, len(query)/r.dims)
	err := r.eachBlock(ctx, query, pool, func(i int, s distanceBlock) {
		best := all[i] // ascending
		limit := float32(math.Inf(1))
		bound := func() {
			if len(best) == k {
				d := best[k-1].Distance
				limit = (float32(d*d) + s.slack) * (1 + 0x1p-22)
			}
		}
		bound()
		for j, v := range s.squares {
			if v > limit || itself && s.at+j == i {
				continue
			}
			d := s.exact(j)
			if len(best) == k {
				if d >= best[k-1].Distance {
					continue
				}
				best = best[:k-1]
			}
			at := len(best)
			for at > 0 && best[at-1].Distance > d {
				at--
			}
			best = slices.Insert(best, at, latent.Neighbour{Index: s.at + j, Distance: d})
			bound()
		}
		all[i] = best
	})
	return all, err
}

// within returns for each query the number of points of the pool whose radius reaches it.
//
// query (Q,F), radii (N) → (Q).
func (r *neighbourSearch) within(ctx context.Context, query []float32, pool points, radii []float64) ([]int, error) {
	counts := make([]int, len(query)/r.dims)
	squares := make([]float32, len(radii))
	for j, d := range radii {
		squares[j] = float32(d * d)
	}
	return counts, r.eachBlock(ctx, query, pool, func(i int, s distanceBlock) {
		for j, v := range s.squares {
			reach := squares[s.at+j]
			slack := s.slack + 0x1p-22*reach
			if v < reach-slack || v <= reach+slack && s.exact(j) <= radii[s.at+j] {
				counts[i]++
			}
		}
	})
}
