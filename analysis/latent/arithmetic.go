package latent

import "fmt"

// MeanCode returns the mean of the codes of those indices. It fails for no index, or one out of
// range.
//
// codes (N, units), index in [0, N), at least one → (units).
func MeanCode(codes []float32, units int, index []int) ([]float32, error) {
	if len(index) == 0 {
		return nil, fmt.Errorf("latent: the mean of no codes")
	}
	sum := make([]float64, units)
	for _, i := range index {
		if i < 0 || (i+1)*units > len(codes) {
			return nil, fmt.Errorf("latent: code %d of %d", i, len(codes)/units)
		}
		for u, v := range row(codes, units, i) {
			sum[u] += float64(v)
		}
	}
	mean := make([]float32, units)
	for u, s := range sum {
		mean[u] = float32(s / float64(len(index)))
	}
	return mean, nil
}

// SignedSum returns Σ sign_k·term_k, as in man with glasses − man + woman. Radford et al.,
// arXiv:1511.06434, sec. 6.3.2, used terms that are means of three codes.
//
// terms (K, units), signs (K) → (units).
func SignedSum(terms []float32, units int, signs []float64) ([]float32, error) {
	if units < 1 || len(terms) != len(signs)*units {
		return nil, fmt.Errorf("latent: %d values and %d signs of codes of %d units", len(terms), len(signs), units)
	}
	z := make([]float32, units)
	for u := range z {
		s := 0.0
		for k, sign := range signs {
			s += sign * float64(terms[k*units+u])
		}
		z[u] = float32(s)
	}
	return z, nil
}
