//go:build (!amd64 && !arm64) || purego

package kernel

func vecSum(x []float32) float32   { return sumGeneric(x) }
func vecMaxOf(x []float32) float32 { return maxOfGeneric(x) }
