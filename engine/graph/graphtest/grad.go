package graphtest

import (
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// An Operand is the value of one operand of the function that CheckGrad differentiates. Gradients are taken with respect
// to float32 operands only.
type Operand struct {
	Shape graph.Shape
	Value graph.Value
	DType tensor.DType // the zero value is float32
	State bool         // whether the operand is a state of the graph; otherwise it is an input
}

// Vector returns an operand that is a vector with the given elements.
func Vector(v ...float64) Operand { return Operand{Shape: graph.Shape{len(v)}, Value: v} }

// Uniform returns an array of random numbers from the uniform distribution on [lo, hi). They depend on the key alone.
func Uniform(key rng.Key, lo, hi float64, shape ...int) Operand {
	u := make([]float32, graph.Shape(shape).Size())
	key.Uniform(u)
	v := make(graph.Value, len(u))
	for i := range v {
		v[i] = lo + (hi-lo)*float64(u[i])
	}
	return Operand{Shape: shape, Value: v}
}

// Distinct returns an array of n distinct numbers around 0 in random order, first + (k − ⌊n/2⌋)/10 for k = 0 … n−1. Their
// distances are at least 0.1. With first = 0.05 none is closer than 0.05 to 0, nor to a number of an array with first = 0.
// Use such arrays for functions with comparisons, maxima and absolute values, which have kinks at equal operands or at 0.
func Distinct(key rng.Key, first float64, shape ...int) Operand {
	n := graph.Shape(shape).Size()
	v := make(graph.Value, n)
	for i, k := range key.Perm(n) {
		v[i] = first + float64(int(k)-n/2)/10
	}
	return Operand{Shape: shape, Value: v}
}

// KeyWords returns an operand that is a random key: its four words, as int32[4].
func KeyWords(key rng.Key) Operand {
	w := key.Words()
	return Operand{Shape: graph.Shape{4}, Value: graph.Value{float64(w[0]), float64(w[1]), float64(w[2]), float64(w[3])}, DType: tensor.Int32}
}

// differenceStep is the step of the central differences. Their truncation error is proportional to step⁴, and their
// rounding error to 2⁻⁵³/step.
const differenceStep = 1e-3

// CheckGrad compares the gradient of f at the given operands, by graph.Grad, with central differences in float64, and fails
// t if they differ. A random linear form makes a scalar of the result of f. All operands move at once along one random
// direction, so the cost does not grow with their size. The linear form and the directions are the same in each run. With
// order 2, CheckGrad also differentiates this directional derivative along another direction, as a gradient penalty does;
// with order k it differentiates k times.
//
// f must be smooth within 0.01 of the operands.
func CheckGrad(t testing.TB, f func(x ...*graph.Node) *graph.Node, operands []Operand, order int) {
	t.Helper()
	p := newCheckedGraph(operands)
	y := f(p.leaves...)
	loss := p.randomProjection("weights", y)
	for k := 1; k <= order; k++ {
		directions := p.randomDirections(k)
		derivative, terms := graph.Const(0), graph.Const(0)
		for i, g := range graph.Grad(loss, p.differentiable()...) {
			if !g.Shape().Equal(p.differentiable()[i].Shape()) {
				t.Fatalf("order %d: the gradient in operand %d is %v, want %v", k, i, g.Shape(), p.differentiable()[i].Shape())
			}
			term := graph.Mul(g, roundedConst(directions[i], g.Shape()))
			derivative = graph.Add(derivative, graph.Sum(term))
			terms = graph.Add(terms, graph.Sum(graph.Abs(term)))
		}
		v, err := p.eval(derivative, directions, 0)
		if err != nil {
			t.Fatalf("order %d: %v", k, err)
		}
		var l [4]float64 // the loss at −2, −1, 1 and 2 steps
		for i, m := range []float64{-2, -1, 1, 2} {
			if l[i], err = p.eval(loss, directions, m*differenceStep); err != nil {
				t.Fatalf("order %d: %v", k, err)
			}
		}
		size, err := p.eval(terms, directions, 0)
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

// A checkedGraph has an input or a state for each operand of a function: its leaves.
type checkedGraph struct {
	operands []Operand
	leaves   []*graph.Node
}

func newCheckedGraph(operands []Operand) checkedGraph {
	p := checkedGraph{operands: operands}
	for i, o := range operands {
		if o.State {
			p.leaves = append(p.leaves, graph.State(fmt.Sprintf("x%d", i), o.Shape...))
		} else {
			p.leaves = append(p.leaves, graph.Input(fmt.Sprintf("x%d", i), o.DType, o.Shape...))
		}
	}
	return p
}

// differentiable returns the float32 leaves.
func (p checkedGraph) differentiable() []*graph.Node {
	var w []*graph.Node
	for _, x := range p.leaves {
		if x.DType() == tensor.Float32 {
			w = append(w, x)
		}
	}
	return w
}

// randomProjection returns a random linear form of y. Its weights depend on name.
func (p checkedGraph) randomProjection(name string, y *graph.Node) *graph.Node {
	w := Uniform(rng.New(1).Split(name), 0.5, 1.5, y.Shape()...).Value
	for i := range w {
		w[i] *= float64(1 - 2*(i%2)) // they have both signs, and none is near 0
	}
	return graph.Sum(graph.Mul(y, roundedConst(w, y.Shape())))
}

// randomDirections returns an array of numbers in [-1, 1) for each leaf of differentiable. They depend on k.
func (p checkedGraph) randomDirections(k int) []graph.Value {
	var d []graph.Value
	for i, x := range p.differentiable() {
		d = append(d, Uniform(rng.New(2).At(uint64(k)).At(uint64(i)), -1, 1, x.Shape()...).Value)
	}
	return d
}

// roundedConst returns v as a constant, and rounds v to float32, so that the graph and the differences use one direction.
func roundedConst(v graph.Value, shape graph.Shape) *graph.Node {
	data := make([]float32, len(v))
	for i, x := range v {
		data[i] = float32(x)
		v[i] = float64(data[i])
	}
	return graph.ConstOf(data, shape...)
}

// env returns the operands plus distance times directions, which may be nil.
func (p checkedGraph) env(directions []graph.Value, distance float64) graph.Env {
	env := graph.Env{Inputs: map[string]graph.Value{}, States: map[string]graph.Value{}}
	next := 0 // the index of the next differentiable leaf
	for i, o := range p.operands {
		v := append(graph.Value{}, o.Value...)
		if o.DType == tensor.Float32 {
			if directions != nil {
				for j := range v {
					v[j] += distance * directions[next][j]
				}
			}
			next++
		}
		if o.State {
			env.States[p.leaves[i].Name()] = v
		} else {
			env.Inputs[p.leaves[i].Name()] = v
		}
	}
	return env
}

// eval returns the scalar y at the operands plus distance times directions.
func (p checkedGraph) eval(y *graph.Node, directions []graph.Value, distance float64) (float64, error) {
	f, err := graph.NewFunc("check", p.inputs(), []graph.Output{{Name: "y", Value: y}}, nil)
	if err != nil {
		return 0, err
	}
	out, err := graph.Interp(f, p.env(directions, distance))
	if err != nil {
		return 0, err
	}
	return out[0][0], nil
}

// inputs returns the leaves that are inputs.
func (p checkedGraph) inputs() []*graph.Node {
	var in []*graph.Node
	for i, o := range p.operands {
		if !o.State {
			in = append(in, p.leaves[i])
		}
	}
	return in
}
