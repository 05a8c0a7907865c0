package latent

import (
	"math"

	"github.com/imago-ml/imago/engine/rng"
)

// SampleKey returns the random key for the samples of a seed, by which the command line and the server draw
// the same ones.
func SampleKey(seed uint64) rng.Key { return rng.New(seed).Split("sample") }

// SamplePrior returns n codes drawn from N(0, I) at key.
//
// → (n, units).
func SamplePrior(key rng.Key, n, units int) []float32 {
	z := make([]float32, n*units)
	key.Normal(z)
	return z
}

// SampleTruncatedPrior returns n codes drawn from N(0, I), truncated to units in
// [−limit, limit]. A lower limit gives more typical images with less variety: the truncation
// trick (Brock et al., arXiv:1809.11096, sec. 3.1). It is SamplePrior at that key, with each
// unit beyond the limit drawn again by the inverse distribution function
//
//	√2 · erf⁻¹((2u − 1) · erf(limit/√2)),   u uniform in (0, 1)
//
// limit > 0 → (n, units).
func SampleTruncatedPrior(key rng.Key, n, units int, limit float64) []float32 {
	z := SamplePrior(key, n, units)
	again := make([]float32, len(z))
	key.Split("truncated").Uniform(again)
	within := math.Erf(limit / math.Sqrt2)
	for i, v := range z {
		if math.Abs(float64(v)) > limit {
			u := float64(again[i]) + 0x1p-25 // the middle of its interval
			v := math.Sqrt2 * math.Erfinv((2*u-1)*within)
			z[i] = float32(max(-limit, min(limit, v)))
		}
	}
	return z
}
