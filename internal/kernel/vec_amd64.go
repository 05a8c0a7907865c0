//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xAVX2 computes what xGeneric computes. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored with a mask.

//go:noescape
func addAVX2(dst, a, b []float32)

func vecAdd(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		addAVX2(dst, a, b)
	} else {
		addGeneric(dst, a, b)
	}
}

//go:noescape
func subAVX2(dst, a, b []float32)

func vecSub(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		subAVX2(dst, a, b)
	} else {
		subGeneric(dst, a, b)
	}
}

//go:noescape
func mulAVX2(dst, a, b []float32)

func vecMul(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		mulAVX2(dst, a, b)
	} else {
		mulGeneric(dst, a, b)
	}
}

//go:noescape
func divAVX2(dst, a, b []float32)

func vecDiv(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		divAVX2(dst, a, b)
	} else {
		divGeneric(dst, a, b)
	}
}

//go:noescape
func maxAVX2(dst, a, b []float32)

func vecMax(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		maxAVX2(dst, a, b)
	} else {
		maxGeneric(dst, a, b)
	}
}

//go:noescape
func minAVX2(dst, a, b []float32)

func vecMin(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		minAVX2(dst, a, b)
	} else {
		minGeneric(dst, a, b)
	}
}

//go:noescape
func greaterAVX2(dst, a, b []float32)

func vecGreater(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		greaterAVX2(dst, a, b)
	} else {
		greaterGeneric(dst, a, b)
	}
}

//go:noescape
func equalAVX2(dst, a, b []float32)

func vecEqual(dst, a, b []float32) {
	if cpuid.AVX2FMA() {
		equalAVX2(dst, a, b)
	} else {
		equalGeneric(dst, a, b)
	}
}

//go:noescape
func selectAVX2(dst, c, a, b []float32)

func vecSelect(dst, c, a, b []float32) {
	if cpuid.AVX2FMA() {
		selectAVX2(dst, c, a, b)
	} else {
		selectGeneric(dst, c, a, b)
	}
}

//go:noescape
func mulAddAVX2(dst, a, b, c []float32)

func vecMulAdd(dst, a, b, c []float32) {
	if cpuid.AVX2FMA() {
		mulAddAVX2(dst, a, b, c)
	} else {
		mulAddGeneric(dst, a, b, c)
	}
}

//go:noescape
func negAVX2(dst, x []float32)

func vecNeg(dst, x []float32) {
	if cpuid.AVX2FMA() {
		negAVX2(dst, x)
	} else {
		negGeneric(dst, x)
	}
}

//go:noescape
func absAVX2(dst, x []float32)

func vecAbs(dst, x []float32) {
	if cpuid.AVX2FMA() {
		absAVX2(dst, x)
	} else {
		absGeneric(dst, x)
	}
}

//go:noescape
func signAVX2(dst, x []float32)

func vecSign(dst, x []float32) {
	if cpuid.AVX2FMA() {
		signAVX2(dst, x)
	} else {
		signGeneric(dst, x)
	}
}

//go:noescape
func sqrtAVX2(dst, x []float32)

func vecSqrt(dst, x []float32) {
	if cpuid.AVX2FMA() {
		sqrtAVX2(dst, x)
	} else {
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
