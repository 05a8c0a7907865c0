//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xNEON is the loop of xGeneric; operands are as long as dst, which is the
// exported function's doing. Tails are loaded and stored lane by lane.

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
