package kernel

import "math"

// The element-wise functions write len(dst) elements. They panic if an operand is shorter. Nothing after these elements is
// read. dst may be one of the operands, but must not overlap an operand in another way.

// Add sets dst = a + b.
func Add(dst, a, b []float32) { vecAdd(dst, a[:len(dst)], b[:len(dst)]) }

// AddTo adds x to acc: acc += x, over len(acc) elements.
func AddTo(acc, x []float32) { vecAdd(acc, acc, x[:len(acc)]) }

// Sub sets dst = a − b.
func Sub(dst, a, b []float32) { vecSub(dst, a[:len(dst)], b[:len(dst)]) }

// Mul sets dst = a · b.
func Mul(dst, a, b []float32) { vecMul(dst, a[:len(dst)], b[:len(dst)]) }

// Div sets dst = a / b.
func Div(dst, a, b []float32) { vecDiv(dst, a[:len(dst)], b[:len(dst)]) }

// Max sets dst to the larger of a and b, to NaN if one of them is NaN, and to b if both are zeros.
func Max(dst, a, b []float32) { vecMax(dst, a[:len(dst)], b[:len(dst)]) }

// Min sets dst to the smaller of a and b, to NaN if one of them is NaN, and to b if both are zeros.
func Min(dst, a, b []float32) { vecMin(dst, a[:len(dst)], b[:len(dst)]) }

// Greater sets dst = 1 where a > b, and 0 elsewhere, also for NaN.
func Greater(dst, a, b []float32) { vecGreater(dst, a[:len(dst)], b[:len(dst)]) }

// Equal sets dst = 1 where a = b, and 0 elsewhere, also for NaN.
func Equal(dst, a, b []float32) { vecEqual(dst, a[:len(dst)], b[:len(dst)]) }

// Select sets dst = a where c ≠ 0, also for NaN, and b elsewhere.
func Select(dst, c, a, b []float32) {
	vecSelect(dst, c[:len(dst)], a[:len(dst)], b[:len(dst)])
}

// MulAdd sets dst = a·b + c. The assembly rounds once, and mulAddGeneric once or twice.
func MulAdd(dst, a, b, c []float32) {
	vecMulAdd(dst, a[:len(dst)], b[:len(dst)], c[:len(dst)])
}

// Neg sets dst = −x. It also changes the sign of zeros and of NaN.
func Neg(dst, x []float32) { vecNeg(dst, x[:len(dst)]) }

// Abs sets dst = |x|.
func Abs(dst, x []float32) { vecAbs(dst, x[:len(dst)]) }

// Sign sets dst to 1 where x > 0, −1 where x < 0, and x where it is ±0 or NaN.
func Sign(dst, x []float32) { vecSign(dst, x[:len(dst)]) }

// Sqrt sets dst = √x, correctly rounded; NaN where x < 0.
func Sqrt(dst, x []float32) { vecSqrt(dst, x[:len(dst)]) }

// Fill sets every element of dst to v.
func Fill(dst []float32, v float32) { vecFill(dst, v) }

func addGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func subGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func mulGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func divGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

func maxGeneric(dst, a, b []float32) {
	for i := range dst {
		x, y := a[i], b[i]
		if x > y || x != x {
			y = x
		}
		dst[i] = y
	}
}

func minGeneric(dst, a, b []float32) {
	for i := range dst {
		x, y := a[i], b[i]
		if x < y || x != x {
			y = x
		}
		dst[i] = y
	}
}

func greaterGeneric(dst, a, b []float32) {
	for i := range dst {
		var v float32
		if a[i] > b[i] {
			v = 1
		}
		dst[i] = v
	}
}

func equalGeneric(dst, a, b []float32) {
	for i := range dst {
		var v float32
		if a[i] == b[i] {
			v = 1
		}
		dst[i] = v
	}
}

func selectGeneric(dst, c, a, b []float32) {
	for i := range dst {
		v := b[i]
		if c[i] != 0 {
			v = a[i]
		}
		dst[i] = v
	}
}

func mulAddGeneric(dst, a, b, c []float32) {
	for i := range dst {
		dst[i] = a[i]*b[i] + c[i]
	}
}

const signBit = 1 << 31

func negGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = math.Float32frombits(math.Float32bits(x[i]) ^ signBit)
	}
}

func absGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = math.Float32frombits(math.Float32bits(x[i]) &^ signBit)
	}
}

func signGeneric(dst, x []float32) {
	for i := range dst {
		v := x[i]
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = -1
		}
		dst[i] = v
	}
}

func sqrtGeneric(dst, x []float32) {
	for i := range dst {
		// The float64 root has enough digits that rounding it again is exact.
		dst[i] = float32(math.Sqrt(float64(x[i])))
	}
}

func fillGeneric(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}
