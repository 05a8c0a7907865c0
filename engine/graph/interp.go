package graph

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
)

// A Value is the elements of a node in float64, row major.
type Value []float64

// An Env gives inputs and states their values, by name.
type Env struct {
	Inputs, States map[string]Value
}

// Interp runs f in float64 with plain loops. It is the meaning of every
// primitive and the oracle of every test; it is slow. It returns the outputs in
// order and writes the updates to env.States, none of it on an error.
func Interp(f *Func, env Env) ([]Value, error) {
	if err := Verify(f); err != nil {
		return nil, err
	}
	vals := map[*Node]Value{}
	for _, n := range f.Nodes() {
		v, err := evalNode(n, vals, env)
		if err != nil {
			return nil, fmt.Errorf("graph: %s: %w", f.Name, err)
		}
		vals[n] = v
	}
	out := make([]Value, len(f.Outputs))
	for i, o := range f.Outputs {
		out[i] = vals[o.Value]
	}
	for _, u := range f.Updates {
		env.States[u.State.attr.Name] = slices.Clone(vals[u.Value])
	}
	return out, nil
}

func evalNode(n *Node, vals map[*Node]Value, env Env) (Value, error) {
	switch n.op {
	case OpInput, OpState:
		from := env.Inputs
		if n.op == OpState {
			from = env.States
		}
		v, ok := from[n.attr.Name]
		if !ok || len(v) != n.shape.Size() {
			return nil, fmt.Errorf("%v %q: %d elements given, want %v", n.op, n.attr.Name, len(v), n.shape)
		}
		return v, nil
	}
	in := make([]Value, len(n.in))
	for i, x := range n.in {
		in[i] = vals[x]
	}
	return ops[n.op].eval(n, in), nil
}

func evalConst(n *Node, _ []Value) Value { return widen(n.attr.Data) }

func widen(x []float32) Value {
	v := make(Value, len(x))
	for i, e := range x {
		v[i] = float64(e)
	}
	return v
}

func keyOf(n *Node, in []Value) rng.Key {
	var w [4]int32
	for i := range w {
		w[i] = int32(in[0][i])
	}
	return rng.FromWords(w).Split(n.attr.Name)
}

func evalUniform(n *Node, in []Value) Value {
	x := make([]float32, n.shape.Size())
	keyOf(n, in).Uniform(x)
	return widen(x)
}

func evalNormal(n *Node, in []Value) Value {
	x := make([]float32, n.shape.Size())
	keyOf(n, in).Normal(x)
	return widen(x)
}

func unary(f func(float64) float64) func(*Node, []Value) Value {
	return func(_ *Node, in []Value) Value {
		y := make(Value, len(in[0]))
		for i, x := range in[0] {
			y[i] = f(x)
		}
		return y
	}
}

func binary(f func(a, b float64) float64) func(*Node, []Value) Value {
	return func(_ *Node, in []Value) Value {
		y := make(Value, len(in[0]))
		for i, x := range in[0] {
			y[i] = f(x, in[1][i])
		}
		return y
	}
}

func sigmoid(x float64) float64 {
	if x < 0 { // e⁻ˣ would overflow
		return math.Exp(x) / (1 + math.Exp(x))
	}
	return 1 / (1 + math.Exp(-x))
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0 or NaN
}

func maxNaN(a, b float64) float64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.NaN()
	}
	return max(a, b)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func evalSelect(_ *Node, in []Value) Value {
	y := slices.Clone(in[2])
	for i, c := range in[0] {
		if c != 0 {
			y[i] = in[1][i]
		}
	}
	return y
}

// eachIndex calls f with the flat place and the index of every element of s.
func eachIndex(s Shape, f func(flat int, ix []int)) {
	ix := make([]int, len(s))
	for flat := range s.Size() {
		f(flat, ix)
		for i := len(s) - 1; i >= 0; i-- {
			if ix[i]++; ix[i] < s[i] {
				break
			}
			ix[i] = 0
		}
	}
}

