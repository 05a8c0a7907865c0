//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// packPanelAVX2 computes what packPanelGeneric computes.
//
//go:noescape
func packPanelAVX2(dst, src []float32, k, ld int)

// packT8AVX2 computes what packT8Generic computes for k = 8·blocks.
//
//go:noescape
func packT8AVX2(dst, src []float32, blocks, ld int)

func packPanel(dst, src []float32, k, ld int) {
	if cpuid.AVX2FMA() {
		packPanelAVX2(dst, src, k, ld)
	} else {
		packPanelGeneric(dst, src, k, ld)
	}
}

func packT8(dst, src []float32, k, ld int) {
	if !cpuid.AVX2FMA() {
		packT8Generic(dst, src, k, ld)
		return
	}
	whole := k &^ 7
	packT8AVX2(dst, src, k/8, ld)
	if whole < k {
		packT8Generic(dst[whole*PanelCols:], src[whole:], k-whole, ld)
	}
}
