package eval

import (
	"context"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
)

// A ruler measures the Euclidean distances of many points from many others, block by
// block: by products in float32 it tells which pairs matter, and these it measures in
// float64. What it gives is what a loop over all pairs would give.
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

func newNeighbourSearch(be backend.Backend, dims int, told func(done, total int)) (*neighbourSearch, error) {
	most := max(1, maxBlockValues/dims)
	p, err := newProducts(be, min(maxQueryBlock, most), min(maxPoolBlock, most), dims)
	return &neighbourSearch{p, told}, err
}

// points are N points of F values, read some at a time.
type points struct {
	n    int
	read func(at, n int, dst []float32) error // points at … at+n−1, to dst (n,F)
}

// held returns points in memory, (N,F).
func pointsOf(x []float32, dims int) points {
	return points{len(x) / dims, func(at, n int, dst []float32) error {
		copy(dst, x[at*dims:(at+n)*dims])
		return nil
	}}
}

// pixels returns the pixels of images as points.
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

// A stretch is the points of the pool that a query is being held against.
type distanceBlock struct {
	at      int       // the first of them
	squares []float32 // of their distances from the query, to within slack
	slack   float32
	exact   func(j int) float64 // the distance of point j of the stretch
}

// meet shows f every stretch of the pool for every query, in order of the pool for each
// query, and several queries at a time.
//
// query (Q,F). The square is |a|² + |b|² − 2 a·b of points moved to the queries' mean
// c. With u = 2⁻²⁴ the product is off by at most F·u·|a||b| whatever the order of its
// terms, and the move, the squares and their sum by a few u·(|a|² + |b|²); hence
// slack = (F + 16)·u·(|a|² + |b|²), with the largest |b| of the stretch.
func (r *neighbourSearch) eachBlock(ctx context.Context, query []float32, pool points, f func(i int, s distanceBlock)) error {
	count := len(query) / r.dims
	centre := r.meanPoint(query)
	block := make([]float32, r.cols*r.dims)
	squares, mine := make([]float32, r.cols), make([]float32, r.rows)
	unit := float32(r.dims+16) * 0x1p-24
	for at := 0; at < pool.n; at += r.cols {
		n := min(r.cols, pool.n-at)
		if err := pool.read(at, n, block); err != nil {
			return err
		}
		r.centreBlock(r.b, block[:n*r.dims], centre, squares)
		most := slices.Max(squares[:n])
		for first := 0; first < count; first += r.rows {
			m := min(r.rows, count-first)
			r.centreBlock(r.a, query[first*r.dims:(first+m)*r.dims], centre, mine)
			if err := r.run(); err != nil {
				return err
			}
			err := data.Parallel(ctx, m, func(i int) error {
				q := query[(first+i)*r.dims : (first+i+1)*r.dims]
				near := r.ab[i*r.cols : i*r.cols+n]
				for j, v := range near {
					near[j] = mine[i] + squares[j] - 2*v
				}
				f(first+i, distanceBlock{at, near, unit * (mine[i] + most), func(j int) float64 {
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

// centre returns the mean of points, (F).
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

// move writes x − centre to dst and the square of its length to squares.
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

// nearest returns the k points of the pool nearest to each query, the nearest first, of
// equals the one that comes first. If the queries are the pool itself, none is its own
// neighbour.
//
// query (Q,F) → (Q) of min(k, what there is) each.
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

// within counts for each query the points of the pool that it is no farther from than
// their radius.
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
