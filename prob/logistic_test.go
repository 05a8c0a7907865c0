package prob

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
)

func TestDiscretizedLogistic(t *testing.T) {
	x, m, s := input("x", Levels, 1), input("m", Levels, 1), input("s")
	cdf := func(v float64) float64 {
		if v < 0 {
			return math.Exp(v) / (1 + math.Exp(v))
		}
		return 1 / (1 + math.Exp(-v))
	}
	for _, c := range []struct{ mean, logScale float64 }{{0.5, -3}, {0.1, -5.5}, {0.999, -2}, {0, 3}, {0.4, -7}} {
		in := map[string]graph.Value{"x": make(graph.Value, Levels), "m": make(graph.Value, Levels), "s": {c.logScale}}
		for j := range Levels {
			in["x"][j], in["m"][j] = float64(j)/255, c.mean
		}
		got, sum, mass := eval(t, in, DiscretizedLogisticNLL(x, m, s))[0], 0.0, math.Exp(c.logScale)
		for j, v := range got {
			sum += math.Exp(-v)
			at := float64(j)/255 - c.mean
			want := cdf((at+0.5/255)/mass) - cdf((at-0.5/255)/mass)
			if j == 0 {
				want = cdf((at + 0.5/255) / mass)
			} else if j == 255 {
				want = cdf(-(at - 0.5/255) / mass)
			}
			if want > 1e-9 && !almostEqual(v, -math.Log(want), 1e-5) {
				t.Errorf("mean %v, ln s %v: −ln P of level %d is %v, want %v", c.mean, c.logScale, j, v, -math.Log(want))
			}
			if math.IsNaN(v) || v < 0 || math.IsInf(v, 0) {
				t.Errorf("mean %v, ln s %v: −ln P of level %d is %v", c.mean, c.logScale, j, v)
			}
		}
		if !almostEqual(sum, 1, 1e-6) {
			t.Errorf("mean %v, ln s %v: the probabilities add up to %v", c.mean, c.logScale, sum)
		}
	}
}

func TestDiscretizedLogisticGradients(t *testing.T) {
	x, m, s := input("x", 1, 4), input("m", 1, 4), input("s")
	in := func() map[string]graph.Value {
		return map[string]graph.Value{"x": {0, 1, 20. / 255, 200. / 255}, "m": {0.3, 0.6, 0.07, 0.2}, "s": {-2.5}}
	}
	y := graph.Sum(DiscretizedLogisticNLL(x, m, s))
	out := eval(t, in(), graph.Grad(y, m, s)...)
	difference := func(name string, i int) float64 {
		at := func(h float64) float64 {
			v := in()
			v[name][i] += h
			return eval(t, v, y)[0][0]
		}
		return (at(1e-5) - at(-1e-5)) / 2e-5
	}
	for i := range 4 {
		if want := difference("m", i); !almostEqual(out[0][i], want, 1e-6) {
			t.Errorf("derivative by mean %d: %v, by finite differences %v", i, out[0][i], want)
		}
	}
	if want := difference("s", 0); !almostEqual(out[1][0], want, 1e-6) {
		t.Errorf("derivative by ln s: %v, by finite differences %v", out[1][0], want)
	}
}
