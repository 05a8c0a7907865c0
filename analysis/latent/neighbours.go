package latent

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
)

// A Neighbour is one of the codes nearest to a query.
type Neighbour struct {
	Index    int
	Distance float64
}

// A Metric returns the distance of two codes of equal length.
type Metric func(a, b []float32) float64

// Euclidean returns |a − b|.
func Euclidean(a, b []float32) float64 {
	s := 0.0
	for i, v := range a {
		d := float64(v) - float64(b[i])
		s += d * d
	}
	return math.Sqrt(s)
}

// Cosine returns 1 − a·b/|a||b|, in [0, 2]; 1 if a code is 0.
func Cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i, v := range a {
		x, y := float64(v), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 1
	}
	return max(0, 1-ab/math.Sqrt(aa*bb))
}

// Neighbours returns the k codes of pool nearest to each query, the nearest first; of codes at
// equal distance the first in the pool. It compares every pair. If skip is not nil, code
// skip(i) of the pool is left out for query i, such as the query itself.
//
// query (Q, units), pool (N, units) → (Q) of at most k each.
func Neighbours(ctx context.Context, query, pool []float32, units, k int, metric Metric, skip func(i int) int) ([][]Neighbour, error) {
	if units < 1 || len(query)%units != 0 || len(pool)%units != 0 || k < 1 {
		return nil, fmt.Errorf("latent: %d neighbours of %d values among %d: want one or more, of codes of %d units", k, len(query), len(pool), units)
	}
	all := make([][]Neighbour, len(query)/units)
	return all, data.Parallel(ctx, len(all), func(i int) error {
		q, not := row(query, units, i), -1
		if skip != nil {
			not = skip(i)
		}
		var best []Neighbour // ascending
		for j := range len(pool) / units {
			if j == not {
				continue
			}
			d := metric(q, row(pool, units, j))
			if len(best) == k && !(d < best[k-1].Distance) {
				continue
			}
			if len(best) == k {
				best = best[:k-1]
			}
			at, _ := slices.BinarySearchFunc(best, d, func(n Neighbour, d float64) int {
				if n.Distance <= d {
					return -1
				}
				return 1
			})
			best = slices.Insert(best, at, Neighbour{j, d})
		}
		all[i] = best
		return nil
	})
}
