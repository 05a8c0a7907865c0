package onnx

import (
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// A writeFunc returns the value of a node whose operands are in, and whose shape is shape.
type writeFunc func(l *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error)

// operators say how each primitive is written that is no leaf.
var operators = map[graph.Op]writeFunc{
	graph.OpNeg: same("Neg"), graph.OpExp: same("Exp"), graph.OpLog: same("Log"), graph.OpTanh: same("Tanh"),
	graph.OpSigmoid: same("Sigmoid"), graph.OpSoftplus: same("Softplus"), graph.OpSqrt: same("Sqrt"), graph.OpAbs: same("Abs"),
	graph.OpSign: same("Sign"), graph.OpStop: identity,
	graph.OpAdd: same("Add"), graph.OpSub: same("Sub"), graph.OpMul: same("Mul"), graph.OpDiv: same("Div"),
	graph.OpMax: maximum, graph.OpMin: same("Min"),
	graph.OpGreater: comparison("Greater"), graph.OpEqual: comparison("Equal"), graph.OpSelect: selection,
	graph.OpReshape: reshape, graph.OpTranspose: transpose, graph.OpBroadcast: broadcast,
	graph.OpPad: pad, graph.OpSlice: slice, graph.OpConcat: concat,
	graph.OpGather: gather, graph.OpScatterAdd: scatterAdd,
	graph.OpSum: reduction("ReduceSum"), graph.OpReduceMax: reduction("ReduceMax"),
	graph.OpMatMul: matMul, graph.OpConv2D: conv, graph.OpConv2DInputGrad: convTranspose, graph.OpConv2DFilterGrad: filterGradient,
}

// same writes a primitive as the operator of the same meaning.
func same(op string) writeFunc {
	return func(_ *lowerer, _ *graph.Node, in []*value, shape []dim) (*value, error) {
		return elementwise(op, float, shape, in), nil
	}
}

func identity(_ *lowerer, _ *graph.Node, in []*value, _ []dim) (*value, error) { return in[0], nil }

// maximum writes max(x, 0) as Relu.
func maximum(_ *lowerer, _ *graph.Node, in []*value, shape []dim) (*value, error) {
	for i, x := range in {
		if source(x).isScalar(0) && slices.Equal(in[1-i].shape, shape) {
			return elementwise("Relu", float, shape, []*value{in[1-i]}), nil
		}
	}
	return elementwise("Max", float, shape, in), nil
}

// source returns what is repeated, if v is repeated, and v if not.
func source(v *value) *value {
	if v.op == "Expand" {
		return v.in[0]
	}
	return v
}

// comparison writes a comparison, whose numbers are 0 and 1.
func comparison(op string) writeFunc {
	return func(_ *lowerer, _ *graph.Node, in []*value, shape []dim) (*value, error) {
		return cast(elementwise(op, boolean, shape, in)), nil
	}
}

// selection writes select(x > 0, x, slope·x) as LeakyRelu, and others as Where.
func selection(_ *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	cond := in[0]
	if c := n.In()[0]; c.Op() == graph.OpGreater && c.In()[0] == n.In()[1] && isConstant(c.In()[1], 0) {
		for i, product := 0, n.In()[2]; i < 2 && product.Op() == graph.OpMul; i++ {
			if slope := source(in[2].operand(i)); product.In()[1-i] == n.In()[1] && slope.isConst() && len(slope.data) == 1 {
				return elementwise("LeakyRelu", float, shape, in[1:2], attrFloat("alpha", slope.data[0])), nil
			}
		}
	}
	switch {
	case cond.isCast():
		cond = cond.in[0]
	default: // what is not 0 is true
		cond = elementwise("Cast", boolean, cond.shape, []*value{cond}, attrInt("to", typeBool))
	}
	return elementwise("Where", float, shape, []*value{cond, in[1], in[2]}), nil
}

// operand returns an operand of v, or v itself if it has not so many.
func (v *value) operand(i int) *value {
	if i < len(v.in) {
		return v.in[i]
	}
	return v
}

// isConstant reports whether a node is the number v, perhaps repeated.
func isConstant(n *graph.Node, v float32) bool {
	if n.Op() == graph.OpBroadcast {
		n = n.In()[0]
	}
	return n.Op() == graph.OpConst && len(n.Attr().Data) == 1 && n.Attr().Data[0] == v
}

func reshape(l *lowerer, _ *graph.Node, in []*value, shape []dim) (*value, error) {
	return l.reshape(in[0], shape), nil
}

func transpose(l *lowerer, n *graph.Node, in []*value, _ []dim) (*value, error) {
	return l.transpose(in[0], n.Attr().Axes), nil
}

func broadcast(_ *lowerer, _ *graph.Node, in []*value, shape []dim) (*value, error) {
	return node("Expand", shape, in), nil
}

// pad writes zeros around and between elements. For those between, each element gets an axis of its own, which is padded.
func pad(l *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	x, a := in[0], n.Attr()
	for axis, between := range a.Step {
		if between == 0 {
			continue
		}
		wide := slices.Insert(slices.Clone(x.shape), axis+1, dim{n: 1})
		hi := make([]int, len(wide))
		hi[axis+1] = between
		x = zeros(l.reshape(x, wide), make([]int, len(wide)), hi)
		flat := slices.Clone(in[0].shape)
		copy(flat, x.shape[:axis])
		flat[axis] = dim{x.shape[axis].n * (between + 1), x.shape[axis].batch}
		copy(flat[axis+1:], x.shape[axis+2:])
		short := slices.Clone(flat)
		if short[axis].batch {
			return nil, unsupported("%s: zeros between the items of a batch", where(n))
		}
		short[axis].n -= between
		x = sliced(l.reshape(x, flat), short, []int{0}, []int{-between}, []int{axis}, []int{1})
	}
	if slices.Max(append([]int{0}, append(slices.Clone(a.Lo), a.Hi...)...)) == 0 {
		return x, nil
	}
	padded := zeros(x, a.Lo, a.Hi)
	for i := range shape {
		if shape[i].batch && a.Lo[i]+a.Hi[i] > 0 {
			return nil, unsupported("%s: items added to a batch", where(n))
		}
	}
	return padded, nil
}

// zeros returns v with zeros before and after.
func zeros(v *value, lo, hi []int) *value {
	shape := slices.Clone(v.shape)
	for i := range shape {
		shape[i].n += lo[i] + hi[i]
	}
	return node("Pad", shape, []*value{v, toIntegers(append(slices.Clone(lo), hi...))})
}

// sliced returns a part of v.
func sliced(v *value, shape []dim, lo, hi, axes, step []int) *value {
	return node("Slice", shape, []*value{v, toIntegers(lo), toIntegers(hi), toIntegers(axes), toIntegers(step)})
}

func slice(l *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	var lo, hi, axes, step []int
	a, other := n.Attr(), l.pairs[n].Attr()
	if !slices.Equal(a.Lo, other.Lo) || !slices.Equal(a.Step, other.Step) {
		return nil, unsupported("%s: a slice whose place depends on the batch", where(n))
	}
	for i, d := range n.In()[0].Shape() {
		end := a.Hi[i]
		switch {
		case a.Lo[i] == 0 && end == d && a.Step[i] == 1:
			continue
		case end == d && in[0].shape[i].batch:
			end = math.MaxInt32
		case end != other.Hi[i]:
			return nil, unsupported("%s: a slice whose end depends on the batch", where(n))
		}
		lo, hi, axes, step = append(lo, a.Lo[i]), append(hi, end), append(axes, i), append(step, a.Step[i])
	}
	if len(axes) == 0 {
		return in[0], nil
	}
	return sliced(in[0], shape, lo, hi, axes, step), nil
}

func concat(_ *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	return node("Concat", shape, in, attrInt("axis", n.Attr().Axes[0])), nil
}

// reduction writes a sum or a maximum over axes, in the order of axes in which the operand costs nothing.
func reduction(op string) writeFunc {
	return func(l *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
		x, axes := in[0], n.Attr().Axes
		if len(axes) == 0 {
			return x, nil
		}
		if perm := l.flattened(x); perm != nil {
			var left, moved []int
			for i, ax := range perm {
				if slices.Contains(axes, ax) {
					moved = append(moved, i)
				} else {
					left = append(left, ax)
				}
			}
			if slices.IsSorted(left) {
				x, axes = l.transpose(x, perm), moved
			}
		}
		if op == "ReduceSum" { // its axes are an operand since version 13, those of ReduceMax since 18
			return node(op, shape, []*value{x, toIntegers(axes)}, attrInt("keepdims", 0)), nil
		}
		return node(op, shape, []*value{x}, attrInts("axes", axes...), attrInt("keepdims", 0)), nil
	}
}

// gather writes a look-up in a table with one more row, of zeros, which an id that is no row takes.
func gather(_ *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	table, ids := in[0], in[1]
	rows := table.shape[0]
	if rows.batch {
		return nil, unsupported("%s: a table whose rows are the items of a batch", where(n))
	}
	row := &value{op: opConst, kind: integer, shape: ids.shape}
	if ids.isConst() {
		for _, id := range ids.data {
			if !(id >= 0 && id < float32(rows.n) && id == float32(int(id))) {
				id = float32(rows.n)
			}
			row.ints = append(row.ints, int64(id))
		}
	} else {
		compared := func(op string, a, b *value) *value {
			return elementwise(op, boolean, ids.shape, []*value{a, b})
		}
		number := func(v int) *value { return constant("", []float32{float32(v)}) }
		inside := compared("And", compared("Greater", ids, number(-1)), compared("Greater", number(rows.n), ids))
		inside = compared("And", inside, compared("Equal", ids, node("Floor", ids.shape, []*value{ids})))
		row = node("Cast", ids.shape, []*value{node("Where", ids.shape, []*value{inside, ids, number(rows.n)})}, attrInt("to", typeInt64))
		row.kind = integer
	}
	after := make([]int, len(table.shape))
	after[0] = 1
	return node("Gather", shape, []*value{zeros(table, make([]int, len(after)), after), row}, attrInt("axis", 0)), nil
}

// scatterAdd writes a sum of rows by their ids as a product: of what is 1 where a row of the table has the id, and the rows.
func scatterAdd(l *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	x, ids := in[0], in[1]
	if shape[0].batch {
		return nil, unsupported("%s: a table whose rows are the items of a batch", where(n))
	}
	numbers := make([]float32, shape[0].n)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	one, count, width := dim{n: 1}, product(ids.shape), product(shape[1:])
	hit := cast(elementwise("Equal", boolean, []dim{shape[0], count}, []*value{constant("", numbers, len(numbers), 1), l.reshape(ids, []dim{one, count})}))
	sums := node("MatMul", []dim{shape[0], width}, []*value{hit, l.reshape(x, []dim{count, width})})
	return l.reshape(sums, shape), nil
}

// product returns the number of elements of a shape, which has one axis at most that depends on the batch.
func product(shape []dim) dim {
	all := dim{n: 1}
	for _, d := range shape {
		all = dim{all.n * d.n, all.batch || d.batch}
	}
	return all
}

// matMul writes a product. A constant factor is stored as (K,N). Rows that are flattened images may be in the order of the
// convolution that made them; the constant is then too.
func matMul(l *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	a, b, ta, tb := in[0], in[1], n.Attr().TransA, n.Attr().TransB
	if a.isConst() && ta && len(shape) == 2 {
		a, ta = l.transpose(a, []int{1, 0}), false
	}
	if b.isConst() && tb && len(shape) == 2 {
		b, tb = l.transpose(b, []int{1, 0}), false
	}
	if a.op == "Reshape" && b.isConst() && !ta && len(shape) == 2 && len(a.in[0].shape) == 4 && a.in[0].shape[0] == a.shape[0] {
		images := a.in[0]
		if perm := l.flattened(images); perm != nil {
			each, ok := sizes(images.shape[1:])
			if ok {
				outputs := b.shape[1].n
				data := transposedData(b.data, append(each, outputs), []int{2, 0, 1, 3})
				a, b = l.reshape(l.transpose(images, perm), a.shape), constant(b.name, data, b.shape[0].n, outputs)
			}
		}
	}
	if r := len(shape); (ta || tb) && r > 2 {
		swap := make([]int, r)
		for i := range swap {
			swap[i] = i
		}
		swap[r-2], swap[r-1] = r-1, r-2
		if ta {
			a = l.transpose(a, swap)
		}
		if tb {
			b = l.transpose(b, swap)
		}
		ta, tb = false, false
	}
	if ta || tb {
		flag := map[bool]int{true: 1}
		return node("Gemm", shape, []*value{a, b}, attrInt("transA", flag[ta]), attrInt("transB", flag[tb])), nil
	}
	return node("MatMul", shape, []*value{a, b}), nil
}
