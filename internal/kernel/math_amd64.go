//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xAVX2 and xAVX512 computes what xGeneric computes, both with the same bits. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored with a mask.

//go:noescape
func expAVX2(dst, x []float32)

//go:noescape
func expAVX512(dst, x []float32)

func vecExp(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		expAVX512(dst, x)
	case cpuid.AVX2FMA():
		expAVX2(dst, x)
	default:
		expGeneric(dst, x)
	}
}

//go:noescape
func logAVX2(dst, x []float32)

//go:noescape
func logAVX512(dst, x []float32)

func vecLog(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		logAVX512(dst, x)
	case cpuid.AVX2FMA():
		logAVX2(dst, x)
	default:
		logGeneric(dst, x)
	}
}

//go:noescape
func tanhAVX2(dst, x []float32)

//go:noescape
func tanhAVX512(dst, x []float32)

func vecTanh(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		tanhAVX512(dst, x)
	case cpuid.AVX2FMA():
		tanhAVX2(dst, x)
	default:
		tanhGeneric(dst, x)
	}
}

//go:noescape
func sigmoidAVX2(dst, x []float32)

//go:noescape
func sigmoidAVX512(dst, x []float32)

func vecSigmoid(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		sigmoidAVX512(dst, x)
	case cpuid.AVX2FMA():
		sigmoidAVX2(dst, x)
	default:
		sigmoidGeneric(dst, x)
	}
}

//go:noescape
func softplusAVX2(dst, x []float32)

//go:noescape
func softplusAVX512(dst, x []float32)

func vecSoftplus(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		softplusAVX512(dst, x)
	case cpuid.AVX2FMA():
		softplusAVX2(dst, x)
	default:
		softplusGeneric(dst, x)
	}
}
