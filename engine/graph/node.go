// Package graph is the intermediate representation: nodes, a small table of
// primitives, automatic differentiation, rewrites, a printer, a parser, a
// verifier and a float64 interpreter.
//
// A graph is a value: builders such as Add or Conv2D take nodes and return a
// node, and nothing is ever changed in place. Shapes are static, elements are
// float32 (int32 for random keys). The primitives are closed under
// differentiation, so the gradient of a gradient is one more graph.
//
// A builder given operands that do not fit panics with a *ShapeError; Try turns
// that panic, and no other, into an error at the boundary.
//
// The package knows no device: package cpu compiles what is built here, and the
// interpreter says what it means.
package graph

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
)

// Shape is tensor.Shape, the length of each axis.
type Shape = tensor.Shape

// A Node is one value of a graph: a primitive applied to other nodes.
type Node struct {
	op    Op
	in    []*Node
	shape Shape
	dtype tensor.DType
	attr  Attr
	label string
}

// Attr holds what a primitive needs beside its operands; a primitive uses the
// fields its table row names and leaves the others zero.
type Attr struct {
	Name           string     // input, state; the stream of uniform and normal
	Data           []float32  // const, row major
	Axes           []int      // sum, max_reduce: ascending; transpose: the permutation; concat: one axis
	Lo, Hi, Step   []int      // pad: before, after, between; slice: start, limit, stride
	Conv           ConvConfig // the three convolutions
	TransA, TransB bool       // matmul
}

// Op returns the primitive.
func (n *Node) Op() Op { return n.op }

// In returns the operands: do not write to the slice.
func (n *Node) In() []*Node { return n.in }

// Shape returns the shape of the value: do not write to it.
func (n *Node) Shape() Shape { return n.shape }

// DType returns the element type of the value.
func (n *Node) DType() tensor.DType { return n.dtype }

// Attr returns the attributes: do not write to its slices.
func (n *Node) Attr() Attr { return n.attr }

// Label names the layer the node belongs to, for messages; it has no effect.
func (n *Node) Label() string { return n.label }

// Name returns the name of an input or a state, and empty for another node.
func (n *Node) Name() string {
	if n.op == OpInput || n.op == OpState {
		return n.attr.Name
	}
	return ""
}

// Tag labels y and every node it is made from that has no label yet, and
// returns y. A layer tags its output once; what it received keeps its label.
func Tag(y *Node, label string) *Node {
	var walk func(n *Node)
	walk = func(n *Node) {
		if n.label != "" {
			return
		}
		n.label = label
		for _, x := range n.in {
			walk(x)
		}
	}
	walk(y)
	return y
}

// A ShapeError says which operands did not fit which primitive.
type ShapeError struct {
	Op   string  // the primitive or builder
	In   []Shape // the operands' shapes
	Want string  // what would have fitted
}

// Error returns one line: the primitive, the shapes it got, and what was wanted.
func (e *ShapeError) Error() string {
	s := make([]string, len(e.In))
	for i, in := range e.In {
		s[i] = in.String()
	}
	return fmt.Sprintf("graph: %s(%s): %s", e.Op, strings.Join(s, ", "), e.Want)
}

// Try runs build and returns the *ShapeError it panicked with, or nil. Any other
// panic is a bug and keeps unwinding.
func Try(build func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *ShapeError:
			err = r
		default:
			panic(r)
		}
	}()
	build()
	return nil
}

func shapesOf(in []*Node) []Shape {
	s := make([]Shape, len(in))
	for i, n := range in {
		s[i] = n.shape
	}
	return s
}

// newNode applies op after its row's shape rule.
func newNode(op Op, attr Attr, in ...*Node) *Node {
	d := &ops[op]
	fail := func(want string) { panic(&ShapeError{d.name, shapesOf(in), want}) }
	if d.arity >= 0 && len(in) != d.arity {
		fail(fmt.Sprintf("takes %d operands", d.arity))
	}
	for i, x := range in {
		want := tensor.Float32
		if d.keyed && i == 0 {
			want = tensor.Int32
		}
		if x.dtype != want {
			fail(fmt.Sprintf("operand %d is %v, want %v", i, x.dtype, want))
		}
	}
	shape := d.infer(shapesOf(in), &attr, fail)
	if err := shape.Check(); err != nil {
		fail(err.Error())
	}
	return &Node{op: op, in: in, shape: shape, dtype: tensor.Float32, attr: attr}
}

// Resize returns n with operands of other shapes, which its row infers its own shape
// from; shape is that of primitives that are given theirs.
func Resize(n *Node, shape Shape, in ...*Node) *Node {
	a := n.builderAttr()
	if n.op.shaped() {
		a.Hi = shape
	}
	m := newNode(n.op, a, in...)
	m.label = n.label
	return m
}

// Rebuild returns n with other operands of the same shapes and types. Passes use it.
func Rebuild(n *Node, in ...*Node) *Node {
	m := *n
	m.in = in
	return &m
}
