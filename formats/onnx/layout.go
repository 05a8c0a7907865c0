package onnx

import (
	"fmt"
	"slices"
)

// Package graph lays images out as (B,H,W,C), and operators of ONNX want (N,C,H,W). So a convolution is lowered to a
// transpose, Conv, and a transpose back. This file asks a value for another order of its axes, and most values can be
// computed in that order at no cost: the transposes between two layers then vanish.

// The orders of axes.
var (
	toNCHW = []int{0, 3, 1, 2}
	toNHWC = []int{0, 2, 3, 1}
)

// layouts remembers the values in other orders that were made.
type layouts struct {
	made  map[string]*value
	costs map[string]bool
	id    map[*value]int
}

func newLayouts() *layouts {
	return &layouts{made: map[string]*value{}, costs: map[string]bool{}, id: map[*value]int{}}
}

// key identifies a value with an order of its axes.
func (l *layouts) key(v *value, perm []int) string {
	id, ok := l.id[v]
	if !ok {
		id = len(l.id)
		l.id[v] = id
	}
	return fmt.Sprint(id, perm)
}

func permuted[T any](s []T, perm []int) []T {
	out := make([]T, len(perm))
	for i, ax := range perm {
		out[i] = s[ax]
	}
	return out
}

// compose returns the order that a transpose by q after one by p makes.
func compose(p, q []int) []int { return permuted(p, q) }

func inverse(p []int) []int {
	q := make([]int, len(p))
	for i, ax := range p {
		q[ax] = i
	}
	return q
}

// keepsOrder reports whether a transpose moves only axes of length 1: it then moves no element.
func keepsOrder(shape []dim, perm []int) bool {
	last := -1
	for _, ax := range perm {
		if shape[ax] == (dim{n: 1}) {
			continue
		}
		if ax < last {
			return false
		}
		last = ax
	}
	return true
}

func isIdentity(perm []int) bool { return slices.IsSorted(perm) }

// withRank returns v with axes of length 1 in front, so that it has the rank r.
func (l *layouts) withRank(v *value, r int) *value {
	return l.reshape(v, append(slices.Repeat([]dim{{n: 1}}, r-len(v.shape)), v.shape...))
}

// transpose returns v with its axes in the order perm.
func (l *layouts) transpose(v *value, perm []int) *value {
	if isIdentity(perm) {
		return v
	}
	if v.op == "Transpose" {
		return l.transpose(v.in[0], compose(v.attr("perm"), perm))
	}
	key := l.key(v, perm)
	if m := l.made[key]; m != nil {
		return m
	}
	var m *value
	if l.isFree(v, perm) {
		m = l.reorder(v, perm)
	} else if keepsOrder(v.shape, perm) {
		m = l.reshape(v, permuted(v.shape, perm))
	} else {
		m = node("Transpose", permuted(v.shape, perm), []*value{v}, attrInts("perm", perm...))
		m.label = v.label
	}
	l.made[key] = m
	return m
}

// isElementwise reports whether v is computed element by element, in any order of axes.
func isElementwise(v *value) bool {
	switch v.op {
	case "Add", "Sub", "Mul", "Div", "Max", "Min", "Where", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Exp", "Log", "Softplus", "Neg", "Sqrt", "Abs", "Sign", "Greater", "Equal", "Cast":
		return true
	}
	return false
}

// isFree reports whether v can be computed in another order without moving its elements.
func (l *layouts) isFree(v *value, perm []int) bool {
	if len(v.shape) != len(perm) {
		return l.freeOperand(v, perm)
	}
	key := l.key(v, perm)
	if free, ok := l.costs[key]; ok {
		return free
	}
	free := false
	switch {
	case v.op == opConst:
		free = v.kind == float
	case v.op == "Transpose":
		free = isIdentity(compose(v.attr("perm"), perm))
	case isElementwise(v):
		free = !slices.ContainsFunc(v.in, func(x *value) bool { return !l.freeOperand(x, perm) })
	case v.op == "Concat":
		free = !slices.ContainsFunc(v.in, func(x *value) bool { return !l.isFree(x, perm) })
	case v.op == "Pad":
		free = l.isFree(v.in[0], perm)
	case v.op == "Reshape":
		free = perm[0] == 0 && rowsKept(v) && l.freeColumns(v.in[0])
	}
	l.costs[key] = free
	return free
}

// freeOperand reports what isFree does, of an operand that may have fewer axes, or fewer elements, than the result.
func (l *layouts) freeOperand(v *value, perm []int) bool {
	if v.op == opConst {
		return v.kind == float
	}
	if len(v.shape) > len(perm) {
		return false
	}
	if len(v.shape) < len(perm) {
		return keepsOrder(append(slices.Repeat([]dim{{n: 1}}, len(perm)-len(v.shape)), v.shape...), perm)
	}
	return l.isFree(v, perm)
}

