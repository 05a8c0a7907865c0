package mixture

import "fmt"

// Decorrelation returns the unit-triangular linear map that makes the dimensions of component k independent, and their
// variances v. For z drawn from the component, the numbers
//
//	y_j = z_j + Σ_{i<j} z_i t_ij
//
// are independent with variances v_j: y_j − E[y_j] is the residual of the regression of z_j on the dimensions before it.
// This is the factorisation Σ⁻¹ = (I+t)·diag(1/v)·(I+t)ᵀ. The determinant of the map is 1, so p(z) = p(y).
//
// → t (D,D), 0 except above the diagonal, and v (D). It returns an error if there is no component k or its covariance is
// not positive definite.
func (m *Mixture) Decorrelation(k int) (t, v []float64, err error) {
	d, size := m.Dim, m.covSize()
	if k < 0 || (k+1)*size > len(m.Covs) {
		return nil, nil, fmt.Errorf("mixture: component %d of %d", k, len(m.Weights))
	}
	cov := m.Covs[k*size : (k+1)*size]
	t, v = make([]float64, d*d), make([]float64, d)
	if !m.Full {
		copy(v, cov)
		return t, v, nil
	}
	inverse, lower, _, err := factorCovariance(cov, d, true)
	if err != nil {
		return nil, nil, fmt.Errorf("mixture: covariance of component %d: %w", k, err)
	}
	for j := range d {
		l := lower[j*d+j]
		v[j] = l * l
		for i := range j {
			t[i*d+j] = inverse[j*d+i] * l
		}
	}
	return t, v, nil
}
