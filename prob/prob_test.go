package prob

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// eval returns the values of ys in float64 for the given inputs.
func eval(t *testing.T, values map[string]graph.Value, ys ...*graph.Node) []graph.Value {
	t.Helper()
	f := &graph.Func{Name: "test"}
	for i, y := range ys {
		f.Outputs = append(f.Outputs, graph.Output{Name: string(rune('a' + i)), Value: y})
	}
	for _, n := range f.Nodes() {
		if n.Op() == graph.OpInput {
			f.Inputs = append(f.Inputs, n)
		}
	}
	out, err := graph.Interp(f, graph.Env{Inputs: values})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func input(name string, shape ...int) *graph.Node { return graph.Input(name, tensor.Float32, shape...) }

// almostEqual reports whether a and b differ by at most tol, absolute below 1 and relative above; it is false for NaN.
func almostEqual(a, b, tol float64) bool { return math.Abs(a-b) <= tol*max(1, math.Abs(b)) }

func TestGaussianKL(t *testing.T) {
	mu, v := input("mu", 3, 2), input("v", 3, 2)
	in := map[string]graph.Value{"mu": {0, 0, 1, -2, 0.3, 0}, "v": {0, 0, 0, 0, math.Log(4), math.Log(0.25)}}
	got := eval(t, in, GaussianKL(mu, v))[0]
	// With σ of 2 and ½: ½(0.09 + 4 − ln 4 − 1) + ½(0.25 + ln 4 − 1).
	for i, want := range []float64{0, 2.5, (0.09 + 4 - 1 + 0.25 - 1) / 2} {
		if !almostEqual(got[i], want, 1e-14) {
			t.Errorf("KL of image %d is %v nats, want %v", i, got[i], want)
		}
	}
}

// KL = E_q[ln q(z) − ln p(z)], estimated by many draws of GaussianSample.
func TestGaussianKLByMonteCarlo(t *testing.T) {
	const n = 1 << 17
	mu, v := 0.7, math.Log(0.3)
	at := func(x float64) *graph.Node { return graph.BroadcastTo(graph.Const(x), n, 1) }
	key := graph.Input("key", tensor.Int32, 4)
	w := rng.New(11).Words()
	in := map[string]graph.Value{"key": {float64(w[0]), float64(w[1]), float64(w[2]), float64(w[3])}}
	out := eval(t, in, GaussianSample(at(mu), at(v), key, "posterior"), GaussianKL(at(mu), at(v)))
	var mean, variance, kl, square float64
	for _, z := range out[0] {
		mean += z / n
		variance += (z - mu) * (z - mu) / n
		d := (z-mu)*(z-mu)/math.Exp(v) + v
		r := (z*z - d) / 2
		kl += r / n
		square += r * r / n
	}
	if !almostEqual(mean, mu, 0.008) || !almostEqual(variance, 0.3, 0.006) { // five standard errors
		t.Errorf("draws have mean %v and variance %v, want %v and 0.3", mean, variance, mu)
	}
	if se := math.Sqrt((square - kl*kl) / n); !(math.Abs(kl-out[1][0]) < 5*se) {
		t.Errorf("KL is %v, by Monte Carlo %v ± %v", out[1][0], kl, se)
	}
}

func TestBernoulliNLL(t *testing.T) {
	in := map[string]graph.Value{"x": {0, 1, 0.25, 0.5, 1, 0, 0, 1}, "l": {-2, 3, 0.7, 0, 800, -800, 800, -800}}
	got := eval(t, in, BernoulliNLL(input("x", 4, 2, 1), input("l", 4, 2, 1)))[0]
	ce := func(x, l float64) float64 {
		p := 1 / (1 + math.Exp(-l))
		return -x*math.Log(p) - (1-x)*math.Log(1-p)
	}
	// The logits of the last two images are extreme: the NLL is 0 where they agree with x, and finite where they do not.
	for i, want := range []float64{ce(0, -2) + ce(1, 3), ce(0.25, 0.7) + math.Ln2, 0, 1600} {
		if !almostEqual(got[i], want, 1e-12) {
			t.Errorf("NLL of image %d is %v nats, want %v", i, got[i], want)
		}
	}
}

func TestSquaredAndAbsoluteError(t *testing.T) {
	x, y := input("x", 2, 3), input("y", 2, 3)
	in := map[string]graph.Value{"x": {1, 2, 3, 0, 0, 0}, "y": {0, 4, 3, 0.5, -0.5, 1}}
	out := eval(t, in, SquaredError(x, y), AbsoluteError(x, y))
	for i, want := range []graph.Value{{5, 1.5}, {3, 2}} {
		for j := range want {
			if !almostEqual(out[i][j], want[j], 1e-14) {
				t.Errorf("errors %v, want %v", out[i], want)
			}
		}
	}
}

// The gradients agree with their closed forms.
func TestGradients(t *testing.T) {
	mu, v, eps := input("mu", 1, 1), input("v", 1, 1), input("eps", 1, 1)
	x, l := input("x", 1, 1), input("l", 1, 1)
	in := map[string]graph.Value{"mu": {0.4}, "v": {-1.2}, "eps": {1.7}, "x": {0.3}, "l": {2}}
	sum := func(y *graph.Node) *graph.Node { return graph.Sum(y) }
	sig := 1 / (1 + math.Exp(-2))
	for _, c := range []struct {
		name string
		y    *graph.Node
		by   *graph.Node
		want float64
	}{
		{"KL by mu", sum(GaussianKL(mu, v)), mu, 0.4},
		{"KL by logvar", sum(GaussianKL(mu, v)), v, (math.Exp(-1.2) - 1) / 2},
		{"draw by mu", sum(Reparameterize(mu, v, eps)), mu, 1},
		{"draw by logvar", sum(Reparameterize(mu, v, eps)), v, 1.7 * math.Exp(-0.6) / 2},
		{"BCE by logits", sum(BernoulliNLL(x, l)), l, sig - 0.3},
		{"squared error", sum(SquaredError(x, l)), l, 2 * 1.7},
		{"absolute error", sum(AbsoluteError(x, l)), l, 1},
	} {
		if got := eval(t, in, graph.Grad(c.y, c.by)[0])[0][0]; !almostEqual(got, c.want, 1e-13) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestShapesDoNotBroadcast(t *testing.T) {
	a, b, s := input("a", 2, 3), input("b", 2, 1), input("s")
	for name, build := range map[string]func(){
		"kl":      func() { GaussianKL(a, b) },
		"bce":     func() { BernoulliNLL(a, b) },
		"squared": func() { SquaredError(b, a) },
		"abs":     func() { AbsoluteError(a, s) },
		"draw":    func() { Reparameterize(a, a, b) },
		"scalars": func() { SquaredError(s, s) },
	} {
		if err := graph.Try(build); err == nil {
			t.Errorf("%s: no error for operands of different shapes", name)
		}
	}
}
