//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xAVX2 computes what xGeneric computes. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored with a mask.

//go:noescape
func expAVX2(dst, x []float32)

func vecExp(dst, x []float32) {
	if cpuid.AVX2FMA() {
		expAVX2(dst, x)
	} else {
		expGeneric(dst, x)
	}
}

//go:noescape
func logAVX2(dst, x []float32)

func vecLog(dst, x []float32) {
	if cpuid.AVX2FMA() {
		logAVX2(dst, x)
	} else {
		logGeneric(dst, x)
	}
}

//go:noescape
func tanhAVX2(dst, x []float32)

func vecTanh(dst, x []float32) {
	if cpuid.AVX2FMA() {
		tanhAVX2(dst, x)
	} else {
		tanhGeneric(dst, x)
	}
}

//go:noescape
func sigmoidAVX2(dst, x []float32)

func vecSigmoid(dst, x []float32) {
	if cpuid.AVX2FMA() {
		sigmoidAVX2(dst, x)
	} else {
		sigmoidGeneric(dst, x)
	}
}

//go:noescape
func softplusAVX2(dst, x []float32)

func vecSoftplus(dst, x []float32) {
	if cpuid.AVX2FMA() {
		softplusAVX2(dst, x)
	} else {
		softplusGeneric(dst, x)
	}
}
