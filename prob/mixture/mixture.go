// Package mixture fits mixtures of Gaussians to points, evaluates their densities and draws points from them. It serves
// latent codes after training: densities to sample from, clusters, and scores of anomalies.
//
// To use it, fit a mixture and ask for densities, responsibilities or draws:
//
//	m, err := mixture.Fit(ctx, codes, n, d, 10, mixture.Options{Full: true, Key: rng.New(1)})
//	logp, err := m.LogDensity(codes)    // (N), nats
//	points, err := m.Draw(rng.New(2), 64) // (64,D)
//
// The package computes on the host, in float64, on all processors. The same points, options and key give the same bits
// on any number of processors, because the sums over the points have a fixed order. It must not know models, images or
// graphs.
package mixture

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/imago-ml/imago/engine/rng"
)

// In all comments of this package, N is the number of points, D their dimension and K the number of components.

// A Mixture is a mixture of Gaussians with K components, the density
//
//	p(x) = Σ_k π_k N(x; μ_k, Σ_k)
//
// of points of D dimensions. Fit returns one; a literal or JSON that is read back is checked by Validate.
type Mixture struct {
	Dim     int       `json:"dim"`     // D ≥ 1
	Full    bool      `json:"full"`    // whether the covariances are full matrices; otherwise they are diagonal
	Weights []float64 `json:"weights"` // π (K), ≥ 0, with the sum 1
	Means   []float64 `json:"means"`   // μ (K,D)
	Covs    []float64 `json:"covs"`    // Σ (K,D,D) if Full, otherwise the diagonals (K,D), > 0
}

// Components returns K.
func (m *Mixture) Components() int { return len(m.Weights) }

// covSize returns how many numbers of Covs a component has: D·D or D.
func (m *Mixture) covSize() int {
	if m.Full {
		return m.Dim * m.Dim
	}
	return m.Dim
}

// Validate returns an error if m is not a density: if sizes do not agree, a number is not finite, the weights do not add
// up to 1, or a covariance is not positive definite. All methods that return an error check this first.
func (m *Mixture) Validate() error {
	_, err := m.factor()
	return err
}

// LogDensity returns ln p(x) of each point, in nats: x (N,D) → (N).
func (m *Mixture) LogDensity(x []float32) ([]float64, error) {
	out := make([]float64, len(x)/max(m.Dim, 1))
	err := m.forEachPoint(x, func(i int, _ []float64, logp float64) { out[i] = logp })
	return out, err
}

// Responsibilities returns the probability of each component for each point, p(k|x) = π_k N(x; μ_k, Σ_k) / p(x):
// x (N,D) → (N,K). The rows add up to 1.
func (m *Mixture) Responsibilities(x []float32) ([]float64, error) {
	k := m.Components()
	out := make([]float64, len(x)/max(m.Dim, 1)*k)
	err := m.forEachPoint(x, func(i int, resp []float64, _ float64) { copy(out[i*k:], resp) })
	return out, err
}

// forEachPoint calls visit with the index, the responsibilities (K) and the log-density of each point. Several calls run
// at once.
func (m *Mixture) forEachPoint(x []float32, visit func(i int, resp []float64, logp float64)) error {
	f, err := m.factor()
	if err != nil {
		return err
	}
	p, err := newPoints(x, m.Dim)
	if err != nil {
		return err
	}
	p.forEachLane(func(lane int) {
		var s scratch
		for c := range p.chunks(lane) {
			logp := s.eStep(f, c)
			for i := range c.n {
				visit(c.first+i, s.resp[i*f.k:(i+1)*f.k], logp[i])
			}
		}
	})
	return nil
}

// Draw returns n points drawn from m, (n,D). Point i depends on the key and i, and not on n. It returns an error if n is
// negative or m is not valid.
func (m *Mixture) Draw(key rng.Key, n int) ([]float32, error) {
	f, err := m.factor()
	if err != nil {
		return nil, err
	}
	if n < 0 {
		return nil, fmt.Errorf("mixture: %d points to draw: want 0 or more", n)
	}
	d := m.Dim
	u, out := make([]float32, n), make([]float32, n*d)
	key.Split("component").Uniform(u)
	key.Split("normal").Normal(out)
	eps, x := make([]float64, d), make([]float64, d)
	for i, u := range u {
		k := sampleIndex(m.Weights, float64(u))
		row := out[i*d : (i+1)*d]
		for j, e := range row {
			eps[j] = float64(e)
		}
		copy(x, m.Means[k*d:(k+1)*d])
		if m.Full { // x = μ + L·ε
			l := blas64.General{Rows: d, Cols: d, Stride: d, Data: f.lower[k]}
			blas64.Gemv(blas.NoTrans, 1, l, blas64.Vector{N: d, Inc: 1, Data: eps}, 1, blas64.Vector{N: d, Inc: 1, Data: x})
		} else {
			for j, e := range eps {
				x[j] += math.Sqrt(m.Covs[k*d+j]) * e
			}
		}
		for j, v := range x {
			row[j] = float32(v)
		}
	}
	return out, nil
}

