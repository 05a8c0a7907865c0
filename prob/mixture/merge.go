package mixture

import "slices"

// reduced returns m with k components: again and again the two become one whose merger
// costs least by the bound (Runnalls 2007)
//
//	½ ((π_a+π_b) ln det Σ_ab − π_a ln det Σ_a − π_b ln det Σ_b)
func (m *Mixture) reduced(k int) (*Mixture, error) {
	for len(m.Weights) > k {
		size, logDets := len(m.Covs)/len(m.Weights), make([]float64, len(m.Weights))
		for i := range logDets {
			_, _, l, err := invert(m.Covs[i*size:(i+1)*size], m.Dim, m.Full)
			if err != nil {
				return nil, err
			}
			logDets[i] = l
		}
		var best *Mixture
		var at [2]int
		var least float64
		for b := range m.Weights {
			for a := range b {
				one := m.merged(a, b)
				_, _, logDet, err := invert(one.Covs, m.Dim, m.Full)
				if err != nil {
					return nil, err
				}
				cost := one.Weights[0]*logDet - m.Weights[a]*logDets[a] - m.Weights[b]*logDets[b]
				if best == nil || cost < least {
					best, at, least = one, [2]int{a, b}, cost
				}
			}
		}
		m = m.with(at[0], at[1], best)
	}
	return m, nil
}

// merged returns one component in the place of two, of their mean and covariance.
func (m *Mixture) merged(a, b int) *Mixture {
	d := m.Dim
	size := len(m.Covs) / len(m.Weights)
	total, share := m.Weights[a]+m.Weights[b], 0.5
	if total > 0 {
		share = m.Weights[b] / total
	}
	out := &Mixture{Dim: d, Full: m.Full, Weights: []float64{total}}
	apart := make([]float64, d)
	for j := range d {
		apart[j] = m.Means[b*d+j] - m.Means[a*d+j]
		out.Means = append(out.Means, m.Means[a*d+j]+share*apart[j])
	}
	for i := range size {
		row, col := i, i
		if m.Full {
			row, col = i/d, i%d
		}
		between := share * (1 - share) * apart[row] * apart[col]
		out.Covs = append(out.Covs, (1-share)*m.Covs[a*size+i]+share*m.Covs[b*size+i]+between)
	}
	return out
}

// with returns m with the component one in the place of a and b > a.
func (m *Mixture) with(a, b int, one *Mixture) *Mixture {
	put := func(all, of []float64) []float64 {
		n := len(of)
		out := slices.Delete(slices.Clone(all), b*n, (b+1)*n)
		copy(out[a*n:], of)
		return out
	}
	return &Mixture{Dim: m.Dim, Full: m.Full, Weights: put(m.Weights, one.Weights), Means: put(m.Means, one.Means), Covs: put(m.Covs, one.Covs)}
}
