package graph

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
)

// A Value holds the elements of a node in float64, in row-major order.
type Value []float64

// An Env holds the values of inputs and states by name.
type Env struct {
	Inputs, States map[string]Value
}

// Interp runs f in float64 with plain loops. It defines the meaning of every primitive and serves tests as the reference; it
// is slow. It returns the outputs in order and stores the updates in env.States. It returns an error, and changes nothing,
// if f is not well-formed or an input or state is missing or has another size.
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

// evalNode returns the value of n from those of its operands.
func evalNode(n *Node, vals map[*Node]Value, env Env) (Value, error) {
	switch n.op {
	case OpInput, OpState:
		values := env.Inputs
		if n.op == OpState {
			values = env.States
		}
		v, ok := values[n.attr.Name]
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

func evalConst(n *Node, _ []Value) Value { return toFloat64(n.attr.Data) }

func toFloat64(x []float32) Value {
	v := make(Value, len(x))
	for i, e := range x {
		v[i] = float64(e)
	}
	return v
}

// streamKey returns the random key of a uniform or normal node.
func streamKey(n *Node, in []Value) rng.Key {
	var w [4]int32
	for i := range w {
		w[i] = int32(in[0][i])
	}
	return rng.FromWords(w).Split(n.attr.Name)
}

func evalUniform(n *Node, in []Value) Value {
	x := make([]float32, n.shape.Size())
	streamKey(n, in).Uniform(x)
	return toFloat64(x)
}

func evalNormal(n *Node, in []Value) Value {
	x := make([]float32, n.shape.Size())
	streamKey(n, in).Normal(x)
	return toFloat64(x)
}

// evalUnary returns an eval that applies f to each element.
func evalUnary(f func(float64) float64) func(*Node, []Value) Value {
	return func(_ *Node, in []Value) Value {
		y := make(Value, len(in[0]))
		for i, x := range in[0] {
			y[i] = f(x)
		}
		return y
	}
}

// evalBinary returns an eval that applies f to each pair of elements.
func evalBinary(f func(a, b float64) float64) func(*Node, []Value) Value {
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

// maxNaN returns the larger of a and b, and NaN if one of them is NaN.
func maxNaN(a, b float64) float64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.NaN()
	}
	return max(a, b)
}

func boolToFloat(b bool) float64 {
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

// forEachIndex calls f with the flat index and the index of each element of an array of shape s.
func forEachIndex(s Shape, f func(flat int, ix []int)) {
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

// Strides returns the distance between neighbours along each axis of a row-major array of shape s.
func Strides(s Shape) []int {
	strides, step := make([]int, len(s)), 1
	for i := len(s) - 1; i >= 0; i-- {
		strides[i] = step
		step *= s[i]
	}
	return strides
}

// flatIndex returns the flat index of the element ix of an array with the given strides.
func flatIndex(ix, strides []int) int {
	n := 0
	for i, x := range ix {
		n += x * strides[i]
	}
	return n
}

func evalTranspose(n *Node, in []Value) Value {
	y, st := make(Value, len(in[0])), Strides(n.in[0].shape)
	moved := make([]int, len(st))
	for i, ax := range n.attr.Axes {
		moved[i] = st[ax]
	}
	forEachIndex(n.shape, func(flat int, ix []int) { y[flat] = in[0][flatIndex(ix, moved)] })
	return y
}

func evalBroadcast(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), BroadcastStrides(n.in[0].shape, n.shape)
	forEachIndex(n.shape, func(flat int, ix []int) { y[flat] = in[0][flatIndex(ix, st)] })
	return y
}

// BroadcastStrides returns the strides with which an array of shape from is read as an array of shape to: 0 along repeated
// axes.
func BroadcastStrides(from, to Shape) []int {
	strides, own, offset := make([]int, len(to)), Strides(from), len(to)-len(from)
	for i, d := range from {
		if d == to[offset+i] {
			strides[offset+i] = own[i]
		}
	}
	return strides
}

func evalPad(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), Strides(n.shape)
	forEachIndex(n.in[0].shape, func(flat int, ix []int) {
		index := 0
		for i, x := range ix {
			index += (n.attr.Lo[i] + x*(n.attr.Step[i]+1)) * st[i]
		}
		y[index] = in[0][flat]
	})
	return y
}

func evalSlice(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), Strides(n.in[0].shape)
	forEachIndex(n.shape, func(flat int, ix []int) {
		index := 0
		for i, x := range ix {
			index += (n.attr.Lo[i] + x*n.attr.Step[i]) * st[i]
		}
		y[flat] = in[0][index]
	})
	return y
}

func evalConcat(n *Node, in []Value) Value {
	y, ax := make(Value, 0, n.shape.Size()), n.attr.Axes[0]
	outer := n.shape[:ax].Size()
	for o := range outer {
		for i, x := range n.in {
			inner := x.shape[ax:].Size()
			y = append(y, in[i][o*inner:(o+1)*inner]...)
		}
	}
	return y
}

// reduceStrides returns the strides that map an index of an array of shape s to the flat index of its element in the
// reduction over axes.
func reduceStrides(s Shape, axes []int) []int {
	kept := s.Clone()
	for _, ax := range axes {
		kept[ax] = 1
	}
	return BroadcastStrides(kept, s)
}

func evalSum(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), reduceStrides(n.in[0].shape, n.attr.Axes)
	forEachIndex(n.in[0].shape, func(flat int, ix []int) { y[flatIndex(ix, st)] += in[0][flat] })
	return y
}

func evalReduceMax(n *Node, in []Value) Value {
	y, st := make(Value, n.shape.Size()), reduceStrides(n.in[0].shape, n.attr.Axes)
	for i := range y {
		y[i] = math.Inf(-1)
	}
	forEachIndex(n.in[0].shape, func(flat int, ix []int) {
		i := flatIndex(ix, st)
		y[i] = maxNaN(y[i], in[0][flat])
	})
	return y
}

func evalMatMul(n *Node, in []Value) Value {
	lead := len(n.shape) - 2
	a, b, s := n.in[0].shape[lead:], n.in[1].shape[lead:], n.shape[lead:]
	sai, sak, k := a[1], 1, a[1]
	if n.attr.TransA {
		sai, sak, k = 1, a[1], a[0]
	}
	sbk, sbj := b[1], 1
	if n.attr.TransB {
		sbk, sbj = 1, b[1]
	}
	y := make(Value, n.shape.Size())
	for q := range n.shape[:lead].Size() { // the matrices
		y, x, w := y[q*s.Size():], in[0][q*a.Size():], in[1][q*b.Size():]
		for i := range s[0] {
			for p := range k {
				for j := range s[1] {
					y[i*s[1]+j] += x[i*sai+p*sak] * w[p*sbk+j*sbj]
				}
			}
		}
	}
	return y
}
