package mixture

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/imago-ml/imago/engine/rng"
)

// Options are how Fit goes about it. The zero value of each is its default.
type Options struct {
	Full       bool    // covariances are matrices; else diagonal
	Equal      bool    // weights are 1/K: components of alike many points; else fitted
	Restarts   int     // fits from other starts, of which the likeliest is kept; 0 = 1
	Begin      int     // components that each fit begins with, merged to k where it ends, to go on from there; 0 = k
	Iterations int     // of EM at most; 0 = 200
	Tolerance  float64 // gain of ln p(x), nats a point, below which EM stops; 0 = 1e-4
	Floor      float64 // added to each variance, in variances of that dimension over all points; 0 = 1e-6
	Key        rng.Key // of the starts
}

func (o Options) complete() Options {
	if o.Restarts == 0 {
		o.Restarts = 1
	}
	if o.Iterations == 0 {
		o.Iterations = 200
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-4
	}
	if o.Floor == 0 {
		o.Floor = 1e-6
	}
	return o
}

// weigh makes the weights equal if they are to be.
func (o Options) weigh(m *Mixture) {
	if o.Equal {
		for k := range m.Weights {
			m.Weights[k] = 1 / float64(len(m.Weights))
		}
	}
}

func (o Options) validate() error {
	if o.Restarts < 1 || o.Iterations < 1 || !(o.Tolerance > 0) || !(o.Floor > 0) || math.IsInf(o.Floor, 0) {
		return fmt.Errorf("mixture: %d restarts of %d iterations, tolerance %v, floor %v: want each above 0", o.Restarts, o.Iterations, o.Tolerance, o.Floor)
	}
	return nil
}

// Fit fits k components to n points x (N,D) by expectation and maximisation
// (Dempster, Laird & Rubin 1977), from the clusters of k-means, whose centres are
// drawn by k-means++ (Arthur & Vassilvitskii 2007):
//
//	r_ik ← π_k N(x_i; μ_k, Σ_k) / p(x_i)
//	π_k ← Σ_i r_ik / N,  μ_k ← Σ_i r_ik x_i / Σ_i r_ik,  Σ_k ← Σ_i r_ik (x_i−μ_k)(x_i−μ_k)ᵀ / Σ_i r_ik + floor
//
// It ends in a local maximum: in a better one if it begins with more components, of
// which those of the cheapest mergers become one. A dimension in which all points are
// the same gets a floor from the others. It fails where k is not from 1 to N, a number
// is not finite, or all points are one, and where ctx ends.
func Fit(ctx context.Context, x []float32, n, d, k int, o Options) (*Mixture, error) {
	o = o.complete()
	if err := o.validate(); err != nil {
		return nil, err
	}
	p, err := newPoints(x, d)
	if err != nil {
		return nil, err
	}
	if p.n != n {
		return nil, fmt.Errorf("mixture: %d numbers are no %d points of dimension %d", len(x), n, d)
	}
	if k < 1 || k > p.n {
		return nil, fmt.Errorf("mixture: %d components for %d points: want 1 to %d", k, p.n, p.n)
	}
	if o.Begin != 0 && (o.Begin < k || o.Begin > p.n) {
		return nil, fmt.Errorf("mixture: %d components to begin with for %d, of %d points: want %d to %d", o.Begin, k, p.n, k, p.n)
	}
	floor, err := p.floor(o.Floor)
	if err != nil {
		return nil, err
	}
	var best *Mixture
	likeliest := math.Inf(-1)
	for r := range o.Restarts {
		m, mean, err := p.em(ctx, k, o, floor, o.Key.Split("restart").At(uint64(r)))
		if err != nil {
			return nil, err
		}
		if best == nil || mean > likeliest {
			best, likeliest = m, mean
		}
	}
	return best, nil
}

// em fits once, and gives the mean ln p(x) of the points before the last step.
func (p points) em(ctx context.Context, k int, o Options, floor []float64, key rng.Key) (*Mixture, float64, error) {
	centres, err := p.kMeans(ctx, max(k, o.Begin), floor, key)
	if err != nil {
		return nil, 0, err
	}
	m := p.hard(centres, o.Full, floor)
	if o.Begin > k {
		free := o
		free.Equal = false
		if m, _, err = p.climb(ctx, m, free, floor); err != nil {
			return nil, 0, err
		}
		if m, err = m.reduced(k); err != nil {
			return nil, 0, err
		}
	}
	return p.climb(ctx, m, o, floor)
}

// climb returns EM from m.
func (p points) climb(ctx context.Context, m *Mixture, o Options, floor []float64) (*Mixture, float64, error) {
	o.weigh(m)
	last := math.Inf(-1)
	for range o.Iterations {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		next, mean, err := p.step(m, floor)
		if err != nil {
			return nil, 0, err
		}
		m = next
		o.weigh(m)
		if mean-last < o.Tolerance {
			return m, mean, nil
		}
		last = mean
	}
	return m, last, nil
}

