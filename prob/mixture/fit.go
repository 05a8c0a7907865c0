package mixture

import (
	"context"
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/rng"
)

// Options are the settings of Fit. The zero value of a field means its default.
type Options struct {
	Full         bool // full covariance matrices; otherwise diagonal ones
	EqualWeights bool // every weight is 1/K; otherwise the weights are fitted
	Restarts     int  // the number of fits from different starts, of which the likeliest is kept; default 1

	// InitialComponents is the number of components that each fit starts with. When EM has converged with them, they
	// are merged to k components, and EM goes on. More than k helps against poor local maxima. Default k.
	InitialComponents int

	Iterations int     // the largest number of EM iterations; default 200
	Tolerance  float64 // EM stops when the mean of ln p(x), in nats, grows by less; default 1e-4
	Floor      float64 // is added to each variance, as a fraction of the variance of that dimension over all points; default 1e-6
	Key        rng.Key // of the random starts
}

// withDefaults returns o with the defaults in the place of zero values.
func (o Options) withDefaults() Options {
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

// setWeights sets the weights of m to 1/K if the options ask for equal weights.
func (o Options) setWeights(m *Mixture) {
	if o.EqualWeights {
		for k := range m.Weights {
			m.Weights[k] = 1 / float64(len(m.Weights))
		}
	}
}

// validate returns an error if a number of the options is out of range.
func (o Options) validate() error {
	if o.Restarts < 1 || o.Iterations < 1 || !(o.Tolerance > 0) || !(o.Floor > 0) || math.IsInf(o.Floor, 0) {
		return fmt.Errorf("mixture: %d restarts of %d iterations, tolerance %v, floor %v: want each above 0", o.Restarts, o.Iterations, o.Tolerance, o.Floor)
	}
	return nil
}

// Fit returns a mixture of k components that is fitted to n points x (N,D) by expectation-maximisation (Dempster, Laird
// & Rubin 1977):
//
//	r_ik ← π_k N(x_i; μ_k, Σ_k) / p(x_i)
//	π_k ← Σ_i r_ik / N,  μ_k ← Σ_i r_ik x_i / Σ_i r_ik,  Σ_k ← Σ_i r_ik (x_i−μ_k)(x_i−μ_k)ᵀ / Σ_i r_ik + floor
//
// EM starts from the clusters of k-means, whose initial centres k-means++ draws (Arthur & Vassilvitskii 2007). It
// converges to a local maximum of the likelihood. Options.Restarts and Options.InitialComponents help to find a better
// one. The floor of a dimension in which all points are equal is computed from the other dimensions.
//
// Fit returns an error if k is not from 1 to N, a number is not finite, all points are equal, an option is out of range,
// or ctx is cancelled.
func Fit(ctx context.Context, x []float32, n, d, k int, o Options) (*Mixture, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	p, err := newPoints(x, d)
	if err != nil {
		return nil, err
	}
	if p.n != n {
		return nil, fmt.Errorf("mixture: %d numbers are not %d points of dimension %d", len(x), n, d)
	}
	if k < 1 || k > p.n {
		return nil, fmt.Errorf("mixture: %d components for %d points: want 1 to %d", k, p.n, p.n)
	}
	if o.InitialComponents != 0 && (o.InitialComponents < k || o.InitialComponents > p.n) {
		return nil, fmt.Errorf("mixture: %d initial components for %d components of %d points: want %d to %d", o.InitialComponents, k, p.n, k, p.n)
	}
	floor, err := p.varianceFloor(o.Floor)
	if err != nil {
		return nil, err
	}
	return likeliest(o, func(key rng.Key) (*Mixture, float64, error) { return p.fitOnce(ctx, k, o, floor, key) })
}

// likeliest returns what fit returns of the start with the highest mean of ln p(x).
func likeliest[T any](o Options, fit func(key rng.Key) (T, float64, error)) (best T, err error) {
	highest := math.Inf(-1)
	for r := range o.Restarts {
		m, logp, err := fit(o.Key.Split("restart").At(uint64(r)))
		if err != nil {
			var none T
			return none, err
		}
		if r == 0 || logp > highest {
			best, highest = m, logp
		}
	}
	return best, nil
}

// fitOnce returns the mixture of one start, and the mean of ln p(x) before the last EM iteration.
func (p points) fitOnce(ctx context.Context, k int, o Options, floor []float64, key rng.Key) (*Mixture, float64, error) {
	centres, err := p.kMeans(ctx, max(k, o.InitialComponents), floor, key)
	if err != nil {
		return nil, 0, err
	}
	m := p.fromClusters(centres, o.Full, floor)
	if o.InitialComponents > k {
		fittedWeights := o
		fittedWeights.EqualWeights = false
		if m, _, err = p.runEM(ctx, m, fittedWeights, floor); err != nil {
			return nil, 0, err
		}
		if m, err = m.reduce(k); err != nil {
			return nil, 0, err
		}
	}
	return p.runEM(ctx, m, o, floor)
}

// runEM returns the mixture after EM from m has converged, and the mean of ln p(x) before the last iteration.
func (p points) runEM(ctx context.Context, m *Mixture, o Options, floor []float64) (*Mixture, float64, error) {
	o.setWeights(m)
	last, err := o.converge(ctx, func() (float64, error) {
		next, mean, err := p.emStep(m, floor)
		if err != nil {
			return 0, err
		}
		m = next
		o.setWeights(m)
		return mean, nil
	})
	return m, last, err
}

// converge repeats an EM iteration, which returns the mean of ln p(x) before it, until that rises by less than the tolerance,
// and returns the last mean.
func (o Options) converge(ctx context.Context, iterate func() (float64, error)) (float64, error) {
	last := math.Inf(-1)
	for range o.Iterations {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		mean, err := iterate()
		if err != nil || mean-last < o.Tolerance {
			return mean, err
		}
		last = mean
	}
	return last, nil
}

// emStep returns the mixture after one EM iteration, and the mean of ln p(x) under m.
func (p points) emStep(m *Mixture, floor []float64) (*Mixture, float64, error) {
	f, err := m.factor()
	if err != nil {
		return nil, 0, err
	}
	s := p.sumMoments(f.k, m.Full, func(c chunk, s *moments, t *scratch) {
		for _, l := range t.eStep(f, c) {
			s.logp += l
		}
		s.addChunk(c, t.resp, f.means, t)
	})
	return s.mixture(f.means, floor), s.logp / float64(p.n), nil
}

// fromClusters returns the mixture of hard assignments: each point belongs to the component of the nearest centre.
func (p points) fromClusters(centres [][]float64, full bool, floor []float64) *Mixture {
	k := len(centres)
	s := p.sumMoments(k, full, func(c chunk, s *moments, t *scratch) {
		t.resp = grow(t.resp, c.n*k)
		clear(t.resp)
		for i := range c.n {
			index, _ := nearest(c.x[i*p.d:(i+1)*p.d], centres)
			t.resp[i*k+index] = 1
		}
		s.addChunk(c, t.resp, centres, t)
	})
	return s.mixture(centres, floor)
}

// varianceFloor returns the floor of each variance: the given fraction of the variance of the dimension over all points.
// A dimension without variance counts as one with 1e-6 of the average variance. It returns an error if all points are
// equal.
func (p points) varianceFloor(fraction float64) ([]float64, error) {
	ones := make([]float64, chunkRows)
	for i := range ones {
		ones[i] = 1
	}
	centre := make([]float64, p.d)
	for j := range centre {
		centre[j] = float64(p.x[j])
	}
	s := p.sumMoments(1, false, func(c chunk, s *moments, t *scratch) { s.addChunk(c, ones[:c.n], [][]float64{centre}, t) })
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
		floor[j] = fraction * max(v, 1e-6*average)
	}
	return floor, nil
}
