package eval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// gaussianStatistics are the mean and the covariance of points: of the Gaussian that a
// Fréchet distance compares.
type gaussianStatistics struct {
	mean []float64     // (F)
	cov  *mat.SymDense // (F,F), with N−1 in the denominator
}

// newGaussianStatistics returns those of points (N,F), N ≥ 2, in float64.
func newGaussianStatistics(points []float32, dim int) (gaussianStatistics, error) {
	n := len(points) / max(1, dim)
	if dim < 1 || n < 2 || len(points)%dim != 0 {
		return gaussianStatistics{}, fmt.Errorf("%d values are not two points of %d features or more", len(points), dim)
	}
	mean := make([]float64, dim)
	for i, v := range points {
		mean[i%dim] += float64(v) / float64(n)
	}
	centred := mat.NewDense(n, dim, nil)
	for i := range n {
		row := centred.RawRowView(i)
		for j := range row {
			row[j] = float64(points[i*dim+j]) - mean[j]
		}
	}
	var product mat.Dense
	product.Mul(centred.T(), centred)
	cov := mat.NewSymDense(dim, nil)
	for i := range dim {
		for j := i; j < dim; j++ {
			cov.SetSym(i, j, product.At(i, j)/float64(n-1))
		}
	}
	return gaussianStatistics{mean, cov}, nil
}

// frechet returns the squared Fréchet (Wasserstein-2) distance of two Gaussians,
//
//	|m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½)
//
// which is ≥ 0. The root is that of a symmetric matrix, so it has no imaginary part, and
// small negative eigenvalues are rounding errors of 0. Dowson & Landau 1982; Heusel et al.,
// arXiv:1706.08500, eq. 6.
func frechet(a, b gaussianStatistics) (float64, error) {
	d := 0.0
	for i := range a.mean {
		d += (a.mean[i] - b.mean[i]) * (a.mean[i] - b.mean[i])
	}
	root, err := sqrtSym(a.cov)
	if err != nil {
		return 0, err
	}
	var half, whole mat.Dense
	half.Mul(root, b.cov)
	whole.Mul(&half, root)
	values, _, err := eigenvalues(symmetric(&whole), false)
	if err != nil {
		return 0, err
	}
	d += mat.Trace(a.cov) + mat.Trace(b.cov)
	for _, v := range values {
		d -= 2 * math.Sqrt(max(v, 0))
	}
	return max(d, 0), nil
}

// Frechet returns the squared Fréchet distance of two sets of points, each described by its
// mean and covariance. The FID is this distance of features. It fails if a set has fewer
// than two points, or if the eigenvalues do not converge.
//
//	|m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½)
//
// a, b (N,dims) → ≥ 0. Heusel et al., arXiv:1706.08500, eq. 6.
func Frechet(a, b []float32, dims int) (float64, error) {
	x, err := newGaussianStatistics(a, dims)
	if err != nil {
		return 0, fmt.Errorf("eval: %w", err)
	}
	y, err := newGaussianStatistics(b, dims)
	if err != nil {
		return 0, fmt.Errorf("eval: %w", err)
	}
	d, err := frechet(x, y)
	if err != nil {
		return 0, fmt.Errorf("eval: %w", err)
	}
	return d, nil
}

// sqrtSym returns the symmetric square root of a positive semidefinite matrix.
func sqrtSym(c *mat.SymDense) (*mat.SymDense, error) {
	values, vectors, err := eigenvalues(c, true)
	if err != nil {
		return nil, err
	}
	n := len(values)
	scaled := mat.NewDense(n, n, nil)
	for j, v := range values {
		r := math.Sqrt(math.Sqrt(max(v, 0)))
		for i := range n {
			scaled.Set(i, j, vectors.At(i, j)*r)
		}
	}
	var root mat.Dense
	root.Mul(scaled, scaled.T())
	return symmetric(&root), nil
}

// eigenvalues returns the eigenvalues of a symmetric matrix, and its eigenvectors if they are
// wanted.
func eigenvalues(c *mat.SymDense, vectors bool) ([]float64, *mat.Dense, error) {
	var e mat.EigenSym
	if !e.Factorize(c, vectors) {
		return nil, nil, fmt.Errorf("the eigenvalues of a %dx%[1]d covariance did not converge", c.SymmetricDim())
	}
	if !vectors {
		return e.Values(nil), nil, nil
	}
	var v mat.Dense
	e.VectorsTo(&v)
	return e.Values(nil), &v, nil
}

// symmetric returns (m + mᵀ)/2.
func symmetric(m *mat.Dense) *mat.SymDense {
	n, _ := m.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, (m.At(i, j)+m.At(j, i))/2)
		}
	}
	return s
}
