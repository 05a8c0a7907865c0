package nn

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// batchNormEpsilon32 is the constant as the graph holds it, rounded to float32.
var batchNormEpsilon32 = float64(float32(batchNormEpsilon))

// trainingBatchNorm returns the batch normalisation of x in training with γ = 1 and β = 0.
func trainingBatchNorm(x *graph.Node) *graph.Node {
	b := NewBuilder()
	b.Training = true
	y := b.BatchNorm("bn", x, None)
	return substituteConstants(y, map[string]float64{"bn/gamma": 1, "bn/beta": 0})
}

// substituteConstants returns y with the named states replaced by constants.
func substituteConstants(y *graph.Node, values map[string]float64) *graph.Node {
	nodes := map[string]*graph.Node{}
	for name, v := range values {
		nodes[name] = graph.Const(v)
	}
	return substituteStates(y, nodes)
}

// substituteStates returns y with the named states replaced by nodes, which are broadcast to the shape of the state.
func substituteStates(y *graph.Node, values map[string]*graph.Node) *graph.Node {
	done := map[*graph.Node]*graph.Node{}
	var visit func(n *graph.Node) *graph.Node
	visit = func(n *graph.Node) *graph.Node {
		if m := done[n]; m != nil {
			return m
		}
		m := n
		if v, ok := values[n.Name()]; ok && n.Op() == graph.OpState {
			m = graph.BroadcastTo(v, n.Shape()...)
		} else if len(n.In()) > 0 {
			var in []*graph.Node
			for _, x := range n.In() {
				in = append(in, visit(x))
			}
			m = graph.Rebuild(n, in...)
		}
		done[n] = m
		return m
	}
	return visit(y)
}

// batchNormLoops returns x (…, C), normalised channel by channel, and the mean and the variance of each channel. It
// computes them with plain loops.
func batchNormLoops(x graph.Value, c int) (y, mean, variance graph.Value) {
	n := len(x) / c
	y, mean, variance = make(graph.Value, len(x)), make(graph.Value, c), make(graph.Value, c)
	for k := range c {
		for i := k; i < len(x); i += c {
			mean[k] += x[i] / float64(n)
		}
		for i := k; i < len(x); i += c {
			variance[k] += (x[i] - mean[k]) * (x[i] - mean[k]) / float64(n)
		}
		for i := k; i < len(x); i += c {
			y[i] = (x[i] - mean[k]) / math.Sqrt(variance[k]+batchNormEpsilon32)
		}
	}
	return y, mean, variance
}

func TestBatchNormDefinition(t *testing.T) {
	b := NewBuilder()
	b.Training = true
	x := graph.Input("x", tensor.Float32, 3, 2, 4, 2)
	y := b.BatchNorm("bn", x, None)
	at := graphtest.Uniform(rng.New(1), -2, 3, 3, 2, 4, 2).Value
	gamma, beta := graph.Value{1.5, -0.5}, graph.Value{0.25, 2}
	values := map[string]graph.Value{
		"x": at, "bn/gamma": gamma, "bn/beta": beta,
		"bn/moving_mean": {10, -10}, "bn/moving_variance": {1, 3},
	}
	want, mean, variance := batchNormLoops(at, 2)
	for i, got := range eval(t, y, values) {
		if w := want[i]*gamma[i%2] + beta[i%2]; !(math.Abs(got-w) < 1e-12) {
			t.Fatalf("element %d is %v, want %v", i, got, w)
		}
	}
	// r ← 0.9 r + 0.1 s, the variance being that of 1/(n−1), n = 24.
	ups := b.Updates()
	if len(ups) != 2 || ups[0].State.Name() != "bn/moving_mean" || ups[1].State.Name() != "bn/moving_variance" {
		t.Fatalf("updates %v", ups)
	}
	m, v := eval(t, ups[0].Value, values), eval(t, ups[1].Value, values)
	for k := range 2 {
		wm := 0.9*values["bn/moving_mean"][k] + 0.1*mean[k]
		wv := 0.9*values["bn/moving_variance"][k] + 0.1*variance[k]*24/23
		if !(math.Abs(m[k]-wm) < 1e-6) || !(math.Abs(v[k]-wv) < 1e-6) { // 0.9 is rounded to float32
			t.Errorf("channel %d: running statistics %v and %v, want %v and %v", k, m[k], v[k], wm, wv)
		}
	}

	inference := NewBuilder()
	z := inference.BatchNorm("bn", x, None)
	for i, got := range eval(t, z, values) {
		k := i % 2
		w := gamma[k]*(at[i]-values["bn/moving_mean"][k])/math.Sqrt(values["bn/moving_variance"][k]+batchNormEpsilon32) + beta[k]
		if !(math.Abs(got-w) < 1e-12) {
			t.Fatalf("outside training, element %d is %v, want %v", i, got, w)
		}
	}
	if len(inference.Updates()) != 0 {
		t.Error("running statistics are updated outside training")
	}
}

