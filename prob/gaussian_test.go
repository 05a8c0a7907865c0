package prob

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
)

// integral returns the integral of f by Simpson's rule with 2n intervals.
func integral(f func(float64) float64, from, to float64, n int) float64 {
	h, sum := (to-from)/float64(2*n), f(from)+f(to)
	for i := 1; i < 2*n; i++ {
		sum += f(from+float64(i)*h) * float64(2+2*(i%2))
	}
	return sum * h / 3
}

// normalDensity returns N(z; mu, e^v).
func normalDensity(z, mu, v float64) float64 {
	return math.Exp(-(z-mu)*(z-mu)/(2*math.Exp(v))) / math.Sqrt(2*math.Pi*math.Exp(v))
}

// The constants of the graphs are rounded to float32, so the densities agree to seven digits.
func TestGaussianDensities(t *testing.T) {
	z, mu, v := input("z", 3, 2), input("mu", 3, 2), input("v", 3, 2)
	in := map[string]graph.Value{"z": {0, 1, -2, 0.5, 3, 3}, "mu": {0.3, 1, -2.5, 4, 0, 0}, "v": {0, -1, 2, 0.3, -0.5, 1.5}}
	out := eval(t, in, NormalLogDensity(z), GaussianLogDensity(z, mu, v))
	for b := range 3 {
		standard, diagonal := 0.0, 0.0
		for i := 2 * b; i < 2*b+2; i++ {
			standard += math.Log(normalDensity(in["z"][i], 0, 0))
			diagonal += math.Log(normalDensity(in["z"][i], in["mu"][i], in["v"][i]))
		}
		if !almostEqual(out[0][b], standard, 1e-7) || !almostEqual(out[1][b], diagonal, 1e-7) {
			t.Errorf("image %d: ln N is %v and %v, want %v and %v", b, out[0][b], out[1][b], standard, diagonal)
		}
	}
}

func TestGaussianKLBetweenByIntegration(t *testing.T) {
	names := []string{"m1", "v1", "m2", "v2"}
	in := map[string]graph.Value{"m1": {0.4, -1, 0.4}, "v1": {0.2, -2, 0.2}, "m2": {-0.3, 0.5, 0.4}, "v2": {1, -1, 0.2}}
	var at [4]*graph.Node
	for i, n := range names {
		at[i] = input(n, 3, 1)
	}
	got := eval(t, in, GaussianKLBetween(at[0], at[1], at[2], at[3]))[0]
	for b := range got {
		m1, v1, m2, v2 := in["m1"][b], in["v1"][b], in["m2"][b], in["v2"][b]
		want := integral(func(z float64) float64 {
			p := normalDensity(z, m1, v1)
			if p == 0 {
				return 0
			}
			return p * math.Log(p/normalDensity(z, m2, v2))
		}, m1-8, m1+8, 4000)
		if !almostEqual(got[b], want, 1e-9) {
			t.Errorf("KL %d is %v, by integration %v", b, got[b], want)
		}
	}
	// Against N(0, I) it equals GaussianKL, which is the sum of GaussianKLUnits.
	mu, v, zero := input("m1", 1, 3), input("v1", 1, 3), input("zero", 1, 3)
	in["zero"] = graph.Value{0, 0, 0}
	out := eval(t, in, GaussianKLBetween(mu, v, zero, zero), GaussianKL(mu, v), GaussianKLUnits(mu, v))
	if sum := out[2][0] + out[2][1] + out[2][2]; !almostEqual(out[0][0], out[1][0], 1e-14) || !almostEqual(sum, out[1][0], 1e-14) {
		t.Errorf("KL from N(0, I) is %v, %v and by units %v", out[0][0], out[1][0], sum)
	}
}

// exp(−GaussianNLL) is a density: the integral over one pixel is 1. The best σ is the root of the mean squared error.
func TestGaussianNLL(t *testing.T) {
	const n = 4001
	x, y, s := input("x", n, 1), input("y", n, 1), input("s")
	in := map[string]graph.Value{"x": make(graph.Value, n), "y": make(graph.Value, n), "s": {-1.3}}
	for i := range n {
		in["x"][i], in["y"][i] = -4+float64(i)*0.002, 0.2
	}
	sum := 0.0
	for i, e := range eval(t, in, GaussianNLL(x, y, s))[0] {
		sum += math.Exp(-e) * 0.002
		if i == 0 && !almostEqual(e, -math.Log(normalDensity(-4, 0.2, -2.6)), 1e-6) {
			t.Errorf("−ln N(−4; 0.2, e^−1.3) is %v", e)
		}
	}
	if !almostEqual(sum, 1, 1e-6) {
		t.Errorf("the density integrates to %v", sum)
	}
	a, b := input("a", 1, 4), input("b", 1, 4)
	at := map[string]graph.Value{"a": {0, 1, 0.5, 0.2}, "b": {0.1, 0.7, 0.5, 0.4}, "s": {math.Log(math.Sqrt((0.01 + 0.09 + 0.04) / 4))}}
	if g := eval(t, at, graph.Grad(graph.Sum(GaussianNLL(a, b, s)), s)[0])[0][0]; !almostEqual(g, 0, 1e-12) {
		t.Errorf("gradient %v at the root of the mean squared error, want 0", g)
	}
}
