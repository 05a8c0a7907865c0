package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var inf32 = float32(math.Inf(1))

// specialValues are numbers for which element-wise code is often wrong.
var specialValues = []float32{0, float32(math.Copysign(0, -1)), 1, -1, inf32, -inf32, nan32, math.MaxFloat32, -math.MaxFloat32,
	0x1p-126, -0x1p-126, 0x1p-149, -0x1p-149, 0.5, -2, 3}

// elementwiseTests are the element-wise functions, with up to three operands, and their float64 meaning.
var elementwiseTests = []struct {
	name string
	n    int // operands
	f    func(dst []float32, x [3][]float32)
	want func(a, b, c float64) float64
}{
	{"Add", 2, func(d []float32, x [3][]float32) { Add(d, x[0], x[1]) }, func(a, b, _ float64) float64 { return a + b }},
	{"Sub", 2, func(d []float32, x [3][]float32) { Sub(d, x[0], x[1]) }, func(a, b, _ float64) float64 { return a - b }},
	{"Mul", 2, func(d []float32, x [3][]float32) { Mul(d, x[0], x[1]) }, func(a, b, _ float64) float64 { return a * b }},
	{"Div", 2, func(d []float32, x [3][]float32) { Div(d, x[0], x[1]) }, func(a, b, _ float64) float64 { return a / b }},
	{"Max", 2, func(d []float32, x [3][]float32) { Max(d, x[0], x[1]) }, func(a, b, _ float64) float64 {
		if a == b {
			return b // of two zeros, b
		}
		return nanOr(a, b, math.Max(a, b))
	}},
	{"Min", 2, func(d []float32, x [3][]float32) { Min(d, x[0], x[1]) }, func(a, b, _ float64) float64 {
		if a == b {
			return b
		}
		return nanOr(a, b, math.Min(a, b))
	}},
	{"Greater", 2, func(d []float32, x [3][]float32) { Greater(d, x[0], x[1]) }, func(a, b, _ float64) float64 { return boolToFloat(a > b) }},
	{"Equal", 2, func(d []float32, x [3][]float32) { Equal(d, x[0], x[1]) }, func(a, b, _ float64) float64 { return boolToFloat(a == b) }},
	{"Select", 3, func(d []float32, x [3][]float32) { Select(d, x[0], x[1], x[2]) }, func(c, a, b float64) float64 {
		if c != 0 {
			return a
		}
		return b
	}},
	{"Neg", 1, func(d []float32, x [3][]float32) { Neg(d, x[0]) }, func(a, _, _ float64) float64 { return -a }},
	{"Abs", 1, func(d []float32, x [3][]float32) { Abs(d, x[0]) }, func(a, _, _ float64) float64 { return math.Abs(a) }},
	{"Sign", 1, func(d []float32, x [3][]float32) { Sign(d, x[0]) }, func(a, _, _ float64) float64 {
		if a > 0 || a < 0 {
			return math.Copysign(1, a)
		}
		return a
	}},
	{"Sqrt", 1, func(d []float32, x [3][]float32) { Sqrt(d, x[0]) }, func(a, _, _ float64) float64 { return math.Sqrt(a) }},
}

// nanOr returns v, or NaN if a or b is NaN, because math.Max(+Inf, NaN) is +Inf.
func nanOr(a, b, v float64) float64 {
	if a != a || b != b {
		return math.NaN()
	}
	return v
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// These functions round once, so their results have the bits of the float64 results after rounding.
func TestElementwise(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for _, tt := range elementwiseTests {
			t.Run(tt.name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 2))
				for n := range 100 {
					for alias := -1; alias < tt.n; alias++ { // dst is this operand
						checkElementwise(t, r, n, alias, tt.n, tt.f, func(a, b, c float32) float32 {
							return float32(tt.want(float64(a), float64(b), float64(c)))
						})
					}
				}
			})
		}
	})
}

