//go:build (!amd64 && !arm64) || purego

package kernel

func vecEMA(dst, x, y []float32, s, t float32)            { emaGeneric(dst, x, y, s, t) }
func vecEMASquare(dst, x, y []float32, s, t float32)      { emaSquareGeneric(dst, x, y, s, t) }
func vecAdamStep(dst, p, m, v []float32, s, t, e float32) { adamStepGeneric(dst, p, m, v, s, t, e) }
