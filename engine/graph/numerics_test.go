package graph_test

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Softplus, sigmoid and tanh are exact for large operands, where the plain formulas overflow, and so are their gradients.
// The wanted values follow from e^±1000 = 0 or ∞ in float64.
func TestStableForms(t *testing.T) {
	a := inputX(4)
	v := []float64{-1000, 1000, -40, 40}
	grad := func(y *graph.Node) graph.Value { return evalAt(t, graph.Grad(graph.Sum(y), a)[0], v...) }
	e := math.Exp(-40)
	wantNear(t, "softplus", evalAt(t, graph.Softplus(a), v...), 1e-30, 0, 1000, e, 40)
	wantNear(t, "gradient of softplus", grad(graph.Softplus(a)), 1e-30, 0, 1, e, 1)
	wantNear(t, "sigmoid", evalAt(t, graph.Sigmoid(a), v...), 1e-30, 0, 1, e, 1)
	wantNear(t, "gradient of sigmoid", grad(graph.Sigmoid(a)), 1e-16, 0, 0, e, 0)
	wantNear(t, "tanh", evalAt(t, graph.Tanh(a), v...), 1e-30, -1, 1, -1, 1)
	wantNear(t, "gradient of tanh", grad(graph.Tanh(a)), 1e-16, 0, 0, 0, 0)
	// The Bernoulli NLL of x = 1, from logits.
	wantNear(t, "−log p(1)", evalAt(t, graph.Softplus(graph.Neg(a)), v...), 1e-30, 1000, 0, 40, e)
}

// The larger or smaller of two numbers is NaN if one of them is NaN. Infinities are ordinary numbers.
func TestNonFiniteOperands(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	a := inputX(4)
	zero := graph.Const(0)
	for name, y := range map[string]*graph.Node{
		"max(a, 0)": graph.Max(a, zero), "max(0, a)": graph.Max(zero, a), "min(a, 0)": graph.Min(a, zero), "min(0, a)": graph.Min(zero, a),
		"max over all": graph.ReduceMax(a), "sign": graph.Sign(a), "abs": graph.Abs(a), "softplus": graph.Softplus(a), "sigmoid": graph.Sigmoid(a),
	} {
		if got := evalAt(t, y, nan, inf, -inf, 1); !math.IsNaN(got[0]) {
			t.Errorf("%s of NaN is %v", name, got[0])
		}
	}
	wantEqual(t, "relu", evalAt(t, graph.ReLU(a), 3, inf, -inf, -1), 3, inf, 0, 0)
	wantEqual(t, "max", evalAt(t, graph.ReduceMax(a), -inf, -inf, -inf, -inf), -inf)
	wantEqual(t, "greater", evalAt(t, graph.Greater(a, zero), nan, inf, -inf, 0), 0, 1, 0, 0)
	wantEqual(t, "equal", evalAt(t, graph.Equal(a, a), nan, inf, -inf, 0), 0, 1, 1, 1)
	// The operand that is not selected may be NaN.
	wantEqual(t, "select", evalAt(t, graph.Select(graph.ConstOf([]float32{0, 1, 1, 0}, 4), a, zero), nan, inf, -inf, nan), 0, inf, -inf, 0)
	wantEqual(t, "softplus of −∞", evalAt(t, graph.Softplus(a), -inf, -inf, -inf, -inf), 0, 0, 0, 0)
}

// Interp computes all outputs and updates from the states before the run, and changes nothing if it returns an error.
func TestInterp(t *testing.T) {
	a, b := graph.State("a", 2), graph.State("b", 2)
	in := inputX(2)
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
	wantEqual(t, "sum", out[0], 111, 222)
	wantEqual(t, "a, as it was", out[1], 1, 2)
	wantEqual(t, "a", env.States["a"], 10, 20)
	wantEqual(t, "b", env.States["b"], 1, 2)

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
	wantEqual(t, "a, after errors", env.States["a"], 10, 20)
}

// Equal keys and stream names give equal numbers; other keys or names give other numbers.
func TestRandomStreams(t *testing.T) {
	key := graph.Input("x", tensor.Int32, 4)
	draw := func(stream string, words ...float64) float64 {
		return evalAt(t, graph.Normal(key, stream, 3), words...)[0]
	}
	if draw("a", 1, 2, 3, 4) != draw("a", 1, 2, 3, 4) {
		t.Error("the same key and stream give different numbers")
	}
	if draw("a", 1, 2, 3, 4) == draw("b", 1, 2, 3, 4) || draw("a", 1, 2, 3, 4) == draw("a", 1, 2, 3, 5) || draw("a", -1, 2, 3, 4) == draw("a", 1, 2, 3, 4) {
		t.Error("different streams or keys give the same number")
	}
	for _, u := range evalAt(t, graph.Uniform(key, "u", 1000), 1, 2, 3, 4) {
		if !(u >= 0 && u < 1) {
			t.Errorf("uniform gives %v", u)
		}
	}
}
