//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// pixelsPerLoop is the number of pixels that the assembly computes at a time; len(dst) must be a multiple of it.
const pixelsPerLoop = 32

//go:noescape
func unitAVX2(dst []float32, pix []uint8)

func vecScalePixels(dst []float32, pix []uint8) {
	n := 0
	if cpuid.AVX2FMA() {
		n = len(dst) / pixelsPerLoop * pixelsPerLoop
		unitAVX2(dst[:n], pix[:n])
	}
	scalePixelsGeneric(dst[n:], pix[n:])
}
