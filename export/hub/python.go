package hub

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// head begins the file of Python: it reads safetensors, which is a header of JSON and the numbers, and has no code.
const head = `import json, struct, torch
`

// headOfF is what follows if a function of it is used.
const headOfF = `import torch.nn.functional as F
`

// loadHelper is what follows.
const loadHelper = `
def load(path="model.safetensors"):
    b = open(path, "rb").read()
    at = 8 + struct.unpack("<Q", b[:8])[0]
    tensors = {k: v for k, v in json.loads(b[8:at]).items() if k != "__metadata__"}
    return {k: torch.frombuffer(bytearray(b[at + v["data_offsets"][0]:at + v["data_offsets"][1]]), dtype=torch.float32).view(v["shape"]) for k, v in tensors.items()}
`

// The helpers of images: imago has channels last, PyTorch first.
const (
	convHelper = `
def conv(x, w, stride, pad):
    return F.conv2d(F.pad(x.permute(0, 3, 1, 2), pad), w.permute(3, 2, 0, 1), stride=stride).permute(0, 2, 3, 1)
`
	convTransposeHelper = `
def conv_transpose(x, w, stride, pad):
    return F.pad(F.conv_transpose2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), stride=stride), pad).permute(0, 2, 3, 1)
`
)

// longest is about how long a line of Python becomes before a value gets a name.
const longest = 100

// A translator writes a graph as Python.
type translator struct {
	larger map[*graph.Node]*graph.Node // the same node in the graph of one item more
	uses   map[*graph.Node]int
	names  map[*graph.Node]string // of values that have one
	text   map[*graph.Node]string // of values that are written where they are used
	lines  []string
	count  int
	batch  string // the number of items
	params map[string]bool
	helped map[string]bool
}

// function returns a network as a function of Python and the parameters that it reads. It fails where a graph has what is
// not written: random draws, and gradients.
func function(name, about string, build model.Function, tr *translator) (string, error) {
	const few = 2 // items of the first graph
	f, err := simplified(build, few)
	if err != nil {
		return "", err
	}
	g, err := simplified(build, few+1)
	if err != nil {
		return "", err
	}
	a, b := f.Nodes(), g.Nodes()
	if len(a) != len(b) {
		return "", fmt.Errorf("its graph depends on the number of items")
	}
	*tr = translator{larger: map[*graph.Node]*graph.Node{}, uses: map[*graph.Node]int{}, names: map[*graph.Node]string{}, text: map[*graph.Node]string{}, params: tr.params, helped: tr.helped}
	for i, n := range a {
		if n.Op() != b[i].Op() || len(n.Shape()) != len(b[i].Shape()) {
			return "", fmt.Errorf("its graph depends on the number of items")
		}
		tr.larger[n] = b[i]
		for _, in := range n.In() {
			tr.uses[in]++
		}
	}
	var inputs, results []string
	for _, in := range f.Inputs {
		inputs = append(inputs, in.Name())
		if tr.batch == "" && in.Shape()[0] == few {
			tr.batch = "len(" + in.Name() + ")"
		}
	}
	if tr.batch == "" {
		return "", fmt.Errorf("no input of it has the number of items")
	}
	for _, n := range a {
		if err := tr.node(n); err != nil {
			return "", err
		}
	}
	for _, o := range f.Outputs {
		results = append(results, tr.use(o.Value))
	}
	lines := append(tr.lines, "return "+strings.Join(results, ", "))
	return fmt.Sprintf("\ndef %s(w, %s):  # %s\n    %s\n", name, strings.Join(inputs, ", "), about, strings.Join(lines, "\n    ")), nil
}

func simplified(build model.Function, batch int) (*graph.Func, error) {
	f, err := build(batch)
	if err != nil {
		return nil, err
	}
	return graph.Simplify(f), nil
}

// use returns the Python of a value that has been translated.
func (tr *translator) use(n *graph.Node) string {
	if name := tr.names[n]; name != "" {
		return name
	}
	return tr.text[n]
}

// node translates a node whose operands have been translated.
func (tr *translator) node(n *graph.Node) error {
	text, err := tr.expression(n)
	if err != nil {
		return err
	}
	if leaf := len(n.In()) == 0 || n.Op() == graph.OpBroadcast; !leaf && (tr.uses[n] > 1 || len(text) > longest) {
		tr.count++
		name := "h" + strconv.Itoa(tr.count)
		tr.lines = append(tr.lines, name+" = "+bare(text))
		tr.names[n] = name
		return nil
	}
	tr.text[n] = text
	return nil
}

// bare returns text without parentheses around the whole of it.
func bare(text string) string {
	if !strings.HasPrefix(text, "(") || !strings.HasSuffix(text, ")") {
		return text
	}
	depth := 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && i < len(text)-1 {
			return text
		}
	}
	return text[1 : len(text)-1]
}

