//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xNEON computes what xGeneric computes. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored lane by lane.

//go:noescape
func expNEON(dst, x []float32)

func vecExp(dst, x []float32) {
	if cpuid.NEON() {
		expNEON(dst, x)
	} else {
		expGeneric(dst, x)
	}
}

//go:noescape
func logNEON(dst, x []float32)

func vecLog(dst, x []float32) {
	if cpuid.NEON() {
		logNEON(dst, x)
	} else {
		logGeneric(dst, x)
	}
}

//go:noescape
func tanhNEON(dst, x []float32)

func vecTanh(dst, x []float32) {
	if cpuid.NEON() {
		tanhNEON(dst, x)
	} else {
		tanhGeneric(dst, x)
	}
}

//go:noescape
func sigmoidNEON(dst, x []float32)

func vecSigmoid(dst, x []float32) {
	if cpuid.NEON() {
		sigmoidNEON(dst, x)
	} else {
		sigmoidGeneric(dst, x)
	}
}

//go:noescape
func softplusNEON(dst, x []float32)

func vecSoftplus(dst, x []float32) {
	if cpuid.NEON() {
		softplusNEON(dst, x)
	} else {
		softplusGeneric(dst, x)
	}
}
