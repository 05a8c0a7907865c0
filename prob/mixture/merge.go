package mixture

import "slices"

// reduce returns m with k components. It merges two components at a time: the pair with the smallest upper bound on the
// increase of the Kullback-Leibler divergence (Runnalls 2007),
//
//	½ ((π_a+π_b) ln det Σ_ab − π_a ln det Σ_a − π_b ln det Σ_b)
func (m *Mixture) reduce(k int) (*Mixture, error) {
	for len(m.Weights) > k {
		size, logDets := m.covSize(), make([]float64, len(m.Weights))
		for i := range logDets {
			_, _, l, err := factorCovariance(m.Covs[i*size:(i+1)*size], m.Dim, m.Full)
			if err != nil {
				return nil, err
			}
			logDets[i] = l
		}
		var best *Mixture
		var pair [2]int
		var lowest float64
		for b := range m.Weights {
			for a := range b {
				one := m.merge(a, b)
				_, _, logDet, err := factorCovariance(one.Covs, m.Dim, m.Full)
				if err != nil {
					return nil, err
				}
				cost := one.Weights[0]*logDet - m.Weights[a]*logDets[a] - m.Weights[b]*logDets[b]
				if best == nil || cost < lowest {
					best, pair, lowest = one, [2]int{a, b}, cost
				}
			}
		}
		m = m.replacePair(pair[0], pair[1], best)
	}
	return m, nil
}

// merge returns a mixture of one component, with the weight, the mean and the covariance of components a and b together.
func (m *Mixture) merge(a, b int) *Mixture {
	d, size := m.Dim, m.covSize()
	total, share := m.Weights[a]+m.Weights[b], 0.5
	if total > 0 {
		share = m.Weights[b] / total
	}
	out := &Mixture{Dim: d, Full: m.Full, Weights: []float64{total}}
	difference := make([]float64, d)
	for j := range d {
		difference[j] = m.Means[b*d+j] - m.Means[a*d+j]
		out.Means = append(out.Means, m.Means[a*d+j]+share*difference[j])
	}
	for i := range size {
		row, col := i, i
		if m.Full {
			row, col = i/d, i%d
		}
		between := share * (1 - share) * difference[row] * difference[col]
		out.Covs = append(out.Covs, (1-share)*m.Covs[a*size+i]+share*m.Covs[b*size+i]+between)
	}
	return out
}

// replacePair returns m with the one component of merged in the place of a, and without b > a.
func (m *Mixture) replacePair(a, b int, merged *Mixture) *Mixture {
	replace := func(all, one []float64) []float64 {
		n := len(one)
		out := slices.Delete(slices.Clone(all), b*n, (b+1)*n)
		copy(out[a*n:], one)
		return out
	}
	return &Mixture{
		Dim: m.Dim, Full: m.Full,
		Weights: replace(m.Weights, merged.Weights), Means: replace(m.Means, merged.Means), Covs: replace(m.Covs, merged.Covs),
	}
}