// calls are functions of Python of one value, or of several.
var calls = map[graph.Op]string{
	graph.OpExp: "torch.exp", graph.OpLog: "torch.log", graph.OpTanh: "torch.tanh", graph.OpSigmoid: "torch.sigmoid", graph.OpSoftplus: "F.softplus", graph.OpSqrt: "torch.sqrt",
	graph.OpAbs: "torch.abs", graph.OpSign: "torch.sign", graph.OpMax: "torch.maximum", graph.OpMin: "torch.minimum",
}

// signs are operations between two values.
var signs = map[graph.Op]string{graph.OpAdd: "+", graph.OpSub: "-", graph.OpMul: "*", graph.OpDiv: "/", graph.OpGreater: ">", graph.OpEqual: "=="}

// expression returns the Python of a node.
func (tr *translator) expression(n *graph.Node) (string, error) {
	in := n.In()
	operand := func(i int) string { return tr.use(in[i]) }
	a := n.Attr()
	switch op := n.Op(); op {
	case graph.OpInput:
		return n.Name(), nil
	case graph.OpState:
		tr.params[n.Name()] = true
		return fmt.Sprintf("w[%q]", n.Name()), nil
	case graph.OpConst:
		return constant(n), nil
	case graph.OpStop:
		return operand(0), nil
	case graph.OpNeg:
		return "(-" + operand(0) + ")", nil
	case graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpDiv:
		return fmt.Sprintf("(%s %s %s)", tr.aligned(in[0]), signs[op], tr.aligned(in[1])), nil
	case graph.OpGreater, graph.OpEqual: // 1 or 0
		return tr.compared(n) + ".float()", nil
	case graph.OpSelect:
		condition := "(" + tr.use(in[0]) + " != 0)"
		if o := in[0].Op(); tr.names[in[0]] == "" && (o == graph.OpGreater || o == graph.OpEqual) {
			condition = tr.compared(in[0])
		}
		return fmt.Sprintf("torch.where(%s, %s, %s)", bare(condition), tr.use(in[1]), tr.use(in[2])), nil
	case graph.OpMax, graph.OpMin:
		for i := range in {
			if v, ok := number(in[i]); ok {
				if op == graph.OpMax && v == 0 {
					return "torch.relu(" + bare(tr.use(in[1-i])) + ")", nil
				}
				bound := map[graph.Op]string{graph.OpMax: "min", graph.OpMin: "max"}[op]
				return fmt.Sprintf("%s.clamp(%s=%s)", tr.use(in[1-i]), bound, decimal(v)), nil
			}
		}
		return fmt.Sprintf("%s(%s, %s)", calls[op], tr.aligned(in[0]), tr.aligned(in[1])), nil
	case graph.OpExp, graph.OpLog, graph.OpTanh, graph.OpSigmoid, graph.OpSoftplus, graph.OpSqrt, graph.OpAbs, graph.OpSign:
		return calls[op] + "(" + bare(operand(0)) + ")", nil
	case graph.OpReshape:
		return fmt.Sprintf("%s.reshape(%s)", operand(0), strings.Join(tr.dims(n, true), ", ")), nil
	case graph.OpTranspose:
		return fmt.Sprintf("%s.permute(%s)", operand(0), join(a.Axes)), nil
	case graph.OpBroadcast:
		if v, ok := number(n); ok {
			return fmt.Sprintf("torch.full((%s,), %s)", strings.Join(tr.dims(n, false), ", "), decimal(v)), nil
		}
		return fmt.Sprintf("%s.expand(%s)", operand(0), strings.Join(tr.dims(n, false), ", ")), nil
	case graph.OpPad:
		if slices.ContainsFunc(a.Step, func(v int) bool { return v != 0 }) {
			break
		}
		var pads []int
		for i := len(a.Lo) - 1; i >= 0; i-- {
			pads = append(pads, a.Lo[i], a.Hi[i])
		}
		return fmt.Sprintf("F.pad(%s, (%s))", bare(operand(0)), join(pads)), nil
	case graph.OpSlice:
		return tr.slice(n)
	case graph.OpConcat:
		var parts []string
		for i := range in {
			parts = append(parts, bare(tr.use(in[i])))
		}
		return fmt.Sprintf("torch.cat((%s), %d)", strings.Join(parts, ", "), a.Axes[0]), nil
	case graph.OpSum:
		return fmt.Sprintf("%s.sum((%s,))", operand(0), join(a.Axes)), nil
	case graph.OpReduceMax:
		return fmt.Sprintf("%s.amax((%s,))", operand(0), join(a.Axes)), nil
	case graph.OpMatMul:
		x, y := operand(0), operand(1)
		if a.TransA {
			x += ".mT"
		}
		if a.TransB {
			y += ".mT"
		}
		return fmt.Sprintf("(%s @ %s)", x, y), nil
	case graph.OpConv2D:
		tr.helped[convHelper] = true
		return tr.convolution("conv", n, in[0].Shape(), n.Shape(), 1), nil
	case graph.OpConv2DInputGrad:
		tr.helped[convTransposeHelper] = true
		return tr.convolution("conv_transpose", n, n.Shape(), in[0].Shape(), -1), nil
	}
	return "", fmt.Errorf("its graph has %s, which is not written in Python", n.Op())
}

