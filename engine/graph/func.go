package graph

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/tensor"
)

// A Func is a function that can be compiled and run: named outputs, and updates, which are new values of states. All of
// them are computed from the states before the run. Make one with NewFunc.
type Func struct {
	Name    string
	Inputs  []*Node // of OpInput, in the order in which backend.Program.Run takes them
	States  []*Node // of OpState, one for each name
	Outputs []Output
	Updates []Update
}

// An Output is a named result of a Func.
type Output struct {
	Name  string
	Value *Node
}

// An Update is the new value of a state, for the next run.
type Update struct{ State, Value *Node }

// NewFunc returns the function with the given inputs, outputs and updates, and collects the states that they use. Every
// input that outputs and updates depend on must be in inputs. NewFunc returns an error if one is missing, if two inputs,
// states or outputs have one name, or for another fault that Verify reports.
func NewFunc(name string, inputs []*Node, outputs []Output, updates []Update) (*Func, error) {
	f := &Func{Name: name, Inputs: inputs, Outputs: outputs, Updates: updates}
	for _, n := range f.Nodes() {
		if n.op == OpState {
			f.States = append(f.States, n)
		}
	}
	return f, Verify(f)
}

// Nodes returns all nodes of f, each once, operands before their users. The order depends on the graph alone.
func (f *Func) Nodes() []*Node { return topological(f.roots()...) }

// roots returns the inputs, the states, and the nodes that outputs and updates name.
func (f *Func) roots() []*Node {
	roots := append([]*Node{}, f.Inputs...)
	roots = append(roots, f.States...)
	for _, o := range f.Outputs {
		roots = append(roots, o.Value)
	}
	for _, u := range f.Updates {
		roots = append(roots, u.State, u.Value)
	}
	return roots
}

// Verify returns an error for the first fault of f: a node whose shape does not follow from its operands, a name that is
// used twice, an input or state that is not listed, or an update of a node that is not a state or has another shape.
func Verify(f *Func) error {
	if slices.Contains(f.roots(), nil) {
		return fmt.Errorf("graph: %s: an input, state, output or update is nil", f.Name)
	}
	listed := map[*Node]bool{}
	for i, n := range f.States {
		if n.op != OpState {
			return fmt.Errorf("graph: %s: state %d is a %v", f.Name, i, n.op)
		}
		listed[n] = true
	}
	for i, n := range f.Inputs {
		if n.op != OpInput {
			return fmt.Errorf("graph: %s: input %d is a %v", f.Name, i, n.op)
		}
		listed[n] = true
	}
	names := map[string]*Node{}
	claim := func(kind, name string, n *Node) error {
		if other, dup := names[kind+" "+name]; dup && other != n || name == "" {
			return fmt.Errorf("graph: %s: empty or repeated %s name %q", f.Name, kind, name)
		}
		names[kind+" "+name] = n
		return nil
	}
	for _, n := range f.Nodes() {
		if err := verifyNode(n); err != nil {
			return fmt.Errorf("graph: %s: %w", f.Name, err)
		}
		if (n.op == OpInput || n.op == OpState) && !listed[n] {
			return fmt.Errorf("graph: %s: %v %q is used but not listed", f.Name, n.op, n.attr.Name)
		}
		if n.op == OpInput || n.op == OpState {
			if err := claim(n.op.String(), n.attr.Name, n); err != nil {
				return err
			}
		}
	}
	for i, o := range f.Outputs {
		if names["output "+o.Name] != nil || o.Name == "" {
			return fmt.Errorf("graph: %s: output %d: empty or repeated name %q", f.Name, i, o.Name)
		}
		names["output "+o.Name] = o.Value
	}
	updated := map[*Node]bool{}
	for _, u := range f.Updates {
		switch {
		case u.State.op != OpState:
			return fmt.Errorf("graph: %s: update of a %v", f.Name, u.State.op)
		case updated[u.State]:
			return fmt.Errorf("graph: %s: state %q is updated twice", f.Name, u.State.attr.Name)
		case !u.State.shape.Equal(u.Value.shape) || u.Value.dtype != tensor.Float32:
			return fmt.Errorf("graph: %s: state %q is %v%v, its update %v%v", f.Name, u.State.attr.Name, u.State.dtype, u.State.shape, u.Value.dtype, u.Value.shape)
		}
		updated[u.State] = true
	}
	return nil
}

// verifyNode returns an error if the shape of n does not follow from its operands.
func verifyNode(n *Node) error {
	if n.op >= numOps {
		return fmt.Errorf("unknown primitive %v", n.op)
	}
	var rebuilt *Node
	err := Try(func() { rebuilt = newNode(n.op, n.constructorAttr(), n.in...) })
	if err != nil {
		return err
	}
	if !rebuilt.shape.Equal(n.shape) {
		return fmt.Errorf("%v has shape %v, its operands give %v", n.op, n.shape, rebuilt.shape)
	}
	if n.op == OpConst && len(n.attr.Data) != n.shape.Size() {
		return fmt.Errorf("const of shape %v has %d elements", n.shape, len(n.attr.Data))
	}
	return nil
}

// hasShapeAttr reports whether the shape of the result is an attribute, which newNode takes in Attr.Hi.
func (op Op) hasShapeAttr() bool {
	switch op {
	case OpInput, OpState, OpConst, OpUniform, OpNormal, OpReshape, OpBroadcast, OpScatterAdd, OpConv2DInputGrad, OpConv2DFilterGrad:
		return true
	}
	return false
}

// constructorAttr returns the attributes that newNode took to make n. The shape rule has removed Hi from those of n.
func (n *Node) constructorAttr() Attr {
	a := n.attr
	if n.op.hasShapeAttr() {
		a.Hi = n.shape.Clone()
	}
	return a
}