// Strides returns the row-major steps between neighbours along each axis.
func Strides(s Shape) []int {
	st, step := make([]int, len(s)), 1
	for i := len(s) - 1; i >= 0; i-- {
		st[i] = step
		step *= s[i]
	}
	return st
}

func dot(ix, st []int) int {
	n := 0
	for i, x := range ix {
		n += x * st[i]
	}
	return n
}

func evalTranspose(n *Node, in []Value) Value {
	y, st := make(Value, len(in[0])), Strides(n.in[0].shape)
	moved := make([]int, len(st))
	for i, ax := range n.attr.Axes {
		moved[i] = st[ax]
	}
	eachIndex(n.shape, func(flat int, ix []int) { y[flat] = in[0][dot(ix, moved)] })
	return y
}

func evalBroadcast(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), BroadcastStrides(n.in[0].shape, n.shape)
	eachIndex(n.shape, func(flat int, ix []int) { y[flat] = in[0][dot(ix, st)] })
	return y
}

// BroadcastStrides returns the steps through an operand of shape from as it is
// repeated to shape to: 0 along repeated axes.
func BroadcastStrides(from, to Shape) []int {
	st, own, off := make([]int, len(to)), Strides(from), len(to)-len(from)
	for i, d := range from {
		if d == to[off+i] {
			st[off+i] = own[i]
		}
	}
	return st
}

func evalPad(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), Strides(n.shape)
	eachIndex(n.in[0].shape, func(flat int, ix []int) {
		at := 0
		for i, x := range ix {
			at += (n.attr.Lo[i] + x*(n.attr.Step[i]+1)) * st[i]
		}
		y[at] = in[0][flat]
	})
	return y
}

func evalSlice(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), Strides(n.in[0].shape)
	eachIndex(n.shape, func(flat int, ix []int) {
		at := 0
		for i, x := range ix {
			at += (n.attr.Lo[i] + x*n.attr.Step[i]) * st[i]
		}
		y[flat] = in[0][at]
	})
	return y
}

func evalConcat(n *Node, in []Value) Value {
	y, ax := make(Value, 0, n.shape.Size()), n.attr.Axes[0]
	outer := n.shape[:ax].Size()
	for o := range outer {
		for i, x := range n.in {
			run := x.shape[ax:].Size()
			y = append(y, in[i][o*run:(o+1)*run]...)
		}
	}
	return y
}

// reduceStrides maps an index of s to the flat place of its reduction over axes.
func reduceStrides(s Shape, axes []int) []int {
	kept := s.Clone()
	for _, ax := range axes {
		kept[ax] = 1
	}
	return BroadcastStrides(kept, s)
}

func evalSum(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), reduceStrides(n.in[0].shape, n.attr.Axes)
	eachIndex(n.in[0].shape, func(flat int, ix []int) { y[dot(ix, st)] += in[0][flat] })
	return y
}

func evalReduceMax(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), reduceStrides(n.in[0].shape, n.attr.Axes)
	for i := range y {
		y[i] = math.Inf(-1)
	}
	eachIndex(n.in[0].shape, func(flat int, ix []int) {
		at := dot(ix, st)
		y[at] = maxNaN(y[at], in[0][flat])
	})
	return y
}

func evalMatMul(n *Node, in []Value) Value {
	a, b := n.in[0].shape, n.in[1].shape
	sai, sak, k := a[1], 1, a[1]
	if n.attr.TransA {
		sai, sak, k = 1, a[1], a[0]
	}
	sbk, sbj := b[1], 1
	if n.attr.TransB {
		sbk, sbj = 1, b[1]
	}
	y := make(Value, n.shape.Size())
	for i := range n.shape[0] {
		for p := range k {
			for j := range n.shape[1] {
				y[i*n.shape[1]+j] += in[0][i*sai+p*sak] * in[1][p*sbk+j*sbj]
			}
		}
	}
	return y
}
