//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xNEON computes what xGeneric computes. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored lane by lane.

//go:noescape
func sumNEON(x []float32) (ret float32)

func vecSum(x []float32) float32 {
	if cpuid.NEON() {
		return sumNEON(x)
	}
	return sumGeneric(x)
}

//go:noescape
func maxOfNEON(x []float32) (ret float32)

func vecMaxOf(x []float32) float32 {
	if cpuid.NEON() {
		return maxOfNEON(x)
	}
	return maxOfGeneric(x)
}
