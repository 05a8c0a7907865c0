package mixture

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// moments are the weighted sums over points from which the M step computes a mixture. Of each component, with r the
// responsibilities and c a centre, they are Σ r, Σ r·(x−c) and Σ r·(x−c)(x−c)ᵀ. A centre near the mean avoids
// cancellation.
type moments struct {
	d      int
	full   bool
	weight []float64   // Σ r (K)
	first  [][]float64 // Σ r·(x−c), K times (D)
	second [][]float64 // the upper triangle of Σ r·(x−c)(x−c)ᵀ (D,D), or its diagonal (D), K times
	logp   float64     // Σ ln p(x)
}

func newMoments(k, d int, full bool) *moments {
	size := d
	if full {
		size = d * d
	}
	s := &moments{d: d, full: full, weight: make([]float64, k)}
	for range k {
		s.first, s.second = append(s.first, make([]float64, d)), append(s.second, make([]float64, size))
	}
	return s
}

// addChunk adds the points of a chunk with responsibilities resp (n,K).
func (s *moments) addChunk(c chunk, resp []float64, centres [][]float64, t *scratch) {
	d, kk := s.d, len(s.weight)
	for k := range kk {
		t.center(c, centres[k])
		for i := range c.n {
			r := resp[i*kk+k]
			row := t.centred[i*d : (i+1)*d]
			if r == 0 { // the usual case of hard assignments
				clear(row)
				continue
			}
			s.weight[k] += r
			root := math.Sqrt(r)
			for j, v := range row {
				s.first[k][j] += r * v
				if !s.full {
					s.second[k][j] += r * v * v
				}
				row[j] = root * v
			}
		}
		if s.full {
			blas64.Syrk(blas.Trans, 1, matrix(t.centred, c.n, d), 1, blas64.Symmetric{N: d, Stride: d, Data: s.second[k], Uplo: blas.Upper})
		}
	}
}

// add adds the sums of o.
func (s *moments) add(o *moments) {
	s.logp += o.logp
	for k := range s.weight {
		s.weight[k] += o.weight[k]
		addVector(s.first[k], o.first[k])
		addVector(s.second[k], o.second[k])
	}
}

func addVector(dst, src []float64) {
	for i, v := range src {
		dst[i] += v
	}
}

// mixture returns the mixture with the highest likelihood for the moments (the M step), with floor (D) added to its
// variances. A component without points keeps its centre, with the weight 0 and the floor as its variance.
func (s *moments) mixture(centres [][]float64, floor []float64) *Mixture {
	d, total := s.d, 0.0
	m := &Mixture{Dim: d, Full: s.full}
	for _, n := range s.weight {
		total += n
	}
	for k, n := range s.weight {
		m.Weights = append(m.Weights, n/total)
		if n == 0 {
			n = 1 // all moments are 0
		}
		shift := s.first[k]
		for j := range d {
			shift[j] /= n
			m.Means = append(m.Means, centres[k][j]+shift[j])
		}
		if !s.full {
			for j, v := range s.second[k] {
				m.Covs = append(m.Covs, max(v/n-shift[j]*shift[j], 0)+floor[j])
			}
			continue
		}
		for i := range d {
			for j := range d {
				v := s.second[k][min(i, j)*d+max(i, j)]/n - shift[i]*shift[j]
				if i == j {
					v = max(v, 0) + floor[i]
				}
				m.Covs = append(m.Covs, v)
			}
		}
	}
	return m
}

// sumMoments returns the moments over all points. It calls visit for each chunk with the sums of its lane, and then adds
// the lanes in order.
func (p points) sumMoments(k int, full bool, visit func(c chunk, s *moments, t *scratch)) *moments {
	var sums [lanes]*moments
	p.forEachLane(func(lane int) {
		sums[lane] = newMoments(k, p.d, full)
		var t scratch
		for c := range p.chunks(lane) {
			visit(c, sums[lane], &t)
		}
	})
	for _, s := range sums[1:] {
		sums[0].add(s)
	}
	return sums[0]
}
