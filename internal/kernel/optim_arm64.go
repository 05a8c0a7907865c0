//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

//go:noescape
func emaNEON(dst, x, y []float32, s, t float32)

func vecEMA(dst, x, y []float32, s, t float32) {
	if cpuid.NEON() {
		emaNEON(dst, x, y, s, t)
	} else {
		emaGeneric(dst, x, y, s, t)
	}
}

//go:noescape
func emaSquareNEON(dst, x, y []float32, s, t float32)

func vecEMASquare(dst, x, y []float32, s, t float32) {
	if cpuid.NEON() {
		emaSquareNEON(dst, x, y, s, t)
	} else {
		emaSquareGeneric(dst, x, y, s, t)
	}
}

//go:noescape
func adamStepNEON(dst, p, m, v []float32, s, t, e float32)

func vecAdamStep(dst, p, m, v []float32, s, t, e float32) {
	if cpuid.NEON() {
		adamStepNEON(dst, p, m, v, s, t, e)
	} else {
		adamStepGeneric(dst, p, m, v, s, t, e)
	}
}
