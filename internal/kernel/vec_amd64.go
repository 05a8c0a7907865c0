//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xAVX2 and xAVX512 computes what xGeneric computes, both with the same bits. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored with a mask.

//go:noescape
func addAVX2(dst, a, b []float32)

//go:noescape
func addAVX512(dst, a, b []float32)

func vecAdd(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		addAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		addAVX2(dst, a, b)
	default:
		addGeneric(dst, a, b)
	}
}

//go:noescape
func subAVX2(dst, a, b []float32)

//go:noescape
func subAVX512(dst, a, b []float32)

func vecSub(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		subAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		subAVX2(dst, a, b)
	default:
		subGeneric(dst, a, b)
	}
}

//go:noescape
func mulAVX2(dst, a, b []float32)

//go:noescape
func mulAVX512(dst, a, b []float32)

func vecMul(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		mulAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		mulAVX2(dst, a, b)
	default:
		mulGeneric(dst, a, b)
	}
}

//go:noescape
func divAVX2(dst, a, b []float32)

//go:noescape
func divAVX512(dst, a, b []float32)

func vecDiv(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		divAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		divAVX2(dst, a, b)
	default:
		divGeneric(dst, a, b)
	}
}

//go:noescape
func maxAVX2(dst, a, b []float32)

//go:noescape
func maxAVX512(dst, a, b []float32)

func vecMax(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		maxAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		maxAVX2(dst, a, b)
	default:
		maxGeneric(dst, a, b)
	}
}

//go:noescape
func minAVX2(dst, a, b []float32)

//go:noescape
func minAVX512(dst, a, b []float32)

func vecMin(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		minAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		minAVX2(dst, a, b)
	default:
		minGeneric(dst, a, b)
	}
}

//go:noescape
func greaterAVX2(dst, a, b []float32)

//go:noescape
func greaterAVX512(dst, a, b []float32)

func vecGreater(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		greaterAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		greaterAVX2(dst, a, b)
	default:
		greaterGeneric(dst, a, b)
	}
}

//go:noescape
func equalAVX2(dst, a, b []float32)

//go:noescape
func equalAVX512(dst, a, b []float32)

func vecEqual(dst, a, b []float32) {
	switch {
	case cpuid.AVX512():
		equalAVX512(dst, a, b)
	case cpuid.AVX2FMA():
		equalAVX2(dst, a, b)
	default:
		equalGeneric(dst, a, b)
	}
}

//go:noescape
func selectAVX2(dst, c, a, b []float32)

//go:noescape
func selectAVX512(dst, c, a, b []float32)

func vecSelect(dst, c, a, b []float32) {
	switch {
	case cpuid.AVX512():
		selectAVX512(dst, c, a, b)
	case cpuid.AVX2FMA():
		selectAVX2(dst, c, a, b)
	default:
		selectGeneric(dst, c, a, b)
	}
}

//go:noescape
func mulAddAVX2(dst, a, b, c []float32)

//go:noescape
func mulAddAVX512(dst, a, b, c []float32)

func vecMulAdd(dst, a, b, c []float32) {
	switch {
	case cpuid.AVX512():
		mulAddAVX512(dst, a, b, c)
	case cpuid.AVX2FMA():
		mulAddAVX2(dst, a, b, c)
	default:
		mulAddGeneric(dst, a, b, c)
	}
}

//go:noescape
func negAVX2(dst, x []float32)

//go:noescape
func negAVX512(dst, x []float32)

func vecNeg(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		negAVX512(dst, x)
	case cpuid.AVX2FMA():
		negAVX2(dst, x)
	default:
		negGeneric(dst, x)
	}
}

//go:noescape
func absAVX2(dst, x []float32)

//go:noescape
func absAVX512(dst, x []float32)

func vecAbs(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		absAVX512(dst, x)
	case cpuid.AVX2FMA():
		absAVX2(dst, x)
	default:
		absGeneric(dst, x)
	}
}

//go:noescape
func signAVX2(dst, x []float32)

//go:noescape
func signAVX512(dst, x []float32)

func vecSign(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		signAVX512(dst, x)
	case cpuid.AVX2FMA():
		signAVX2(dst, x)
	default:
		signGeneric(dst, x)
	}
}

//go:noescape
func sqrtAVX2(dst, x []float32)

//go:noescape
func sqrtAVX512(dst, x []float32)

func vecSqrt(dst, x []float32) {
	switch {
	case cpuid.AVX512():
		sqrtAVX512(dst, x)
	case cpuid.AVX2FMA():
		sqrtAVX2(dst, x)
	default:
		sqrtGeneric(dst, x)
	}
}

//go:noescape
func fillAVX2(dst []float32, v float32)

func vecFill(dst []float32, v float32) {
	if cpuid.AVX2FMA() {
		fillAVX2(dst, v)
	} else {
		fillGeneric(dst, v)
	}
}
