package graph

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/tensor"
)

// A Func is what is compiled and run: named results, and new values for states.
// All results and new values are of the states as they were before the run.
type Func struct {
	Name    string
	Inputs  []*Node // OpInput, in the order in which Program.Run takes them
	States  []*Node // OpState, one a name
	Outputs []Output
	Updates []Update
}

// An Output is a result of a Func.
type Output struct {
	Name  string
	Value *Node
}

// An Update gives a state its value for the next run.
type Update struct{ State, Value *Node }

// NewFunc gathers the inputs and states that the outputs and updates are made
// from. Inputs come in the order of inputs; one that is not listed is an error,
// and so are two inputs, states or outputs of one name that are not one node.
func NewFunc(name string, inputs []*Node, outputs []Output, updates []Update) (*Func, error) {
	f := &Func{Name: name, Inputs: inputs, Outputs: outputs, Updates: updates}
	for _, n := range f.Nodes() {
		if n.op == OpState {
			f.States = append(f.States, n)
		}
	}
	return f, Verify(f)
}

// Nodes lists every node of f once, operands before users. The order depends on
// the graph alone.
func (f *Func) Nodes() []*Node { return topo(f.roots()...) }

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

// Verify reports the first thing that makes f ill-formed: a node whose shape is
// not what its row infers, a name used twice, an unlisted input or state, an update of
// something that is not a state or does not have its shape.
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

// verifyNode infers n's shape again from its operands.
func verifyNode(n *Node) error {
	if n.op >= numOps {
		return fmt.Errorf("unknown primitive %v", n.op)
	}
	var again *Node
	err := Try(func() { again = newNode(n.op, n.builderAttr(), n.in...) })
	if err != nil {
		return err
	}
	if !again.shape.Equal(n.shape) {
		return fmt.Errorf("%v has shape %v, its operands give %v", n.op, n.shape, again.shape)
	}
	if n.op == OpConst && len(n.attr.Data) != n.shape.Size() {
		return fmt.Errorf("const of shape %v has %d elements", n.shape, len(n.attr.Data))
	}
	return nil
}

// shaped returns the primitives whose result shape is an attribute given in Hi.
func (op Op) shaped() bool {
	switch op {
	case OpInput, OpState, OpConst, OpUniform, OpNormal, OpReshape, OpBroadcast, OpConv2DInputGrad, OpConv2DFilterGrad:
		return true
	}
	return false
}

// builderAttr returns the attribute that newNode was given: the shape rule consumed Hi.
func (n *Node) builderAttr() Attr {
	a := n.attr
	if n.op.shaped() {
		a.Hi = n.shape.Clone()
	}
	return a
}
