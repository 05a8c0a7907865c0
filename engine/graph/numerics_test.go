package graph_test

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// The stable forms stay finite and exact where the plain formulas overflow, in
// value and slope. Wanted values follow from e^±1000 = 0 or ∞ to float64.
func TestFarFromZero(t *testing.T) {
	a := x(4)
	v := []float64{-1000, 1000, -40, 40}
	grad := func(y *graph.Node) graph.Value { return at(t, graph.Grad(graph.Sum(y), a)[0], v...) }
	e := math.Exp(-40)
	near(t, "softplus", at(t, graph.Softplus(a), v...), 1e-30, 0, 1000, e, 40)
	near(t, "softplus's slope", grad(graph.Softplus(a)), 1e-30, 0, 1, e, 1)
	near(t, "sigmoid", at(t, graph.Sigmoid(a), v...), 1e-30, 0, 1, e, 1)
	near(t, "sigmoid's slope", grad(graph.Sigmoid(a)), 1e-16, 0, 0, e, 0)
	near(t, "tanh", at(t, graph.Tanh(a), v...), 1e-30, -1, 1, -1, 1)
	near(t, "tanh's slope", grad(graph.Tanh(a)), 1e-16, 0, 0, 0, 0)
	// −log of the Bernoulli likelihood of x = 1 and of x = 0, from logits.
	near(t, "−log p(1)", at(t, graph.Softplus(graph.Neg(a)), v...), 1e-30, 1000, 0, 40, e)
}

// NaN is never swallowed by a choice between two numbers, and infinities go through.
func TestNotFinite(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	a := x(4)
	zero := graph.Const(0)
	for name, y := range map[string]*graph.Node{
		"max(a, 0)": graph.Max(a, zero), "max(0, a)": graph.Max(zero, a), "min(a, 0)": graph.Min(a, zero), "min(0, a)": graph.Min(zero, a),
		"max over all": graph.ReduceMax(a), "sign": graph.Sign(a), "abs": graph.Abs(a), "softplus": graph.Softplus(a), "sigmoid": graph.Sigmoid(a),
	} {
		if got := at(t, y, nan, inf, -inf, 1); !math.IsNaN(got[0]) {
			t.Errorf("%s of NaN is %v", name, got[0])
		}
	}
	same(t, "relu", at(t, graph.ReLU(a), 3, inf, -inf, -1), 3, inf, 0, 0)
	same(t, "max", at(t, graph.ReduceMax(a), -inf, -inf, -inf, -inf), -inf)
	same(t, "greater", at(t, graph.Greater(a, zero), nan, inf, -inf, 0), 0, 1, 0, 0)
	same(t, "equal", at(t, graph.Equal(a, a), nan, inf, -inf, 0), 0, 1, 1, 1)
	// What is not chosen may be anything.
	same(t, "select", at(t, graph.Select(graph.ConstOf([]float32{0, 1, 1, 0}, 4), a, zero), nan, inf, -inf, nan), 0, inf, -inf, 0)
	same(t, "softplus of −∞", at(t, graph.Softplus(a), -inf, -inf, -inf, -inf), 0, 0, 0, 0)
}

// Interp leaves everything as it was on an error, and gives all results and
// updates the states as they were before the run.
func TestInterp(t *testing.T) {
	a, b := graph.State("a", 2), graph.State("b", 2)
	in := x(2)
	f, err := graph.NewFunc("swap", []*graph.Node{in},
		[]graph.Output{{Name: "sum", Value: graph.Add(graph.Add(a, b), in)}, {Name: "a", Value: a}},
		[]graph.Update{{State: a, Value: b}, {State: b, Value: a}})
	if err != nil {
		t.Fatal(err)
	}
	env := graph.Env{
		Inputs: map[string]graph.Value{"x": {100, 200}},
		States: map[string]graph.Value{"a": {1, 2}, "b": {10, 20}},
	}
	out, err := graph.Interp(f, env)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "sum", out[0], 111, 222)
	same(t, "a, as it was", out[1], 1, 2)
	same(t, "a", env.States["a"], 10, 20)
	same(t, "b", env.States["b"], 1, 2)

	env.Inputs["x"] = graph.Value{1}
	_, err = graph.Interp(f, env)
	if err == nil || err.Error() != `graph: swap: input "x": 1 elements given, want [2]` {
		t.Errorf("a short input gives %v", err)
	}
	delete(env.States, "b")
	env.Inputs["x"] = graph.Value{1, 2}
	_, err = graph.Interp(f, env)
	if err == nil || err.Error() != `graph: swap: state "b": 0 elements given, want [2]` {
		t.Errorf("a missing state gives %v", err)
	}
	same(t, "a, after errors", env.States["a"], 10, 20)
}

// Streams of other names, and of other keys, are other numbers; the same are the same.
func TestRandomStreams(t *testing.T) {
	key := graph.Input("x", tensor.Int32, 4)
	draw := func(stream string, words ...float64) float64 { return at(t, graph.Normal(key, stream, 3), words...)[0] }
	if draw("a", 1, 2, 3, 4) != draw("a", 1, 2, 3, 4) {
		t.Error("one key and stream, two numbers")
	}
	if draw("a", 1, 2, 3, 4) == draw("b", 1, 2, 3, 4) || draw("a", 1, 2, 3, 4) == draw("a", 1, 2, 3, 5) || draw("a", -1, 2, 3, 4) == draw("a", 1, 2, 3, 4) {
		t.Error("two streams or keys, one number")
	}
	for _, u := range at(t, graph.Uniform(key, "u", 1000), 1, 2, 3, 4) {
		if !(u >= 0 && u < 1) {
			t.Errorf("uniform gives %v", u)
		}
	}
}
