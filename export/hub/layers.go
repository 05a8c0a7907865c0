package hub

import (
	_ "embed" // load.py
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// loader is load.py. It reads safetensors, which is a header of JSON and then the numbers, and computes the lines of layers.json
// by operators of ATen, the tensor library below PyTorch: the data name operators and values, and have no code.
//
//go:embed load.py
var loader []byte

// A translator writes a graph as lines of layers.json: each has the name of a value, an operator of ATen, and its operands.
// A string is the name of an input, a weight or an earlier value; anything else is itself.
type translator struct {
	larger map[*graph.Node]*graph.Node // the same node in the graph of one item more
	names  map[*graph.Node]string
	given  map[*graph.Node]string // the names that results must have
	read   map[*graph.Node]bool   // the constants that a line reads
	lines  []string
	count  int
}

// layers returns the lines of a network. It fails where a graph has what is not written: random draws, and gradients.
func layers(build model.Function) ([]string, error) {
	const few = 2 // items of the first graph
	f, err := simplified(build, few)
	if err != nil {
		return nil, err
	}
	g, err := simplified(build, few+1)
	if err != nil {
		return nil, err
	}
	a, b := f.Nodes(), g.Nodes()
	if len(a) != len(b) {
		return nil, errBatch
	}
	tr := &translator{larger: map[*graph.Node]*graph.Node{}, names: map[*graph.Node]string{}, given: map[*graph.Node]string{}, read: map[*graph.Node]bool{}}
	for i, n := range a {
		if n.Op() != b[i].Op() || len(n.Shape()) != len(b[i].Shape()) {
			return nil, errBatch
		}
		tr.larger[n] = b[i]
		for _, x := range n.In() {
			if n.Op() != graph.OpBroadcast && !(n.Op() == graph.OpMax && isZero(x)) { // a relu
				tr.read[unrepeated(x)] = true
			}
		}
	}
	for _, o := range f.Outputs {
		tr.given[o.Value] = o.Name
	}
	for _, n := range a {
		if err := tr.node(n); err != nil {
			return nil, err
		}
	}
	for _, o := range f.Outputs {
		if o.Value.Op() == graph.OpBroadcast {
			return nil, fmt.Errorf("its %s is a repeated value, which is not written for PyTorch", o.Name)
		}
		if tr.names[o.Value] != o.Name { // an input, a weight, or the same as another result
			tr.emit(o.Name, "clone", tr.names[o.Value])
		}
	}
	return tr.lines, nil
}

// errBatch is why a network is not written whose graphs of 2 and 3 items differ in more than lengths.
var errBatch = errors.New("its graph depends on the number of items")

func simplified(build model.Function, batch int) (*graph.Func, error) {
	f, err := build(batch)
	if err != nil {
		return nil, err
	}
	return graph.Simplify(f), nil
}

// emit adds a line and returns the name of its value: name, or a new one without it.
func (tr *translator) emit(name, operator string, operands ...any) string {
	if name == "" {
		tr.count++
		name = "h" + strconv.Itoa(tr.count)
	}
	line, err := json.Marshal(slices.Concat([]any{name, operator}, operands))
	if err != nil {
		panic(err) // operands are strings, numbers and lists of integers
	}
	tr.lines = append(tr.lines, string(line))
	return name
}

// node writes a node whose operands have been written.
func (tr *translator) node(n *graph.Node) error {
	in, a := n.In(), n.Attr()
	switch op := n.Op(); op {
	case graph.OpInput, graph.OpState:
		tr.names[n] = n.Name()
		return nil
	case graph.OpStop, graph.OpBroadcast: // operators repeat the axes of their operands by themselves
		tr.names[n] = tr.names[in[0]]
		return nil
	case graph.OpConst:
		if tr.read[n] || tr.given[n] != "" {
			return tr.constant(n)
		}
		return nil
	case graph.OpGreater, graph.OpEqual: // 1 or 0
		return tr.result(n, "mul", tr.emit("", operators[op], tr.names[in[0]], tr.names[in[1]]), json.Number("1.0"))
	case graph.OpSelect:
		return tr.result(n, "where", tr.emit("", "ne", tr.names[in[0]], 0), tr.names[in[1]], tr.names[in[2]])
	case graph.OpMax:
		for i := range in {
			if isZero(in[i]) {
				return tr.result(n, "relu", tr.names[in[1-i]])
			}
		}
	case graph.OpReshape:
		return tr.result(n, operators[op], tr.names[in[0]], tr.dims(n))
	case graph.OpTranspose, graph.OpSum, graph.OpReduceMax:
		return tr.result(n, operators[op], tr.names[in[0]], a.Axes)
	case graph.OpPad:
		if slices.ContainsFunc(a.Step, func(v int) bool { return v != 0 }) {
			return unwritten(n)
		}
		return tr.result(n, "constant_pad_nd", tr.names[in[0]], pads(a.Lo, a.Hi))
	case graph.OpSlice:
		return tr.slice(n)
	case graph.OpConcat:
		return tr.concat(n)
	case graph.OpMatMul:
		x, y := tr.names[in[0]], tr.names[in[1]]
		if a.TransA {
			x = tr.emit("", "transpose", x, -2, -1)
		}
		if a.TransB {
			y = tr.emit("", "transpose", y, -2, -1)
		}
		return tr.result(n, "matmul", x, y)
	case graph.OpConv2D, graph.OpConv2DInputGrad:
		return tr.convolution(n)
	}
	if operators[n.Op()] == "" {
		return unwritten(n)
	}
	var operands []any
	for _, x := range in {
		operands = append(operands, tr.names[x])
	}
	return tr.result(n, operators[n.Op()], operands...)
}

// unwritten returns the error of a node that has no operator.
func unwritten(n *graph.Node) error {
	return fmt.Errorf("its graph has %s, which is not written for PyTorch", n.Op())
}

// operators are those of ATen that compute what a primitive does. https://pytorch.org/docs/stable/torch.compiler_ir.html
// describes them.
var operators = map[graph.Op]string{
	graph.OpNeg: "neg", graph.OpExp: "exp", graph.OpLog: "log", graph.OpTanh: "tanh", graph.OpSigmoid: "sigmoid", graph.OpSoftplus: "softplus", graph.OpSqrt: "sqrt",
	graph.OpAbs: "abs", graph.OpSign: "sign", graph.OpMax: "maximum", graph.OpMin: "minimum", graph.OpAdd: "add", graph.OpSub: "sub", graph.OpMul: "mul", graph.OpDiv: "div",
	graph.OpGreater: "gt", graph.OpEqual: "eq", graph.OpReshape: "reshape", graph.OpTranspose: "permute", graph.OpSum: "sum", graph.OpReduceMax: "amax",
}

// result writes the line that computes n. It fails where another operator than those that repeat axes needs a repeated value,
// and where repeating those of the operands does not give the shape of n.
func (tr *translator) result(n *graph.Node, operator string, operands ...any) error {
	elementwise, shape := slices.Contains(repeating, n.Op()), make(graph.Shape, len(n.Shape()))
	for _, x := range n.In() {
		repeated := false
		for x.Op() == graph.OpStop || x.Op() == graph.OpBroadcast {
			repeated = repeated || x.Op() == graph.OpBroadcast
			x = x.In()[0]
		}
		if repeated && !elementwise {
			return fmt.Errorf("its graph repeats a value for %s, which is not written for PyTorch", n.Op())
		}
		for i, d := range x.Shape() {
			if at := len(shape) - len(x.Shape()) + i; elementwise && at >= 0 {
				shape[at] = max(shape[at], d)
			}
		}
	}
	if elementwise && !shape.Equal(n.Shape()) {
		return fmt.Errorf("its graph has %s of values repeated to %v, which is not written for PyTorch", n.Op(), n.Shape())
	}
	tr.names[n] = tr.emit(tr.given[n], operator, operands...)
	return nil
}

// repeating are the primitives whose operators repeat the axes of their operands.
var repeating = []graph.Op{graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpDiv, graph.OpMax, graph.OpMin, graph.OpGreater, graph.OpEqual, graph.OpSelect}

// pads returns zeros before and after each axis as PyTorch takes them, the last axis first. Negative ones cut.
func pads(lo, hi []int) []int {
	var out []int
	for i := len(lo) - 1; i >= 0; i-- {
		out = append(out, lo[i], hi[i])
	}
	return out
}

// convolution writes a convolution: imago has channels last, PyTorch first. The zeros that pad the large image come before a
// convolution, and after a transposed one they are cut.
func (tr *translator) convolution(n *graph.Node) error {
	in, c := n.In(), n.Attr().Conv
	large, small, operator := in[0].Shape(), n.Shape(), "conv2d"
	if n.Op() == graph.OpConv2DInputGrad {
		large, small, operator = small, large, "conv_transpose2d"
	}
	lo, hi := make([]int, 2), make([]int, 2)
	for axis := range 2 {
		window := in[1].Shape()[axis]
		_, before, _ := c.Window(axis, large[axis+1], window)
		lo[axis], hi[axis] = before, (small[axis+1]-1)*c.Stride[axis]+window-before-large[axis+1]
	}
	padded := slices.ContainsFunc(slices.Concat(lo, hi), func(v int) bool { return v != 0 })
	x, w := tr.emit("", "permute", tr.names[in[0]], []int{0, 3, 1, 2}), tr.emit("", "permute", tr.names[in[1]], []int{3, 2, 0, 1})
	if padded && n.Op() == graph.OpConv2D {
		x = tr.emit("", "constant_pad_nd", x, pads(lo, hi))
	}
	y := tr.emit("", operator, x, w, nil, c.Stride[:])
	if padded && n.Op() == graph.OpConv2DInputGrad {
		for axis := range 2 {
			lo[axis], hi[axis] = -lo[axis], -hi[axis]
		}
		y = tr.emit("", "constant_pad_nd", y, pads(lo, hi))
	}
	return tr.result(n, "permute", y, []int{0, 2, 3, 1})
}

// concat writes values one after the other: each with zeros in the place of the others, added. The operator that joins values
// takes a list of them, and a line of load.py less is worth more.
func (tr *translator) concat(n *graph.Node) error {
	axis, at, sum := n.Attr().Axes[0], 0, ""
	for i, x := range n.In() {
		lo, hi := make([]int, len(n.Shape())), make([]int, len(n.Shape()))
		lo[axis] = at
		at += x.Shape()[axis]
		hi[axis] = n.Shape()[axis] - at
		part := tr.emit("", "constant_pad_nd", tr.names[x], pads(lo, hi))
		switch last := len(n.In()) - 1; {
		case i == 0:
			sum = part
		case i < last:
			sum = tr.emit("", "add", sum, part)
		default:
			return tr.result(n, "add", sum, part)
		}
	}
	return tr.result(n, "clone", sum)
}

// dims returns the lengths of the axes of a node, of which that of the items is -1.
func (tr *translator) dims(n *graph.Node) []int {
	out := slices.Clone([]int(n.Shape()))
	for i, d := range tr.larger[n].Shape() {
		if d != out[i] {
			out[i] = -1
		}
	}
	return out
}

// slice writes a slice, which takes the whole of what depends on the number of items.
func (tr *translator) slice(n *graph.Node) error {
	a, of, larger := n.Attr(), n.In()[0].Shape(), tr.larger[n].Attr()
	name := tr.names[n.In()[0]]
	for i := range a.Lo {
		if a.Lo[i] == 0 && a.Hi[i] == of[i] && a.Step[i] == 1 {
			continue
		}
		if a.Lo[i] != larger.Lo[i] || a.Hi[i] != larger.Hi[i] {
			return fmt.Errorf("its graph takes a part of the items")
		}
		name = tr.emit("", "slice", name, i, a.Lo[i], a.Hi[i], a.Step[i])
	}
	return tr.result(n, "alias", name)
}

// isZero reports whether n is the constant 0, however often repeated.
func isZero(n *graph.Node) bool {
	n = unrepeated(n)
	return n.Op() == graph.OpConst && len(n.Attr().Data) == 1 && n.Attr().Data[0] == 0
}

// unrepeated returns the value that n repeats.
func unrepeated(n *graph.Node) *graph.Node {
	for n.Op() == graph.OpBroadcast {
		n = n.In()[0]
	}
	return n
}

// constant writes a constant: one number, or several that are evenly spaced, as the numbers of classes.
func (tr *translator) constant(n *graph.Node) error {
	data := n.Attr().Data
	first, last, span := data[0], data[len(data)-1], float64(len(data)-1)
	for i, v := range data {
		even := float64(first)
		if i > 0 {
			even += float64(last-first) * float64(i) / span
		}
		if !(v == first && i == 0 || math.Abs(float64(v)-even) <= 1e-6*math.Abs(float64(last-first))) {
			return fmt.Errorf("its graph has a constant of %d numbers that are not evenly spaced, which is not written for PyTorch", len(data))
		}
	}
	if len(data) == 1 {
		tr.names[n] = tr.emit(tr.given[n], "scalar_tensor", decimal(first))
		return nil
	}
	return tr.result(n, "reshape", tr.emit("", "linspace", decimal(first), decimal(last), len(data)), n.Shape())
}

// decimal returns the shortest decimal of a number. JSON has no infinity, and Python reads one out of a number too large.
func decimal(v float32) json.Number {
	text := strconv.FormatFloat(float64(v), 'g', -1, 32)
	return json.Number(strings.TrimPrefix(strings.Replace(text, "Inf", "1e999", 1), "+"))
}