func checkElementwise(t *testing.T, r *rand.Rand, n, alias, operands int, f func([]float32, [3][]float32), want func(a, b, c float32) float32) {
	t.Helper()
	var g [3]guarded
	var x, was [3][]float32
	for i := range operands {
		g[i] = random(r, n)
		for j := range g[i].x {
			if r.IntN(3) == 0 {
				g[i].x[j] = specialValues[r.IntN(len(specialValues))]
			}
		}
		x[i] = g[i].x
		was[i] = append([]float32(nil), x[i]...)
	}
	for i := operands; i < 3; i++ {
		was[i] = make([]float32, n)
	}
	dst := newGuarded(n)
	if alias >= 0 {
		dst = g[alias]
	}
	f(dst.x, x)
	for i, got := range dst.x {
		if w := want(was[0][i], was[1][i], was[2][i]); !sameBits(got, w) {
			t.Fatalf("n=%d alias=%d: of (%v, %v, %v) at %d: got %v, want %v", n, alias, was[0][i], was[1][i], was[2][i], i, got, w)
		}
	}
	for i := range operands {
		for j := range x[i] {
			if i != alias && !sameBits(x[i][j], was[i][j]) {
				t.Fatalf("n=%d: changed operand %d", n, i)
			}
		}
	}
	if !dst.intact() {
		t.Fatalf("n=%d: wrote outside dst", n)
	}
}

func TestMulAdd(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for n := range 100 {
			a, b, c, dst := random(r, n), random(r, n), random(r, n), newGuarded(n)
			MulAdd(dst.x, a.x, b.x, c.x)
			for i, got := range dst.x {
				p, q := float64(a.x[i])*float64(b.x[i]), float64(c.x[i])
				if !withinTolerance(got, p+q, eps32*(math.Abs(p)+math.Abs(q))) {
					t.Fatalf("n=%d: %v·%v + %v = %v", n, a.x[i], b.x[i], c.x[i], got)
				}
			}
			for _, acc := range []guarded{a, b, c} { // each operand as the destination
				x := append([]float32(nil), acc.x...)
				MulAdd(acc.x, a.x, b.x, c.x)
				for i := range acc.x {
					if !sameBits(acc.x[i], dst.x[i]) {
						t.Fatalf("n=%d: in place %v, else %v", n, acc.x[i], dst.x[i])
					}
				}
				copy(acc.x, x)
			}
			if !dst.intact() {
				t.Fatalf("n=%d: wrote outside dst", n)
			}
		}
	})
}

func TestFillAddTo(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for n := range 100 {
			g, x := newGuarded(n), random(r, n)
			Fill(g.x, 2.5)
			AddTo(g.x, x.x)
			for i, got := range g.x {
				if got != 2.5+x.x[i] {
					t.Fatalf("n=%d: element %d is %v, want %v", n, i, got, 2.5+x.x[i])
				}
			}
			if !g.intact() {
				t.Fatalf("n=%d: wrote outside dst", n)
			}
		}
	})
}

// An operand shorter than dst causes a panic before anything is read or written.
func TestShortOperand(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for _, tt := range elementwiseTests {
			for short := range tt.n {
				dst := newGuarded(9)
				x := [3][]float32{make([]float32, 9), make([]float32, 9), make([]float32, 9)}
				x[short] = x[short][:8:8]
				func() {
					defer func() {
						if recover() == nil {
							t.Errorf("%s: no panic for a short operand %d", tt.name, short)
						}
					}()
					tt.f(dst.x, x)
				}()
				if dst.x[0] == dst.x[0] {
					t.Errorf("%s: wrote before it panicked", tt.name)
				}
			}
		}
	})
}

func BenchmarkVec(b *testing.B) {
	const n = 4096
	x, y, d := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], y[i] = float32(i)*1e-3+0.1, 1
	}
	for name, f := range map[string]func(){
		"Add":      func() { Add(d, x, y) },
		"MulAdd":   func() { MulAdd(d, x, y, y) },
		"Max":      func() { Max(d, x, y) },
		"Select":   func() { Select(d, x, y, x) },
		"Sqrt":     func() { Sqrt(d, x) },
		"Exp":      func() { Exp(d, x) },
		"Log":      func() { Log(d, x) },
		"Tanh":     func() { Tanh(d, x) },
		"Sigmoid":  func() { Sigmoid(d, x) },
		"Softplus": func() { Softplus(d, x) },
		"Sum":      func() { Sum(x) },
		"MaxOf":    func() { MaxOf(x) },
	} {
		b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}
