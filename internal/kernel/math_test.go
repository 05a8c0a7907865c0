package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// mathTests are the functions of math.go with their float64 meaning, the largest error in ulp that their comments allow, and
// their results for special values.
var mathTests = []struct {
	name  string
	f     func(dst, x []float32)
	want  func(x float64) float64
	ulp   float64
	exact map[float32]float32
}{
	{"Exp", Exp, math.Exp, 2, map[float32]float32{0: 1, inf32: inf32, -inf32: 0, 89: inf32, 1e30: inf32, -104: 0, -1e30: 0}},
	{"Log", Log, math.Log, 1, map[float32]float32{1: 0, 0: -inf32, -0x1p-149: nan32, -1: nan32, -inf32: nan32, inf32: inf32}},
	{"Tanh", Tanh, math.Tanh, 2, map[float32]float32{0: 0, inf32: 1, -inf32: -1, 20: 1, -20: -1, 0x1p-149: 0x1p-149, 1e-20: 1e-20}},
	{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 3,
		map[float32]float32{0: 0.5, inf32: 1, -inf32: 0, 100: 1, -200: 0}},
	{"Softplus", Softplus, func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }, 2,
		map[float32]float32{inf32: inf32, -inf32: 0, 1e30: 1e30, 100: 100, -1e30: 0}},
}

// ulps returns the distance of got from want in units in the last place of want.
func ulps(got float32, want float64) float64 {
	if sameBits(got, float32(want)) {
		return 0
	}
	_, e := math.Frexp(want) // want = f·2ᵉ, ½ ≤ |f| < 1
	e = max(e-24, -149)
	return math.Abs(float64(got)-want) / math.Ldexp(1, e)
}

// The errors are within their bounds for every 509th float32, or every 5003rd with -short. These are primes, so all exponents
// and last bits occur.
func TestMathULP(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		stride := uint64(509)
		if testing.Short() {
			stride = 5003
		}
		for _, tt := range mathTests {
			t.Run(tt.name, func(t *testing.T) {
				var x, y [512]float32
				worst, worstX := 0.0, float32(0)
				for bits := uint64(0); bits < 1<<32; {
					for i := range x {
						x[i] = math.Float32frombits(uint32(min(bits, 1<<32-1)))
						bits += stride
					}
					tt.f(y[:], x[:])
					for i, v := range x {
						if u := ulps(y[i], tt.want(float64(v))); !(u <= worst) {
							worst, worstX = u, v
						}
					}
				}
				if !(worst <= tt.ulp) {
					t.Errorf("the error of %s(%v) is %.3g ulp, want at most %v", tt.name, worstX, worst, tt.ulp)
				}
				t.Logf("%s: %.3f ulp, at %v", tt.name, worst, worstX)
			})
		}
	})
}

func TestMathSpecial(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for _, tt := range mathTests {
			for x, want := range tt.exact {
				d := []float32{x}
				if tt.f(d, d); !sameBits(d[0], want) {
					t.Errorf("%s(%v) = %v, want %v", tt.name, x, d[0], want)
				}
			}
			for _, bits := range []uint32{0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff} {
				d := []float32{math.Float32frombits(bits)}
				if tt.f(d, d); d[0] == d[0] {
					t.Errorf("%s(NaN %#x) = %v", tt.name, bits, d[0])
				}
			}
		}
		z := []float32{float32(math.Copysign(0, -1))}
		if Tanh(z, z); !math.Signbit(float64(z[0])) || z[0] != 0 {
			t.Errorf("Tanh(−0) = %v", z[0])
		}
	})
}

// A result does not depend on the position of its operand in the slice, or on aliasing. Nothing outside dst is written.
func TestMathTails(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, tt := range mathTests {
			for n := range 40 {
				for _, alias := range []int{-1, 0} {
					checkElementwise(t, r, n, alias, 1, func(d []float32, x [3][]float32) { tt.f(d, x[0]) },
						func(a, _, _ float32) float32 {
							var x, y [8]float32
							x[3] = a
							tt.f(y[:], x[:])
							return y[3]
						})
				}
			}
		}
	})
}