// convolution returns the call of a helper: with the zeros that pad the large image before a convolution, or what is cut
// from it after a transposed one, as F.pad takes them: columns first.
func (tr *translator) convolution(helper string, n *graph.Node, large, small graph.Shape, sign int) string {
	c, w := n.Attr().Conv, n.In()[1].Shape()
	var pad [2][2]int
	for axis := range pad {
		_, lo, _ := c.Window(axis, large[axis+1], w[axis])
		covered := (small[axis+1]-1)*c.Stride[axis] + w[axis]
		pad[axis] = [2]int{sign * lo, sign * (covered - lo - large[axis+1])}
	}
	return fmt.Sprintf("%s(%s, %s, (%s), (%s))", helper, bare(tr.use(n.In()[0])), tr.use(n.In()[1]), join(c.Stride[:]), join([]int{pad[1][0], pad[1][1], pad[0][0], pad[0][1]}))
}

// compared returns a comparison, which is true or false in Python.
func (tr *translator) compared(n *graph.Node) string {
	return fmt.Sprintf("(%s %s %s)", tr.aligned(n.In()[0]), signs[n.Op()], tr.aligned(n.In()[1]))
}

// aligned returns a value for an operation that repeats the axes of its operands by itself.
func (tr *translator) aligned(n *graph.Node) string {
	for n.Op() == graph.OpBroadcast {
		n = n.In()[0]
	}
	return tr.use(n)
}

// dims returns the lengths of the axes of a node. One that depends on the number of items is −1 if free is set.
func (tr *translator) dims(n *graph.Node, free bool) []string {
	more := tr.larger[n].Shape()
	var out []string
	for i, d := range n.Shape() {
		switch each := more[i] - d; { // for each item
		case each == 0:
			out = append(out, strconv.Itoa(d))
		case free:
			out = append(out, "-1")
		case each == 1:
			out = append(out, tr.batch)
		default:
			out = append(out, fmt.Sprintf("%d * %s", each, tr.batch))
		}
	}
	return out
}

// slice returns the Python of a slice, which takes the whole of what depends on the number of items.
func (tr *translator) slice(n *graph.Node) (string, error) {
	a, of, larger := n.Attr(), n.In()[0].Shape(), tr.larger[n].Attr()
	var parts []string
	for i := range a.Lo {
		step := a.Step[i]
		switch {
		case a.Lo[i] == 0 && a.Hi[i] == of[i] && step == 1:
			parts = append(parts, ":")
		case a.Lo[i] != larger.Lo[i] || a.Hi[i] != larger.Hi[i]:
			return "", fmt.Errorf("its graph takes a part of the items")
		case step == 1:
			parts = append(parts, fmt.Sprintf("%d:%d", a.Lo[i], a.Hi[i]))
		default:
			parts = append(parts, fmt.Sprintf("%d:%d:%d", a.Lo[i], a.Hi[i], step))
		}
	}
	return fmt.Sprintf("%s[%s]", tr.use(n.In()[0]), strings.Join(parts, ", ")), nil
}

// number returns the value of a constant that is one number, however often repeated.
func number(n *graph.Node) (float32, bool) {
	for n.Op() == graph.OpBroadcast {
		n = n.In()[0]
	}
	if n.Op() != graph.OpConst || len(n.Attr().Data) != 1 {
		return 0, false
	}
	return n.Attr().Data[0], true
}

// constant returns a constant: a number, or a tensor.
func constant(n *graph.Node) string {
	data := n.Attr().Data
	if len(data) == 1 {
		return decimal(data[0])
	}
	text := make([]string, len(data))
	for i, v := range data {
		text[i] = decimal(v)
	}
	return fmt.Sprintf("torch.tensor([%s]).view(%s)", strings.Join(text, ", "), join(n.Shape()))
}

// decimal returns the shortest decimal of a float32.
func decimal(v float32) string {
	text := strconv.FormatFloat(float64(v), 'g', -1, 32)
	switch text {
	case "+Inf", "-Inf", "NaN":
		return "float(\"" + text + "\")"
	}
	return text
}

func join(n []int) string {
	text := make([]string, len(n))
	for i, v := range n {
		text[i] = strconv.Itoa(v)
	}
	return strings.Join(text, ", ")
}
