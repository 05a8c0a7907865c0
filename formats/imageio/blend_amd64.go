//go:build !purego

package imageio

import "github.com/imago-ml/imago/internal/cpuid"

// blendAVX2 computes blendGeneric for the first len(dst)/8*8 bytes of dst. The caller
// ensures that src has (len(w)−1)·stride + len(dst)/8*8 bytes.
//
//go:noescape
func blendAVX2(dst, src []uint8, stride int, w []int32)

func blend(dst, src []uint8, stride int, w []int32) {
	n := len(dst) &^ 7
	if !cpuid.AVX2FMA() || n == 0 || len(w) == 0 {
		blendGeneric(dst, src, stride, w)
		return
	}
	_ = src[(len(w)-1)*stride:][:len(dst)]
	blendAVX2(dst, src, stride, w)
	if n < len(dst) {
		blendGeneric(dst[n:], src[n:], stride, w)
	}
}
