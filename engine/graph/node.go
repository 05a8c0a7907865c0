// Package graph is the intermediate representation of computations: nodes, a table of primitives, automatic
// differentiation, rewrites, a text form, a verifier and a float64 interpreter.
//
// To use it, build nodes from inputs and states, take gradients, and collect the results in a Func:
//
//	x, w := graph.Input("x", tensor.Float32, 64, 10), graph.State("w", 10, 1)
//	loss := graph.Mean(graph.Square(graph.MatMul(x, w)))
//	grads := graph.Grad(loss, w)
//	next := graph.Sub(w, graph.Scale(grads[0], 0.1))
//	step, err := graph.NewFunc("step", []*graph.Node{x},
//		[]graph.Output{{Name: "loss", Value: loss}}, []graph.Update{{State: w, Value: next}})
//
// Interp evaluates a Func in float64; package cpu compiles it. A Func prints as text, which Parse reads.
//
// Nodes are never changed: builders such as Add or Conv2D take nodes and return a new one. Shapes are static. Elements are
// float32, and int32 for random keys. The derivative of every primitive is made of primitives, so gradients can be
// differentiated again.
//
// A builder panics with a *ShapeError if its operands do not fit. Try returns this panic, and no other, as an error.
//
// The package must not know devices, layers or models.
package graph

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
)

// Shape is tensor.Shape: the length of each axis.
type Shape = tensor.Shape

// A Node is one value of a graph: a primitive applied to other nodes. Builders such as Add make nodes.
type Node struct {
	op    Op
	in    []*Node
	shape Shape
	dtype tensor.DType
	attr  Attr
	label string
}

// Attr holds the attributes of a primitive: its parameters other than its operands. Fields that a primitive does not use
// are zero.
type Attr struct {
	Name           string     // of an input or a state; the stream of uniform and normal
	Data           []float32  // of a const, in row-major order
	Axes           []int      // sum, max_reduce: the axes, ascending; transpose: the permutation; concat: one axis
	Lo, Hi, Step   []int      // pad: zeros before, after and between; slice: start, limit and stride
	Conv           ConvConfig // the three convolutions
	TransA, TransB bool       // matmul
}

// Op returns the primitive of the node.
func (n *Node) Op() Op { return n.op }

// In returns the operands. The caller must not change the slice.
func (n *Node) In() []*Node { return n.in }

// Shape returns the shape of the value. The caller must not change it.
func (n *Node) Shape() Shape { return n.shape }

// DType returns the element type of the value.
func (n *Node) DType() tensor.DType { return n.dtype }

// Attr returns the attributes. The caller must not change their slices.
func (n *Node) Attr() Attr { return n.attr }

// Label returns the name of the layer that the node belongs to. It only appears in messages and profiles. See Tag.
func (n *Node) Label() string { return n.label }

// Name returns the name of an input or a state, and "" for other nodes.
func (n *Node) Name() string {
	if n.op == OpInput || n.op == OpState {
		return n.attr.Name
	}
	return ""
}

// Tag sets the label of y and of all nodes that y depends on, except those that have a label already, and returns y. A
// layer calls it once for its output; the operands of the layer keep their labels.
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

// A ShapeError reports operands that do not fit a primitive. Builders panic with one; see Try.
type ShapeError struct {
	Op   string  // the primitive or builder
	In   []Shape // the shapes of the operands
	Want string  // what the primitive requires
}

// Error returns one line with the primitive, the shapes of its operands and the requirement.
func (e *ShapeError) Error() string {
	s := make([]string, len(e.In))
	for i, in := range e.In {
		s[i] = in.String()
	}
	return fmt.Sprintf("graph: %s(%s): %s", e.Op, strings.Join(s, ", "), e.Want)
}

// Try calls build and returns the *ShapeError that it panics with, or nil. Other panics are bugs and pass through.
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

// shapesOf returns the shapes of nodes.
func shapesOf(in []*Node) []Shape {
	s := make([]Shape, len(in))
	for i, n := range in {
		s[i] = n.shape
	}
	return s
}

// newNode returns op applied to in. It infers the shape by the row of the table, and panics with a *ShapeError if the
// operands do not fit.
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

// Resize returns n with operands of other shapes, from which its shape is inferred again. The argument shape is the new
// shape of primitives whose shape is an attribute, such as reshape; others ignore it.
func Resize(n *Node, shape Shape, in ...*Node) *Node {
	a := n.constructorAttr()
	if n.op.hasShapeAttr() {
		a.Hi = shape
	}
	m := newNode(n.op, a, in...)
	m.label = n.label
	return m
}

// Rebuild returns n with other operands, which have the same shapes and types. It serves rewrites of graphs.
func Rebuild(n *Node, in ...*Node) *Node {
	m := *n
	m.in = in
	return &m
}
