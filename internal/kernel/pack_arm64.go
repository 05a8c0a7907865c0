//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// packPanelNEON computes what packPanelGeneric computes.
//
//go:noescape
func packPanelNEON(dst, src []float32, k, ld int)

// packT8NEON computes what packT8Generic computes for k = 4·blocks.
//
//go:noescape
func packT8NEON(dst, src []float32, blocks, ld int)

func packPanel(dst, src []float32, k, ld int) {
	if cpuid.NEON() {
		packPanelNEON(dst, src, k, ld)
	} else {
		packPanelGeneric(dst, src, k, ld)
	}
}

func packT8(dst, src []float32, k, ld int) {
	if !cpuid.NEON() {
		packT8Generic(dst, src, k, ld)
		return
	}
	whole := k &^ 3
	packT8NEON(dst, src, k/4, ld)
	if whole < k {
		packT8Generic(dst[whole*PanelCols:], src[whole:], k-whole, ld)
	}
}
