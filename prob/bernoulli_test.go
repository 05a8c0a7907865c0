package prob

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

var testLogits = graph.Value{-40, -9, -2, -1.001, -0.999, -0.3, -1e-4, 0, 1e-4, 0.3, 0.999, 1.001, 2, 9, 40}

func TestContinuousBernoulliByIntegration(t *testing.T) {
	n := len(testLogits)
	l := input("l", n, 1)
	// The density C λˣ (1−λ)^(1−x) at both ends and between them, with C by numerical integration.
	x, in := input("x", n, 1), map[string]graph.Value{"l": testLogits, "x": make(graph.Value, n)}
	for _, at := range []float64{0, 0.25, 1} {
		for i := range n {
			in["x"][i] = at
		}
		got := eval(t, in, ContinuousBernoulliNLL(x, l))[0]
		for i, v := range testLogits {
			mass := integral(func(x float64) float64 { return math.Exp(x*v - max(v, 0)) }, 0, 1, 4000)
			if want := math.Log(mass) + max(v, 0) - at*v; !almostEqual(got[i], want, 1e-8) {
				t.Errorf("logit %v: −ln p(%v) is %v, by integration %v", v, at, got[i], want)
			}
		}
	}
	got := eval(t, in, ContinuousBernoulliMean(l))[0]
	for i, v := range testLogits {
		e := func(x float64) float64 { return math.Exp(x*v - max(v, 0)) }
		mean := integral(func(x float64) float64 { return x * e(x) }, 0, 1, 4000) / integral(e, 0, 1, 4000)
		if !almostEqual(got[i], mean, 1e-8) {
			t.Errorf("logit %v: mean %v, by integration %v", v, got[i], mean)
		}
	}
}

// ∂(−ln p)/∂l = mean − x, also at l = 0 and at |l| = 1, where the series ends.
func TestContinuousBernoulliGradient(t *testing.T) {
	n := len(testLogits)
	l, x := input("l", n, 1), input("x", n, 1)
	in := map[string]graph.Value{"l": testLogits, "x": make(graph.Value, n)}
	for i := range n {
		in["x"][i] = 0.3
	}
	out := eval(t, in, graph.Grad(graph.Sum(ContinuousBernoulliNLL(x, l)), l)[0], ContinuousBernoulliMean(l))
	for i, v := range testLogits {
		if !almostEqual(out[0][i], out[1][i]-0.3, 1e-7) {
			t.Errorf("logit %v: gradient %v, mean − x is %v", v, out[0][i], out[1][i]-0.3)
		}
	}
	if g := eval(t, in, graph.Grad(graph.Sum(ContinuousBernoulliMean(l)), l)[0])[0]; !almostEqual(g[8], 1./12, 1e-6) {
		t.Errorf("derivative of the mean near 0 is %v, want 1/12", g[8])
	}
}

func TestBernoulliEntropyAndKL(t *testing.T) {
	p, q := input("p", 3, 2), input("q", 3, 2)
	in := map[string]graph.Value{"p": {0, 2, -1, 0.5, 700, -700}, "q": {1, -0.5, -1, 0.5, 1, 1}}
	out := eval(t, in, BernoulliEntropy(p), BernoulliKL(p, q))
	s := func(l float64) float64 { return 1 / (1 + math.Exp(-l)) }
	for b := range 2 {
		var h, kl float64
		for i := 2 * b; i < 2*b+2; i++ {
			p, q := s(in["p"][i]), s(in["q"][i])
			h -= p*math.Log(p) + (1-p)*math.Log(1-p)
			kl += p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q))
		}
		if !almostEqual(out[0][b], h, 1e-12) || !almostEqual(out[1][b], kl, 1e-12) {
			t.Errorf("image %d: entropy %v and KL %v, want %v and %v", b, out[0][b], out[1][b], h, kl)
		}
	}
	if want := -math.Log(s(1)) - math.Log(1-s(1)); !almostEqual(out[0][2], 0, 1e-12) || !almostEqual(out[1][2], want, 1e-11) {
		t.Errorf("pixels with probabilities 0 and 1: entropy %v and KL %v, want 0 and %v", out[0][2], out[1][2], want)
	}
}

// The mean of many draws is x, and a pixel of 0 or 1 never changes.
func TestBinarize(t *testing.T) {
	const n = 1 << 15
	x, key := graph.BroadcastTo(graph.ConstOf([]float32{0, 0.25, 0.9, 1}, 1, 4), n, 4), graph.Input("key", tensor.Int32, 4)
	w := rng.New(5).Words()
	in := map[string]graph.Value{"key": {float64(w[0]), float64(w[1]), float64(w[2]), float64(w[3])}}
	mean := eval(t, in, graph.Mean(Binarize(x, key, "pixels"), 0))[0]
	for i, want := range []float64{0, 0.25, 0.9, 1} {
		if se := math.Sqrt(want * (1 - want) / n); math.Abs(mean[i]-want) > 5*se {
			t.Errorf("pixel %v is 1 in %v of the draws", want, mean[i])
		}
	}
}
