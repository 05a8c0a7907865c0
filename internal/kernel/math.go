package kernel

import "math"

// The bounds below are the largest errors of the assembly against float64, in units
// in the last place of the result (2⁻¹⁴⁹ among the denormals), over every 61st
// float32, rounded up; what was found is in brackets. TestMathULP sweeps every
// 509th. The Go twins go through float64 and stay within one.
// The rules of vec.go on lengths and aliasing hold.

// Exp sets dst = eˣ, within 2 ulp (1.01): +Inf above 88.72, gradually denormal and then
// 0 below −87.3, 0 at −Inf, NaN at NaN.
func Exp(dst, x []float32) { vecExp(dst, x[:len(dst)]) }

// Log sets dst = ln x, within 1 ulp (0.78): −Inf at ±0, NaN below 0 and at NaN, +Inf at
// +Inf. Denormal x count.
func Log(dst, x []float32) { vecLog(dst, x[:len(dst)]) }

// Tanh sets dst = tanh x, within 2 ulp (1.85), near 0 too; ±0 at ±0, ±1 at ±Inf,
// NaN at NaN.
func Tanh(dst, x []float32) { vecTanh(dst, x[:len(dst)]) }

// Sigmoid sets dst = 1/(1 + e⁻ˣ), within 3 ulp (2.31) for any x: it never overflows,
// and keeps its relative accuracy where it is small. NaN at NaN.
func Sigmoid(dst, x []float32) { vecSigmoid(dst, x[:len(dst)]) }

// Softplus sets dst = ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), within 2 ulp
// (1.63) for any x: eˣ where x is very negative, x where it is large. NaN at NaN.
func Softplus(dst, x []float32) { vecSoftplus(dst, x[:len(dst)]) }

func expGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Exp(float64(x[i])))
	}
}

func logGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Log(float64(x[i])))
	}
}

func tanhGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Tanh(float64(x[i])))
	}
}

func sigmoidGeneric(dst, x []float32) {
	for i := range dst {
		// e¹⁰⁴, where the float32 result is 0 already, is far from overflow.
		dst[i] = float32(1 / (1 + math.Exp(-float64(x[i]))))
	}
}

func softplusGeneric(dst, x []float32) {
	for i := range dst {
		v := float64(x[i])
		dst[i] = float32(math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))))
	}
}
