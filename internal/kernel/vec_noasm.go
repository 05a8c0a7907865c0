//go:build (!amd64 && !arm64) || purego

package kernel

func vecAdd(dst, a, b []float32)       { addGeneric(dst, a, b) }
func vecSub(dst, a, b []float32)       { subGeneric(dst, a, b) }
func vecMul(dst, a, b []float32)       { mulGeneric(dst, a, b) }
func vecDiv(dst, a, b []float32)       { divGeneric(dst, a, b) }
func vecMax(dst, a, b []float32)       { maxGeneric(dst, a, b) }
func vecMin(dst, a, b []float32)       { minGeneric(dst, a, b) }
func vecGreater(dst, a, b []float32)   { greaterGeneric(dst, a, b) }
func vecEqual(dst, a, b []float32)     { equalGeneric(dst, a, b) }
func vecSelect(dst, c, a, b []float32) { selectGeneric(dst, c, a, b) }
func vecMulAdd(dst, a, b, c []float32) { mulAddGeneric(dst, a, b, c) }
func vecNeg(dst, x []float32)          { negGeneric(dst, x) }
func vecAbs(dst, x []float32)          { absGeneric(dst, x) }
func vecSign(dst, x []float32)         { signGeneric(dst, x) }
func vecSqrt(dst, x []float32)         { sqrtGeneric(dst, x) }
func vecFill(dst []float32, v float32) { fillGeneric(dst, v) }
