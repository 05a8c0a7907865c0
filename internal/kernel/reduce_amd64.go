//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xAVX2 computes what xGeneric computes. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored with a mask.

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