// reorder returns v, for which isFree holds, in another order.
func (l *layouts) reorder(v *value, perm []int) *value {
	switch {
	case v.isConst():
		shape, _ := sizes(v.shape)
		return constant(v.name, transposedData(v.data, shape, perm), permuted(shape, perm)...)
	case v.op == "Transpose":
		return v.in[0]
	case v.op == "Reshape":
		shape, _ := sizes(v.shape[1:])
		order := make([]float32, size(shape)) // the old place of each column
		for i := range order {
			order[i] = float32(i)
		}
		axes := make([]int, len(shape))
		for i, ax := range perm[1:] {
			axes[i] = ax - 1
		}
		columns := make([]int, len(order))
		for i, c := range transposedData(order, shape, axes) {
			columns[i] = int(c)
		}
		return l.reshape(l.pickColumns(v.in[0], columns), permuted(v.shape, perm))
	}
	m := *v
	m.shape, m.in = permuted(v.shape, perm), nil
	for i, x := range v.in {
		switch {
		case v.op == "Pad" && i == 1:
			r := len(perm)
			m.in = append(m.in, integers(append(permuted(x.ints[:r], perm), permuted(x.ints[r:], perm)...)...))
		case v.op == "Pad" && i > 1, len(x.shape) == 0, x.isConst() && len(x.data) == 1:
			m.in = append(m.in, x)
		default:
			m.in = append(m.in, l.transpose(l.withRank(x, len(perm)), perm))
		}
	}
	if v.op == "Concat" {
		m.attrs = []attribute{attrInt("axis", inverse(perm)[v.attrs[0].i])}
	}
	return &m
}

// rowsKept reports whether a reshape of a matrix keeps its rows, and has a shape after them that is known.
func rowsKept(v *value) bool {
	if len(v.shape) == 0 {
		return false
	}
	_, known := sizes(v.shape[1:])
	return known && len(v.in[0].shape) == 2 && v.in[0].shape[0] == v.shape[0]
}

// freeColumns reports whether the columns of a matrix can be computed in another order: those of a product with a
// constant.
func (l *layouts) freeColumns(v *value) bool {
	switch {
	case v.op == opConst:
		return v.kind == float
	case v.op == "MatMul" || v.op == "Gemm":
		return isDense(v)
	case isElementwise(v) && len(v.shape) == 2:
		return !slices.ContainsFunc(v.in, func(x *value) bool { return !l.freeColumns(x) })
	}
	return false
}

// isDense reports whether v is a product with a constant matrix (K,N), plus a constant.
func isDense(v *value) bool {
	return (v.op == "MatMul" || v.op == "Gemm" && len(v.attrs) == 0) && v.in[1].isConst() && len(v.in[1].shape) == 2 && len(v.shape) == 2
}

// pickColumns returns a matrix, for which freeColumns holds, with its columns in another order: column i is columns[i].
func (l *layouts) pickColumns(v *value, columns []int) *value {
	if v.op == opConst {
		shape, _ := sizes(v.shape)
		if len(shape) == 0 || shape[len(shape)-1] == 1 {
			return v
		}
		data, n := make([]float32, 0, len(v.data)), len(columns)
		for row := 0; row < len(v.data); row += n {
			for _, c := range columns {
				data = append(data, v.data[row+c])
			}
		}
		return constant(v.name, data, shape...)
	}
	key := l.key(v, columns)
	if m := l.made[key]; m != nil {
		return m
	}
	m := *v
	m.in = slices.Clone(v.in)
	for i, x := range v.in {
		if i > 0 || !isDense(v) {
			m.in[i] = l.pickColumns(x, columns)
		}
	}
	l.made[key] = &m
	return &m
}

// reshape returns v with another shape of as many elements.
func (l *layouts) reshape(v *value, shape []dim) *value {
	switch {
	case slices.Equal(v.shape, shape):
		return v
	case v.isConst():
		s, _ := sizes(shape)
		return constant(v.name, v.data, s...)
	case v.op == "Reshape":
		return l.reshape(v.in[0], shape)
	}
	m := node("Reshape", shape, []*value{v})
	m.label = v.label
	return m
}

// flattened returns an order of the axes of v, a batch of images that is flattened to rows, in which it costs nothing: its
// rows are then in another order. It returns nil if v is as good as it is.
func (l *layouts) flattened(v *value) []int {
	if len(v.shape) != 4 || keepsOrder(v.shape, toNCHW) || !l.isFree(v, toNCHW) {
		return nil
	}
	return toNCHW
}