// dL/dx = γ/σ · (g − mean(g) − x̂·mean(g·x̂)): Ioffe & Szegedy, section 3.
func TestBatchNormGradientClosedForm(t *testing.T) {
	const n, c = 30, 2
	x := graph.Input("x", tensor.Float32, 5, 2, 3, c)
	weights := graphtest.Uniform(rng.New(2), -1, 1, 5, 2, 3, c).Value
	w := graph.Input("w", tensor.Float32, 5, 2, 3, c)
	loss := graph.Sum(graph.Mul(trainingBatchNorm(x), w))
	at := graphtest.Uniform(rng.New(3), 4, 9, 5, 2, 3, c).Value
	got := eval(t, graph.Grad(loss, x)[0], map[string]graph.Value{"x": at, "w": weights})
	hat, _, variance := batchNormLoops(at, c)
	var mean, meanProduct [c]float64
	for i, g := range weights {
		mean[i%c] += g / n
		meanProduct[i%c] += g * hat[i] / n
	}
	for i, g := range weights {
		k := i % c
		want := (g - mean[k] - hat[i]*meanProduct[k]) / math.Sqrt(variance[k]+batchNormEpsilon32)
		if !(math.Abs(got[i]-want) < 1e-12) {
			t.Errorf("element %d: %v, want %v", i, got[i], want)
		}
	}
}

func TestBatchNormGradientFiniteDifferences(t *testing.T) {
	key := rng.New(4)
	for _, shape := range [][]int{{2, 2, 3, 2}, {5, 3}} {
		graphtest.CheckGrad(t, func(x ...*graph.Node) *graph.Node { return Tanh(trainingBatchNorm(x[0])) },
			[]graphtest.Operand{graphtest.Uniform(key, 0, 2, shape...)}, 2)
	}
}

// A network that is applied twice averages the statistics of both batches. The running statistics are not among the
// parameters that are learned by gradient.
func TestRunningStatisticsOfTwoUses(t *testing.T) {
	b := NewBuilder()
	b.Training = true
	b.Bias = nil
	d := b.Network("critic")
	for _, name := range []string{"x1", "x2"} {
		d.BatchNorm("bn", d.Dense("dense", graph.Input(name, tensor.Float32, 4, 1), 1, None), ReLU)
	}
	values := map[string]graph.Value{
		"x1": {1, 3, 1, 3}, "x2": {8, 8, 8, 12}, "critic/dense/kernel": {1},
		"critic/bn/moving_mean": {100}, "critic/bn/moving_variance": {0},
	}
	ups := b.Updates()
	if len(ups) != 2 {
		t.Fatalf("%d updates, want one for each statistic", len(ups))
	}
	if m := eval(t, ups[0].Value, values)[0]; !(math.Abs(m-(0.9*(0.9*100+0.1*2)+0.1*9)) < 1e-5) {
		t.Errorf("running mean %v", m)
	}
	var names []string
	for _, s := range b.States() {
		names = append(names, s.Name())
	}
	if len(names) != 3 || names[0] != "critic/dense/kernel" || names[2] != "critic/bn/beta" {
		t.Errorf("learned by gradient: %v", names)
	}
	if n := Count(b.Params()); n != 3 || len(b.Params()) != 5 || b.Networks()[0].Params() != 3 {
		t.Errorf("%d parameters in %d arrays", n, len(b.Params()))
	}
}
