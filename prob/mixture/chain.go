package mixture

import "fmt"

// Chain writes component k as a chain of regressions of each dimension on those before:
//
//	y_j = z_j + Σ_{i<j} z_i t_ij
//
// are independent where z is of the component, with variances v. The density is that
// of y, as the map has determinant 1.
//
// → t (D, D), 0 but above the diagonal, and v (D).
func (m *Mixture) Chain(k int) (t, v []float64, err error) {
	d := m.Dim
	size := d
	if m.Full {
		size = d * d
	}
	if k < 0 || (k+1)*size > len(m.Covs) {
		return nil, nil, fmt.Errorf("mixture: component %d of %d", k, len(m.Weights))
	}
	cov := m.Covs[k*size : (k+1)*size]
	t, v = make([]float64, d*d), make([]float64, d)
	if !m.Full {
		copy(v, cov)
		return t, v, nil
	}
	inverse, lower, _, err := invert(cov, d, true)
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
