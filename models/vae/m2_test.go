package vae

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
)

// tinyM2 is of vectors of 2 numbers, 3 classes and a style of one unit.
var tinyM2 = m2{classes: 3, latent: 1, hidden: []int{4}, emission: codeEmission{2}}

// graphs returns the values of nodes in float64 with inputs by name, and sines for states.
func graphs(t *testing.T, in map[string]graph.Value, nodes ...*graph.Node) []graph.Value {
	t.Helper()
	f := &graph.Func{Name: "test"}
	for i, n := range nodes {
		f.Outputs = append(f.Outputs, graph.Output{Name: string(rune('a' + i)), Value: n})
	}
	states := map[string]graph.Value{}
	for _, n := range f.Nodes() {
		switch n.Op() {
		case graph.OpInput:
			f.Inputs = append(f.Inputs, n)
		case graph.OpState:
			f.States = append(f.States, n)
			states[n.Name()] = sines(n.Shape().Size(), 0.8, 1.7, float64(len(n.Name())))
		}
	}
	out, err := graph.Interp(f, graph.Env{Inputs: in, States: states})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func keyed() *graph.Node { return graph.Input("key", tensor.Int32, 4) }

// TestUnlabelledBoundIsThatOfEachClass verifies that U is the mean of the L of each class under q(y|v) with
// the same noise, less the entropy of q(y|v).
func TestUnlabelledBoundIsThatOfEachClass(t *testing.T) {
	const n = 3
	b, v, key := nn.NewBuilder(), graph.Input("v", tensor.Float32, n, 2), keyed()
	u, logits := tinyM2.unlabelledBound(b, v, key, "style")
	nodes := []*graph.Node{u, logits}
	for k := range tinyM2.classes {
		y := make([]float32, n*3)
		for i := range n {
			y[3*i+k] = 1
		}
		nodes = append(nodes, tinyM2.labelledBound(tinyM2.posterior(b, v, graph.ConstOf(y, n, 3), key, "style")))
	}
	out := graphs(t, map[string]graph.Value{"v": {1, 2, -0.5, 0.3, 0, -2}, "key": keyOf(3)}, nodes...)
	for i := range n {
		total, want := 0.0, 0.0
		for k := range 3 {
			total += math.Exp(out[1][3*i+k])
		}
		for k := range 3 {
			q := math.Exp(out[1][3*i+k]) / total
			want += q * (out[2+k][i] + math.Log(q))
		}
		if !near(out[0][i], want, 1e-12) {
			t.Errorf("U of row %d is %v, by class %v", i, out[0][i], want)
		}
	}
}

// TestBoundAndEvidenceByIntegration compares with ln p(v) by numeric integration over z: the mean
// of U is above −ln p(v), and the mean of the exponentials of the estimates is p(v).
func TestBoundAndEvidenceByIntegration(t *testing.T) {
	point := graph.Value{0.7, -0.4}
	const steps, draws = 2001, 20_000
	var z, zero graph.Value
	for i := range steps {
		z = append(z, -6+12*float64(i)/(steps-1))
	}
	y := make([]*graph.Node, 3)
	var nodes []*graph.Node
	b, zs := nn.NewBuilder(), graph.Input("z", tensor.Float32, steps, 1)
	one := graph.BroadcastTo(graph.Input("v", tensor.Float32, 1, 2), steps, 2)
	for k := range y {
		row := make([]float32, 3)
		row[k] = 1
		y[k] = graph.BroadcastTo(graph.ConstOf(row, 1, 3), steps, 3)
		nodes = append(nodes, tinyM2.nll(one, tinyM2.generate(b, steps, zs, y[k], 2)))
	}
	p := 0.0
	for _, nll := range graphs(t, map[string]graph.Value{"z": z, "v": point}, nodes...) {
		for i, l := range nll {
			p += math.Exp(-l-z[i]*z[i]/2) / math.Sqrt(2*math.Pi) * 12 / (steps - 1) / 3
		}
	}
	zero = make(graph.Value, 0, 2*draws)
	for range draws {
		zero = append(zero, point...)
	}
	b = nn.NewBuilder()
	v, key := graph.Input("v", tensor.Float32, draws, 2), keyed()
	u, _ := tinyM2.unlabelledBound(b, v, key, "style")
	out := graphs(t, map[string]graph.Value{"v": zero, "key": keyOf(1)}, u, tinyM2.evidence(b, v, key, "other"))
	bound, estimate, square := 0.0, 0.0, 0.0
	for i := range draws {
		bound += out[0][i] / draws
		w := math.Exp(out[1][i])
		estimate += w / draws
		square += w * w / draws
	}
	if !(bound > -math.Log(p)+1e-3) || !(bound < -math.Log(p)+5) {
		t.Errorf("the bound is %v, −ln p(v) %v", bound, -math.Log(p))
	}
	if se := math.Sqrt((square - estimate*estimate) / draws); !(math.Abs(estimate-p) < 4*se) || !(se < 0.1*p) {
		t.Errorf("the estimates' mean is %v ± %v, p(v) %v", estimate, se, p)
	}
}

func TestOneHots(t *testing.T) {
	x := graph.Input("x", tensor.Float32, 4, 3)
	out := graphs(t, map[string]graph.Value{"x": {1, 3, 2, 5, 5, 4, -1, -1, -1, 0, 0, 7}}, argmaxOneHot(x))[0]
	for i, want := range []float64{0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1} {
		if out[i] != want {
			t.Fatalf("the largest are %v", out)
		}
	}
	const n = 30_000
	key := keyed()
	p := []float64{0.1, 0.6, 0.3}
	logits := graph.BroadcastTo(graph.ConstOf([]float32{float32(math.Log(0.1)), float32(math.Log(0.6)), float32(math.Log(0.3))}, 1, 3), n, 3)
	both := graphs(t, map[string]graph.Value{"key": keyOf(0)}, sampleOneHot(logits, key, "a"), uniformOneHot(key, "b", n, 3))
	for c, want := range [][]float64{p, {1. / 3, 1. / 3, 1. / 3}} {
		var share [3]float64
		for i := range n {
			sum := 0.0
			for k := range 3 {
				share[k] += both[c][3*i+k] / n
				sum += both[c][3*i+k]
			}
			if sum != 1 {
				t.Fatalf("draw %d is %v", i, both[c][3*i:3*i+3])
			}
		}
		for k := range 3 {
			if !near(share[k], want[k], 0.015) { // five standard errors
				t.Errorf("shares %v, want %v", share, want)
			}
		}
	}
	l, q := graph.Input("l", tensor.Float32, 3, 3), graph.Input("q", tensor.Float32, 3, 3)
	k := graphs(t, map[string]graph.Value{"l": {0, 1, 0, 0, 0, 0, 1, 0, 0}, "q": {.2, .5, .3, .1, .1, .8, .1, .1, .8}}, labelsOr(l, q), accuracy(q, l))
	for i, want := range []float64{0, 1, 0, .1, .1, .8, 1, 0, 0} {
		if k[0][i] != want {
			t.Fatalf("known labels are %v", k[0])
		}
	}
	if k[1][0] != 1 || k[1][1] != 0 || k[1][2] != 0 {
		t.Errorf("right are %v, want the first alone", k[1])
	}
}
