package mixture

import (
	"context"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
)

const kMeansRounds = 30 // at most; what is left to do, EM does

// kMeans returns the centres (K) of clusters, by Lloyd's algorithm.
func (p points) kMeans(ctx context.Context, k int, floor []float64, key rng.Key) ([][]float64, error) {
	centres := p.spread(k, key)
	for range kMeansRounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m := p.hard(centres, false, floor)
		moved := false
		for i, w := range m.Weights {
			at := m.Means[i*p.d : (i+1)*p.d]
			if w > 0 && !slices.Equal(at, centres[i]) {
				centres[i], moved = at, true
			}
		}
		if !moved {
			break
		}
	}
	return centres, nil
}

// spread draws k points to start from, by k-means++: each with the chance of its
// squared distance from the nearest one before.
func (p points) spread(k int, key rng.Key) [][]float64 {
	row := func(i int) []float64 {
		c := make([]float64, p.d)
		for j, v := range p.x[i*p.d : (i+1)*p.d] {
			c[j] = float64(v)
		}
		return c
	}
	first := int(key.At(0).Float64() * float64(p.n))
	centres := [][]float64{row(first)}
	far := make([]float64, p.n)
	for i := range far {
		far[i] = math.Inf(1)
	}
	for len(centres) < k {
		newest := centres[len(centres)-1:]
		p.parts(func(part int) {
			for c := range p.chunks(part) {
				for i := range c.n {
					_, dist := nearest(c.x[i*p.d:(i+1)*p.d], newest)
					far[c.first+i] = min(far[c.first+i], dist)
				}
			}
		})
		centres = append(centres, row(pick(far, key.At(uint64(len(centres))).Float64())))
	}
	return centres
}

// nearest returns the centre nearest to x, the first of equals, and the squared
// distance.
func nearest(x []float32, centres [][]float64) (at int, dist float64) {
	dist = math.Inf(1)
	for k, c := range centres {
		sum := 0.0
		for j, v := range x {
			e := float64(v) - c[j]
			sum += e * e
		}
		if sum < dist {
			at, dist = k, sum
		}
	}
	return at, dist
}
