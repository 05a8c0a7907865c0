//go:build !purego

package kernel

import "github.com/imago-ml/imago/internal/cpuid"

// Each xNEON computes what xGeneric computes. Operands have the length of dst; the exported functions make sure of it. The last
// elements are loaded and stored lane by lane.

//go:noescape
func addNEON(dst, a, b []float32)

func vecAdd(dst, a, b []float32) {
	if cpuid.NEON() {
		addNEON(dst, a, b)
	} else {
		addGeneric(dst, a, b)
	}
}

//go:noescape
func subNEON(dst, a, b []float32)

func vecSub(dst, a, b []float32) {
	if cpuid.NEON() {
		subNEON(dst, a, b)
	} else {
		subGeneric(dst, a, b)
	}
}

//go:noescape
func mulNEON(dst, a, b []float32)

func vecMul(dst, a, b []float32) {
	if cpuid.NEON() {
		mulNEON(dst, a, b)
	} else {
		mulGeneric(dst, a, b)
	}
}

//go:noescape
func divNEON(dst, a, b []float32)

func vecDiv(dst, a, b []float32) {
	if cpuid.NEON() {
		divNEON(dst, a, b)
	} else {
		divGeneric(dst, a, b)
	}
}

//go:noescape
func maxNEON(dst, a, b []float32)

func vecMax(dst, a, b []float32) {
	if cpuid.NEON() {
		maxNEON(dst, a, b)
	} else {
		maxGeneric(dst, a, b)
	}
}

//go:noescape
func minNEON(dst, a, b []float32)

func vecMin(dst, a, b []float32) {
	if cpuid.NEON() {
		minNEON(dst, a, b)
	} else {
		minGeneric(dst, a, b)
	}
}

//go:noescape
func greaterNEON(dst, a, b []float32)

func vecGreater(dst, a, b []float32) {
	if cpuid.NEON() {
		greaterNEON(dst, a, b)
	} else {
		greaterGeneric(dst, a, b)
	}
}

//go:noescape
func equalNEON(dst, a, b []float32)

func vecEqual(dst, a, b []float32) {
	if cpuid.NEON() {
		equalNEON(dst, a, b)
	} else {
		equalGeneric(dst, a, b)
	}
}

//go:noescape
func selectNEON(dst, c, a, b []float32)

func vecSelect(dst, c, a, b []float32) {
	if cpuid.NEON() {
		selectNEON(dst, c, a, b)
	} else {
		selectGeneric(dst, c, a, b)
	}
}

//go:noescape
func mulAddNEON(dst, a, b, c []float32)

func vecMulAdd(dst, a, b, c []float32) {
	if cpuid.NEON() {
		mulAddNEON(dst, a, b, c)
	} else {
		mulAddGeneric(dst, a, b, c)
	}
}

//go:noescape
func negNEON(dst, x []float32)

func vecNeg(dst, x []float32) {
	if cpuid.NEON() {
		negNEON(dst, x)
	} else {
		negGeneric(dst, x)
	}
}

//go:noescape
func absNEON(dst, x []float32)

func vecAbs(dst, x []float32) {
	if cpuid.NEON() {
		absNEON(dst, x)
	} else {
		absGeneric(dst, x)
	}
}

//go:noescape
func signNEON(dst, x []float32)

func vecSign(dst, x []float32) {
	if cpuid.NEON() {
		signNEON(dst, x)
	} else {
		signGeneric(dst, x)
	}
}

//go:noescape
func sqrtNEON(dst, x []float32)

func vecSqrt(dst, x []float32) {
	if cpuid.NEON() {
		sqrtNEON(dst, x)
	} else {
		sqrtGeneric(dst, x)
	}
}

//go:noescape
func fillNEON(dst []float32, v float32)

func vecFill(dst []float32, v float32) {
	if cpuid.NEON() {
		fillNEON(dst, v)
	} else {
		fillGeneric(dst, v)
	}
}