// moments are Σ r, Σ r·(x−c) and Σ r·(x−c)(x−c)ᵀ about a centre c of each
// component, of the upper triangle or the diagonal alone.
type moments struct {
	d      int
	full   bool
	zeroth []float64   // (K)
	first  [][]float64 // (D)
	second [][]float64 // (D,D) or (D)
	logp   float64     // Σ ln p(x)
}

func newMoments(k, d int, full bool) *moments {
	size := d
	if full {
		size = d * d
	}
	s := &moments{d: d, full: full, zeroth: make([]float64, k)}
	for range k {
		s.first, s.second = append(s.first, make([]float64, d)), append(s.second, make([]float64, size))
	}
	return s
}

// add counts a chunk with weights resp (n,K).
func (s *moments) add(c chunk, resp []float64, centres [][]float64, t *scratch) {
	d, kk := s.d, len(s.zeroth)
	for k := range kk {
		t.center(c, centres[k])
		for i := range c.n {
			r := resp[i*kk+k]
			row := t.diff[i*d : (i+1)*d]
			if r == 0 { // most, of clusters
				clear(row)
				continue
			}
			s.zeroth[k] += r
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
			blas64.Syrk(blas.Trans, 1, matrix(t.diff, c.n, d), 1, blas64.Symmetric{N: d, Stride: d, Data: s.second[k], Uplo: blas.Upper})
		}
	}
}

func (s *moments) join(o *moments) {
	s.logp += o.logp
	for k := range s.zeroth {
		s.zeroth[k] += o.zeroth[k]
		addTo(s.first[k], o.first[k])
		addTo(s.second[k], o.second[k])
	}
}

func addTo(dst, src []float64) {
	for i, v := range src {
		dst[i] += v
	}
}

// mixture returns the likeliest one of the moments. A component without points stays
// where it is, without weight, with the spread of the floor.
func (s *moments) mixture(centres [][]float64, floor []float64) *Mixture {
	d, total := s.d, 0.0
	m := &Mixture{Dim: d, Full: s.full}
	for _, n := range s.zeroth {
		total += n
	}
	for k, n := range s.zeroth {
		m.Weights = append(m.Weights, n/total)
		if n == 0 {
			n = 1 // of nothing, all moments are 0
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

// sums adds moments over all points: of each lane, then of the lanes in order.
func (p points) sums(k int, full bool, visit func(c chunk, s *moments, t *scratch)) *moments {
	var of [lanes]*moments
	p.parts(func(part int) {
		of[part] = newMoments(k, p.d, full)
		var t scratch
		for c := range p.chunks(part) {
			visit(c, of[part], &t)
		}
	})
	for _, s := range of[1:] {
		of[0].join(s)
	}
	return of[0]
}

// step returns one round of EM, and the mean ln p(x) under m.
func (p points) step(m *Mixture, floor []float64) (*Mixture, float64, error) {
	f, err := m.factor()
	if err != nil {
		return nil, 0, err
	}
	s := p.sums(f.k, m.Full, func(c chunk, s *moments, t *scratch) {
		for _, l := range t.expect(f, c) {
			s.logp += l
		}
		s.add(c, t.resp, f.means, t)
	})
	return s.mixture(f.means, floor), s.logp / float64(p.n), nil
}

// hard returns the mixture of clusters: each point belongs to the nearest centre.
func (p points) hard(centres [][]float64, full bool, floor []float64) *Mixture {
	k := len(centres)
	s := p.sums(k, full, func(c chunk, s *moments, t *scratch) {
		t.resp = grow(t.resp, c.n*k)
		clear(t.resp)
		for i := range c.n {
			at, _ := nearest(c.x[i*p.d:(i+1)*p.d], centres)
			t.resp[i*k+at] = 1
		}
		s.add(c, t.resp, centres, t)
	})
	return s.mixture(centres, floor)
}

// floor returns share of the variance of each dimension; of one without any, of the
// average dimension.
func (p points) floor(share float64) ([]float64, error) {
	ones := make([]float64, chunkRows)
	for i := range ones {
		ones[i] = 1
	}
	centre := make([]float64, p.d)
	for j := range centre {
		centre[j] = float64(p.x[j])
	}
	s := p.sums(1, false, func(c chunk, s *moments, t *scratch) { s.add(c, ones[:c.n], [][]float64{centre}, t) })
	m := s.mixture([][]float64{centre}, make([]float64, p.d))
	average := 0.0
	for _, v := range m.Covs {
		average += v / float64(p.d)
	}
	if !(average > 0) {
		return nil, fmt.Errorf("mixture: all %d points are the same: there is no density to fit", p.n)
	}
	floor := m.Covs
	for j, v := range floor {
		floor[j] = share * max(v, 1e-6*average)
	}
	return floor, nil
}