// sampleIndex returns the index that u, from the uniform distribution on [0, 1), draws with probabilities proportional
// to weights: the first whose cumulative weight is above u times the total.
func sampleIndex(weights []float64, u float64) int {
	total, last := 0.0, 0
	for k, w := range weights {
		total += w
		if w > 0 {
			last = k
		}
	}
	sum := 0.0
	for k, w := range weights {
		if sum += w; u*total < sum {
			return k
		}
	}
	return last // rounding
}

// A cholesky is a mixture with its covariances factored, Σ = L·Lᵀ. With P = L⁻¹, a term of the density is
//
//	π N(x; μ, Σ) = e^(c − ½|P(x−μ)|²),   c = ln π − ½ D ln 2π − ln det L
type cholesky struct {
	*Mixture
	k     int
	logs  []float64   // c (K)
	prec  [][]float64 // P: lower triangles (D,D) if Full, otherwise 1/σ (D)
	lower [][]float64 // L (D,D) if Full
	means [][]float64 // μ (D)
}

// factor returns m with its covariances factored, or an error if m is not a density.
func (m *Mixture) factor() (*cholesky, error) {
	d, k, size := m.Dim, len(m.Weights), m.covSize()
	// Dim may come from a file: a huge one must not overflow the products to the right lengths.
	if d < 1 || k < 1 || d > len(m.Means) || len(m.Means) != k*d || len(m.Covs) != k*size {
		return nil, fmt.Errorf("mixture: %d weights, %d means and %d covariances of dimension %d: the sizes do not agree", k, len(m.Means), len(m.Covs), d)
	}
	f := &cholesky{Mixture: m, k: k}
	total := 0.0
	for i, w := range m.Weights {
		total += w
		if !(w >= 0) {
			return nil, fmt.Errorf("mixture: weight %d is %v: want 0 or more", i, w)
		}
	}
	if !(math.Abs(total-1) < 1e-6) {
		return nil, fmt.Errorf("mixture: the weights add up to %v: want 1", total)
	}
	for i := range k {
		mean := m.Means[i*d : (i+1)*d]
		for _, v := range mean {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("mixture: the mean of component %d has a %v", i, v)
			}
		}
		f.means = append(f.means, mean)
		prec, lower, logDet, err := factorCovariance(m.Covs[i*size:(i+1)*size], d, m.Full)
		if err != nil {
			return nil, fmt.Errorf("mixture: covariance of component %d: %w", i, err)
		}
		f.prec, f.lower = append(f.prec, prec), append(f.lower, lower)
		f.logs = append(f.logs, math.Log(m.Weights[i])-0.5*float64(d)*math.Log(2*math.Pi)-logDet)
	}
	return f, nil
}

// factorCovariance returns L⁻¹, L and ln det L of a covariance L·Lᵀ. If full is false, cov is a diagonal, L⁻¹ is the
// diagonal 1/σ and L is nil.
func factorCovariance(cov []float64, d int, full bool) (prec, lower []float64, logDet float64, err error) {
	if !full {
		prec = make([]float64, d)
		for j, v := range cov {
			if !(v > 0) || math.IsInf(v, 0) {
				return nil, nil, 0, fmt.Errorf("variance %d is %v: want a finite number above 0", j, v)
			}
			prec[j] = 1 / math.Sqrt(v)
			logDet += 0.5 * math.Log(v)
		}
		return prec, nil, logDet, nil
	}
	for _, v := range cov { // Factorize accepts a NaN
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil, 0, fmt.Errorf("an element is %v", v)
		}
	}
	var c mat.Cholesky
	if !c.Factorize(mat.NewSymDense(d, cov)) {
		return nil, nil, 0, errors.New("not positive definite")
	}
	var l, p mat.TriDense
	c.LTo(&l)
	// An ill-conditioned covariance is inverted all the same: the variance floor of Fit bounds its condition.
	if err := p.InverseTri(&l); err != nil && !errors.As(err, new(mat.Condition)) {
		return nil, nil, 0, err
	}
	return mat.DenseCopyOf(&p).RawMatrix().Data, mat.DenseCopyOf(&l).RawMatrix().Data, 0.5 * c.LogDet(), nil
}
