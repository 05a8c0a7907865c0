//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// unitPixels is the pixels that the assembly takes at a time: len(dst) is a multiple
// of it.
const unitPixels = 32

//go:noescape
func unitAVX2(dst []float32, pix []uint8)

func vecUnit(dst []float32, pix []uint8) {
	n := 0
	if cpuid.AVX2FMA() {
		n = len(dst) / unitPixels * unitPixels
		unitAVX2(dst[:n], pix[:n])
	}
	unitGeneric(dst[n:], pix[n:])
}
