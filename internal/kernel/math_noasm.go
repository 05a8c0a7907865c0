//go:build (!amd64 && !arm64) || purego

package kernel

func vecExp(dst, x []float32)      { expGeneric(dst, x) }
func vecLog(dst, x []float32)      { logGeneric(dst, x) }
func vecTanh(dst, x []float32)     { tanhGeneric(dst, x) }
func vecSigmoid(dst, x []float32)  { sigmoidGeneric(dst, x) }
func vecSoftplus(dst, x []float32) { softplusGeneric(dst, x) }
