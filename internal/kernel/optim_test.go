package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The formulas of optimisers agree with float64 up to a few rounding errors, also if dst is an operand.
func TestOptimiserFormulas(t *testing.T) {
	const s, u, e = 0.9, 0.125, 1e-3
	formulas := []struct {
		name string
		n    int
		f    func(dst []float32, x [3][]float32)
		want func(x [3]float64) float64
	}{
		{"EMA", 2, func(d []float32, x [3][]float32) { EMA(d, x[0], x[1], s, u) }, func(x [3]float64) float64 { return s*x[0] + u*x[1] }},
		{"EMASquare", 2, func(d []float32, x [3][]float32) { EMASquare(d, x[0], x[1], s, u) }, func(x [3]float64) float64 { return s*x[0] + u*x[1]*x[1] }},
		{"AdamStep", 3, func(d []float32, x [3][]float32) { AdamStep(d, x[0], x[1], x[2], s, u, e) }, func(x [3]float64) float64 {
			return x[0] - s*x[1]/(math.Sqrt(u*x[2])+e)
		}},
	}
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, p := range formulas {
			for n := range 70 {
				for alias := -1; alias < p.n; alias++ {
					dst := newGuarded(n)
					var x [3][]float32
					var before [3][]float64
					for i := range p.n {
						g := random(r, n)
						if i == alias {
							dst = g
						}
						x[i], before[i] = g.x, make([]float64, n)
						for j := range g.x {
							if i == 2 { // v is a mean of squares, so it is not negative
								g.x[j] = float32(math.Abs(float64(g.x[j])))
							}
							before[i][j] = float64(g.x[j])
						}
					}
					p.f(dst.x, x)
					for j, got := range dst.x {
						var operands [3]float64
						size := 0.0
						for i := range p.n {
							operands[i] = before[i][j]
							size += math.Abs(operands[i])
						}
						want := p.want(operands)
						if d := math.Abs(float64(got) - want); !(d <= 4e-7*(math.Abs(want)+size*(1+size))) {
							t.Fatalf("%s n=%d alias=%d: element %d is %v, want %v", p.name, n, alias, j, got, want)
						}
					}
					if !dst.intact() {
						t.Fatalf("%s n=%d: wrote outside dst", p.name, n)
					}
				}
			}
		}
	})
}
