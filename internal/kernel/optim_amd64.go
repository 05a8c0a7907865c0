//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

//go:noescape
func emaAVX2(dst, x, y []float32, s, t float32)

//go:noescape
func emaAVX512(dst, x, y []float32, s, t float32)

func vecEMA(dst, x, y []float32, s, t float32) {
	switch {
	case cpuid.AVX512():
		emaAVX512(dst, x, y, s, t)
	case cpuid.AVX2FMA():
		emaAVX2(dst, x, y, s, t)
	default:
		emaGeneric(dst, x, y, s, t)
	}
}

//go:noescape
func emaSquareAVX2(dst, x, y []float32, s, t float32)

//go:noescape
func emaSquareAVX512(dst, x, y []float32, s, t float32)

func vecEMASquare(dst, x, y []float32, s, t float32) {
	switch {
	case cpuid.AVX512():
		emaSquareAVX512(dst, x, y, s, t)
	case cpuid.AVX2FMA():
		emaSquareAVX2(dst, x, y, s, t)
	default:
		emaSquareGeneric(dst, x, y, s, t)
	}
}

//go:noescape
func adamStepAVX2(dst, p, m, v []float32, s, t, e float32)

//go:noescape
func adamStepAVX512(dst, p, m, v []float32, s, t, e float32)

func vecAdamStep(dst, p, m, v []float32, s, t, e float32) {
	switch {
	case cpuid.AVX512():
		adamStepAVX512(dst, p, m, v, s, t, e)
	case cpuid.AVX2FMA():
		adamStepAVX2(dst, p, m, v, s, t, e)
	default:
		adamStepGeneric(dst, p, m, v, s, t, e)
	}
}
