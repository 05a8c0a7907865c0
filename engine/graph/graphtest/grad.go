package graphtest

import (
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// An Operand is a point at which a graph is checked. It enters the graph as an
// input, or as a state if State is set. Only float32 operands are differentiated.
type Operand struct {
	Shape graph.Shape
	Value graph.Value
	DType tensor.DType
	State bool
}

// Of returns a vector of the given elements.
func Vector(v ...float64) Operand { return Operand{Shape: graph.Shape{len(v)}, Value: v} }

// Between returns an array of numbers uniform in [lo, hi), the same for the same key.
func Uniform(key rng.Key, lo, hi float64, shape ...int) Operand {
	u := make([]float32, graph.Shape(shape).Size())
	key.Uniform(u)
	v := make(graph.Value, len(u))
	for i := range v {
		v[i] = lo + (hi-lo)*float64(u[i])
	}
	return Operand{Shape: shape, Value: v}
}

// Apart returns an array of different numbers in random order, a tenth apart and
// around 0: the numbers first + (k − ⌊n/2⌋)/10. With first = 0.05 none is within
// 0.05 of 0, nor of another array's whose first is 0: comparisons, maxima and
// absolute values have no kink near.
func Distinct(key rng.Key, first float64, shape ...int) Operand {
	n := graph.Shape(shape).Size()
	v := make(graph.Value, n)
	for i, k := range key.Perm(n) {
		v[i] = first + float64(int(k)-n/2)/10
	}
	return Operand{Shape: shape, Value: v}
}

// Word returns the four words of a random key.
func KeyWords(key rng.Key) Operand {
	w := key.Words()
	return Operand{Shape: graph.Shape{4}, Value: graph.Value{float64(w[0]), float64(w[1]), float64(w[2]), float64(w[3])}, DType: tensor.Int32}
}

// step of the differences: the truncation error is of the order of step⁴, the
// rounding error of 2⁻⁵³/step.
const differenceStep = 1e-3

// CheckGrad compares graph.Grad of f at the given operands with central
// differences in float64. What f returns is made a scalar by random weights, and
// all operands move at once along one random direction, so the cost does not
// grow with their size; weights and directions are fixed, not drawn anew each
// run. Order 2 goes on to differentiate that directional derivative, along
// another direction, as a gradient penalty does; order k, k times.
//
// The operands must be farther from kinks of f than 0.01.
func CheckGrad(t testing.TB, f func(x ...*graph.Node) *graph.Node, at []Operand, order int) {
	t.Helper()
	p := newCheckedGraph(at)
	y := f(p.leaves...)
	loss := p.randomProjection("weights", y)
	for k := 1; k <= order; k++ {
		dirs := p.randomDirections(k)
		derivative, terms := graph.Const(0), graph.Const(0)
		for i, g := range graph.Grad(loss, p.differentiable()...) {
			if !g.Shape().Equal(p.differentiable()[i].Shape()) {
				t.Fatalf("order %d: the gradient in operand %d is %v, want %v", k, i, g.Shape(), p.differentiable()[i].Shape())
			}
			move := graph.Mul(g, roundedConst(dirs[i], g.Shape()))
			derivative = graph.Add(derivative, graph.Sum(move))
			terms = graph.Add(terms, graph.Sum(graph.Abs(move)))
		}
		v, err := p.eval(derivative, dirs, 0)
		if err != nil {
			t.Fatalf("order %d: %v", k, err)
		}
		var l [4]float64 // at −2, −1, 1 and 2 steps
		for i, m := range []float64{-2, -1, 1, 2} {
			if l[i], err = p.eval(loss, dirs, m*differenceStep); err != nil {
				t.Fatalf("order %d: %v", k, err)
			}
		}
		size, err := p.eval(terms, dirs, 0)
		if err != nil {
			t.Fatalf("order %d: %v", k, err)
		}
		want := (l[0] - 8*l[1] + 8*l[2] - l[3]) / (12 * differenceStep)
		tol := 1e-8*size + 1e-10*(math.Abs(l[0])+1)
		if d := math.Abs(v - want); !(d <= tol) {
			t.Errorf("order %d: the derivative is %.12g, central differences give %.12g ± %.2g", k, v, want, tol)
			return
		}
		loss = derivative
	}
}

// A placed graph has a leaf for each operand.
type checkedGraph struct {
	operands []Operand
	leaves   []*graph.Node
}

func newCheckedGraph(at []Operand) checkedGraph {
	p := checkedGraph{operands: at}
	for i, o := range at {
		if o.State {
			p.leaves = append(p.leaves, graph.State(fmt.Sprintf("x%d", i), o.Shape...))
		} else {
			p.leaves = append(p.leaves, graph.Input(fmt.Sprintf("x%d", i), o.DType, o.Shape...))
		}
	}
	return p
}

// float lists the leaves that are differentiated.
func (p checkedGraph) differentiable() []*graph.Node {
	var w []*graph.Node
	for _, x := range p.leaves {
		if x.DType() == tensor.Float32 {
			w = append(w, x)
		}
	}
	return w
}

// project returns a random linear form of y.
func (p checkedGraph) randomProjection(name string, y *graph.Node) *graph.Node {
	w := Uniform(rng.New(1).Split(name), 0.5, 1.5, y.Shape()...).Value
	for i := range w {
		w[i] *= float64(1 - 2*(i%2)) // of both signs, and none near 0
	}
	return graph.Sum(graph.Mul(y, roundedConst(w, y.Shape())))
}

// directions returns one array in [-1, 1) a leaf of float.
func (p checkedGraph) randomDirections(k int) []graph.Value {
	var d []graph.Value
	for i, x := range p.differentiable() {
		d = append(d, Uniform(rng.New(2).At(uint64(k)).At(uint64(i)), -1, 1, x.Shape()...).Value)
	}
	return d
}

// constOf rounds v, in place too: the graph and the differences use one direction.
func roundedConst(v graph.Value, shape graph.Shape) *graph.Node {
	data := make([]float32, len(v))
	for i, x := range v {
		data[i] = float32(x)
		v[i] = float64(data[i])
	}
	return graph.ConstOf(data, shape...)
}

// env returns the operands moved by dist along dirs, which may be nil.
func (p checkedGraph) env(dirs []graph.Value, dist float64) graph.Env {
	env := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	moved := 0
	for i, o := range p.operands {
		v := append(graph.Value{}, o.Value...)
		if o.DType == tensor.Float32 {
			if dirs != nil {
				for j := range v {
					v[j] += dist * dirs[moved][j]
				}
			}
			moved++
		}
		if o.State {
			env.States[p.leaves[i].Name()] = v
		} else {
			env.Inputs[p.leaves[i].Name()] = v
		}
	}
	return env
}

func (p checkedGraph) eval(y *graph.Node, dirs []graph.Value, dist float64) (float64, error) {
	f, err := graph.NewFunc("check", p.inputs(), []graph.Output{{Name: "y", Value: y}}, nil)
	if err != nil {
		return 0, err
	}
	out, err := graph.Interp(f, p.env(dirs, dist))
	if err != nil {
		return 0, err
	}
	return out[0][0], nil
}

func (p checkedGraph) inputs() []*graph.Node {
	var in []*graph.Node
	for i, o := range p.operands {
		if !o.State {
			in = append(in, p.leaves[i])
		}
	}
	return in
}
