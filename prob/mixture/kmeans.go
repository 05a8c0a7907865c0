package mixture

import (
	"context"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
)

const kMeansMaxIterations = 30 // enough for a start: EM does the rest

// kMeans returns the centres (K) of k clusters, by Lloyd's algorithm from the centres of initialCentres.
func (p points) kMeans(ctx context.Context, k int, floor []float64, key rng.Key) ([][]float64, error) {
	centres := p.initialCentres(k, key)
	for range kMeansMaxIterations {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m := p.fromClusters(centres, false, floor)
		moved := false
		for i, w := range m.Weights {
			mean := m.Means[i*p.d : (i+1)*p.d]
			if w > 0 && !slices.Equal(mean, centres[i]) {
				centres[i], moved = mean, true
			}
		}
		if !moved {
			break
		}
	}
	return centres, nil
}

// initialCentres draws k of the points by k-means++: the probability of a point is proportional to its squared distance
// from the nearest centre that is already drawn.
func (p points) initialCentres(k int, key rng.Key) [][]float64 {
	row := func(i int) []float64 {
		c := make([]float64, p.d)
		for j, v := range p.x[i*p.d : (i+1)*p.d] {
			c[j] = float64(v)
		}
		return c
	}
	first := int(key.At(0).Float64() * float64(p.n))
	centres := [][]float64{row(first)}
	distances := make([]float64, p.n) // squared, from the nearest centre
	for i := range distances {
		distances[i] = math.Inf(1)
	}
	for len(centres) < k {
		newest := centres[len(centres)-1:]
		p.forEachLane(func(lane int) {
			for c := range p.chunks(lane) {
				for i := range c.n {
					_, d := nearest(c.x[i*p.d:(i+1)*p.d], newest)
					distances[c.first+i] = min(distances[c.first+i], d)
				}
			}
		})
		u := key.At(uint64(len(centres))).Float64()
		centres = append(centres, row(sampleIndex(distances, u)))
	}
	return centres
}

// nearest returns the index of the centre that is nearest to x, the first of equals, and the squared distance.
func nearest(x []float32, centres [][]float64) (index int, distance float64) {
	distance = math.Inf(1)
	for k, c := range centres {
		sum := 0.0
		for j, v := range x {
			e := float64(v) - c[j]
			sum += e * e
		}
		if sum < distance {
			index, distance = k, sum
		}
	}
	return index, distance
}
