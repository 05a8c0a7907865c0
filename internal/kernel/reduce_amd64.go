//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xAVX2 is the loop of xGeneric; operands are as long as dst, which is the
// exported function's doing. Tails are loaded and stored under a mask.

//go:noescape
func sumAVX2(x []float32) (ret float32)

func vecSum(x []float32) float32 {
	if cpuid.AVX2FMA() {
		return sumAVX2(x)
	}
	return sumGeneric(x)
}

//go:noescape
func maxOfAVX2(x []float32) (ret float32)

func vecMaxOf(x []float32) float32 {
	if cpuid.AVX2FMA() {
		return maxOfAVX2(x)
	}
	return maxOfGeneric(x)
}
