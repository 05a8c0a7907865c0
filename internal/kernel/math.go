package kernel

import "math"

// The error bounds of this file are those of the assembly against float64, in units in the last place of the result (2⁻¹⁴⁹ for
// denormal results). They are the largest errors over every 61st float32, rounded up; the measured numbers are in brackets.
// TestMathULP checks every 509th. The generic functions compute in float64 and have an error below 1 ulp. The rules of vec.go
// for lengths and overlaps apply.

// Exp sets dst = eˣ, with an error of at most 2 ulp (1.01). The result is +Inf above 88.72, denormal and then 0 below −87.3,
// and NaN for NaN.
func Exp(dst, x []float32) { vecExp(dst, x[:len(dst)]) }

// Log sets dst = ln x, with an error of at most 1 ulp (0.78), also for denormal x. The result is −Inf at ±0, NaN below 0 and
// for NaN, and +Inf at +Inf.
func Log(dst, x []float32) { vecLog(dst, x[:len(dst)]) }

// Tanh sets dst = tanh x, with an error of at most 2 ulp (1.85), also near 0. The result is ±0 at ±0, ±1 at ±Inf, and NaN for
// NaN.
func Tanh(dst, x []float32) { vecTanh(dst, x[:len(dst)]) }

// Sigmoid sets dst = 1/(1 + e⁻ˣ), with an error of at most 3 ulp (2.31) for all x, also where the result is small. Nothing
// overflows. The result is NaN for NaN.
func Sigmoid(dst, x []float32) { vecSigmoid(dst, x[:len(dst)]) }

// Softplus sets dst = ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), with an error of at most 2 ulp (1.63) for all x. The result is
// NaN for NaN.
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
		// The float32 result is 0 below −104, where e¹⁰⁴ does not overflow float64.
		dst[i] = float32(1 / (1 + math.Exp(-float64(x[i]))))
	}
}

func softplusGeneric(dst, x []float32) {
	for i := range dst {
		v := float64(x[i])
		dst[i] = float32(math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))))
	}
}
