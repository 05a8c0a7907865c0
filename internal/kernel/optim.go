package kernel

import "math"

// EMA sets dst = s·x + t·y, an exponential moving average if s + t = 1. The assembly rounds t·y, and then the sum once.
func EMA(dst, x, y []float32, s, t float32) { vecEMA(dst, x[:len(dst)], y[:len(dst)], s, t) }

// EMASquare sets dst = s·x + t·y². The assembly rounds y² and t·y², and then the sum once.
func EMASquare(dst, x, y []float32, s, t float32) {
	vecEMASquare(dst, x[:len(dst)], y[:len(dst)], s, t)
}

// AdamStep sets dst = p − s·m / (√(t·v) + e). Each operation is rounded.
func AdamStep(dst, p, m, v []float32, s, t, e float32) {
	vecAdamStep(dst, p[:len(dst)], m[:len(dst)], v[:len(dst)], s, t, e)
}

func emaGeneric(dst, x, y []float32, s, t float32) {
	for i := range dst {
		dst[i] = s*x[i] + t*y[i]
	}
}

func emaSquareGeneric(dst, x, y []float32, s, t float32) {
	for i := range dst {
		dst[i] = s*x[i] + t*(y[i]*y[i])
	}
}

func adamStepGeneric(dst, p, m, v []float32, s, t, e float32) {
	for i := range dst {
		dst[i] = p[i] - m[i]*s/(float32(math.Sqrt(float64(v[i]*t)))+e)
	}
}
