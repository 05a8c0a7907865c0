package graph_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/tensor"
)

// The gradients of every primitive are right to second order.
func TestSweep(t *testing.T) { graphtest.Sweep(t) }

func inputX(shape ...int) *graph.Node { return graph.Input("x", tensor.Float32, shape...) }

// evalAt returns the value of y where the input x has the elements v.
func evalAt(t *testing.T, y *graph.Node, v ...float64) graph.Value {
	t.Helper()
	f := &graph.Func{Name: "at", Outputs: []graph.Output{{Name: "y", Value: y}}}
	for _, n := range f.Nodes() {
		if n.Op() == graph.OpInput {
			f.Inputs = append(f.Inputs, n)
		}
	}
	out, err := graph.Interp(f, graph.Env{Inputs: map[string]graph.Value{"x": v}})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// wantEqual fails t unless got equals want exactly.
func wantEqual(t *testing.T, what string, got graph.Value, want ...float64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestGradOfFanOut(t *testing.T) {
	a := inputX(2)
	b := graph.Mul(a, a)                                           // a²
	loss := graph.Sum(graph.Add(graph.Mul(b, a), b))               // a³ + a²
	g := graph.Grad(loss, a, b, loss)                              // 3a² + 2a; a + 1; 1
	wantEqual(t, "d/da of a³ + a²", evalAt(t, g[0], 2, -1), 16, 1) // 12 + 4, 3 − 2
	wantEqual(t, "d/db of ba + b", evalAt(t, g[1], 2, -1), 3, 0)
	wantEqual(t, "d loss/d loss", evalAt(t, g[2]), 1)
}

// A node that the loss does not depend on has the gradient 0, in the shape of the node.
func TestGradOfUnused(t *testing.T) {
	a, b := inputX(2), graph.State("b", 3, 2)
	g := graph.Grad(graph.Sum(a), b)[0]
	if !g.Shape().Equal(graph.Shape{3, 2}) {
		t.Errorf("the gradient has shape %v, want [3,2]", g.Shape())
	}
	wantEqual(t, "the gradient", evalAt(t, g), 0, 0, 0, 0, 0, 0)
}

func TestGradOfRandomKey(t *testing.T) {
	key := graph.Input("x", tensor.Int32, 4)
	g := graph.Grad(graph.Sum(graph.Normal(key, "n", 3)), key)[0]
	wantEqual(t, "the gradient in the key", evalAt(t, g, 1, 2, 3, 4), 0, 0, 0, 0)
}

func TestGradOfNonScalar(t *testing.T) {
	var shape *graph.ShapeError
	err := graph.Try(func() { graph.Grad(inputX(1), inputX(1)) })
	if !errors.As(err, &shape) || err.Error() != "graph: grad([1]): the loss is not a scalar; sum it or take its mean" {
		t.Errorf("got %v", err)
	}
}

func TestStopGradient(t *testing.T) {
	a := inputX(2)
	y := graph.Mul(a, graph.StopGradient(graph.Exp(a)))
	wantEqual(t, "d/da of a·stop(exp a)", evalAt(t, graph.Grad(graph.Sum(y), a)[0], 0, 1), 1, math.E)
	stopped := graph.Grad(graph.Sum(graph.StopGradient(a)), a)[0]
	wantEqual(t, "d/da of stop(a)", evalAt(t, stopped, 0, 1), 0, 0)
}

// The gradients at kinks, where finite differences do not decide: for equal operands of Max and Min the gradient goes to
// the second one, equal maxima of ReduceMax share it, and that of Abs at 0 is 0.
func TestGradAtKinks(t *testing.T) {
	a := inputX(3)
	b := graph.ConstOf([]float32{0, 1, 0}, 3)
	grad := func(y *graph.Node, v ...float64) graph.Value {
		t.Helper()
		return evalAt(t, graph.Grad(graph.Sum(y), a)[0], v...)
	}
	wantEqual(t, "relu", grad(graph.ReLU(a), -1, 0, 2), 0, 0, 1)
	wantEqual(t, "max(a, b)", grad(graph.Max(a, b), 0, 1, 3), 0, 0, 1)
	wantEqual(t, "max(b, a)", grad(graph.Max(b, a), 0, 1, -3), 1, 1, 0)
	wantEqual(t, "min(a, b)", grad(graph.Min(a, b), 0, 0, 3), 0, 1, 0)
	wantEqual(t, "min(b, a)", grad(graph.Min(b, a), 0, 2, -3), 1, 0, 1)
	wantEqual(t, "abs", grad(graph.Abs(a), -2, 0, 2), -1, 0, 1)
	wantEqual(t, "leaky relu", grad(graph.LeakyReLU(a, 0.25), -2, 0, 2), 0.25, 0.25, 1)
	wantEqual(t, "reduce max", grad(graph.ReduceMax(a), 5, 5, 2), 0.5, 0.5, 0)
	wantEqual(t, "reduce max of equals", grad(graph.Scale(graph.ReduceMax(a), 3), 1, 1, 1), 1, 1, 1)
}

// A gradient has the label of its layer with "(gradient)", and the nodes of the layer keep their labels.
func TestGradLabels(t *testing.T) {
	a := inputX(2)
	y := graph.Tag(graph.Exp(graph.StopGradient(a)), "hidden")
	graph.Tag(graph.Neg(y), "out")
	if a.Label() != "hidden" || y.Label() != "hidden" {
		t.Errorf("labels are %q and %q, want hidden: the second layer must not change them", a.Label(), y.Label())
	}
	w := graph.State("w", 2)
	y = graph.Tag(graph.Mul(graph.Exp(w), y), "scale")
	g := graph.Grad(graph.Sum(y), w)[0]
	if g.Label() != "scale (gradient)" || w.Label() != "scale" {
		t.Errorf("gradient labelled %q, its parameter %q", g.Label(), w.Label())
	}
}
