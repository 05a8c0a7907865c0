package kernel

import "math"

// Sum returns Σ x, and 0 for an empty x. All implementations add in the same order and give the same bits: first 32 partial
// sums p[l] = x[l] + x[l+32] + …, from left to right; then p[l] += p[l+h] for l < h, with h = 16, 8, 4, 2, 1. The result is
// p[0].
func Sum(x []float32) float32 { return vecSum(x) }

// MaxOf returns the largest element of x, −Inf for an empty x, and NaN if x contains NaN. If the largest elements are +0 and
// −0, it may return either.
func MaxOf(x []float32) float32 { return vecMaxOf(x) }

func sumGeneric(x []float32) float32 {
	var p [32]float32
	for ; len(x) >= len(p); x = x[len(p):] {
		for l, v := range x[:len(p)] {
			p[l] += v
		}
	}
	for l, v := range x {
		p[l] += v
	}
	for h := len(p) / 2; h > 0; h /= 2 {
		for l := range h {
			p[l] += p[l+h]
		}
	}
	return p[0]
}

func maxOfGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m || v != v {
			m = v
		}
		if m != m {
			break
		}
	}
	return m
}
