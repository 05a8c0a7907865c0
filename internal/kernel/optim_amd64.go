//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

//go:noescape
func emaAVX2(dst, x, y []float32, s, t float32)

func vecEMA(dst, x, y []float32, s, t float32) {
	if cpuid.AVX2FMA() {
		emaAVX2(dst, x, y, s, t)
	} else {
		emaGeneric(dst, x, y, s, t)
	}
}

//go:noescape
func emaSquareAVX2(dst, x, y []float32, s, t float32)

func vecEMASquare(dst, x, y []float32, s, t float32) {
	if cpuid.AVX2FMA() {
		emaSquareAVX2(dst, x, y, s, t)
	} else {
		emaSquareGeneric(dst, x, y, s, t)
	}
}

//go:noescape
func adamStepAVX2(dst, p, m, v []float32, s, t, e float32)

func vecAdamStep(dst, p, m, v []float32, s, t, e float32) {
	if cpuid.AVX2FMA() {
		adamStepAVX2(dst, p, m, v, s, t, e)
	} else {
		adamStepGeneric(dst, p, m, v, s, t, e)
	}
}
