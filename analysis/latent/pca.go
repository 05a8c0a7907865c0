package latent

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// maxPCA bounds the units, whose covariance matrix is held in memory: 4096² are 128 MiB.
const maxPCA = 4096

// PCA is the principal components of codes: orthogonal directions in which the codes vary
// most. Hotelling 1933.
type PCA struct {
	Center     []float64 // (Z), the mean of the codes
	Components []float64 // (K, Z), each of length 1, its largest entry above 0
	Variance   []float64 // (K), of the codes along each, descending
	Total      float64   // the variance of all units together
}

// FitPCA returns the first k principal components. It fails if there are fewer than two codes,
// k is out of range, or a code is not finite.
//
// codes (N, units), N ≥ 2; 1 ≤ k ≤ units.
func FitPCA(codes []float32, units, k int) (*PCA, error) {
	switch {
	case units < 1 || len(codes)%units != 0 || len(codes) < 2*units:
		return nil, fmt.Errorf("latent: principal components of %d values of codes of %d units: want two codes or more", len(codes), units)
	case k < 1 || k > units:
		return nil, fmt.Errorf("latent: %d principal components of codes of %d units: want 1 to %[2]d", k, units)
	case units > maxPCA:
		return nil, fmt.Errorf("latent: principal components of codes of %d units: want %d or fewer", units, maxPCA)
	}
	n := len(codes) / units
	p := &PCA{Center: make([]float64, units)}
	for i, v := range codes {
		p.Center[i%units] += float64(v) / float64(n)
	}
	cov := mat.NewSymDense(units, nil)
	const block = 256 // codes of a product
	x := mat.NewDense(block, units, nil)
	for at := 0; at < n; at += block {
		m := min(block, n-at)
		for i := range m {
			for u, v := range row(codes, units, at+i) {
				x.Set(i, u, float64(v)-p.Center[u])
			}
		}
		var part mat.SymDense
		part.SymOuterK(1/float64(n-1), x.Slice(0, m, 0, units).T())
		cov.AddSym(cov, &part)
	}
	p.Total = mat.Trace(cov)
	var eigen mat.EigenSym
	if math.IsNaN(p.Total-p.Total) || !eigen.Factorize(cov, true) {
		return nil, fmt.Errorf("latent: principal components of codes that are not finite")
	}
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	for j := range k {
		c := mat.Col(nil, units-1-j, &vectors)
		p.Variance = append(p.Variance, max(0, values[units-1-j]))
		p.Components = append(p.Components, withSign(c)...)
	}
	return p, nil
}

// withSign returns v or −v, whichever has its largest entry above 0: the sign of an
// eigenvector is arbitrary.
func withSign(v []float64) []float64 {
	most := 0.0
	for _, x := range v {
		if math.Abs(x) > math.Abs(most) {
			most = x
		}
	}
	if most < 0 {
		for i := range v {
			v[i] = -v[i]
		}
	}
	return v
}

// Project returns the coordinates of codes along the components.
//
// codes (N, Z) → (N, K).
func (p *PCA) Project(codes []float32) []float32 {
	units, k := len(p.Center), len(p.Variance)
	out := make([]float32, len(codes)/units*k)
	for i := range len(codes) / units {
		for j := range k {
			s := 0.0
			for u, v := range row(codes, units, i) {
				s += (float64(v) - p.Center[u]) * p.Components[j*units+u]
			}
			out[i*k+j] = float32(s)
		}
	}
	return out
}
