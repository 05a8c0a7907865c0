package graph

import (
	"fmt"
	"strings"
)

// Simplify returns a function of the same meaning and fewer nodes: equal nodes
// become one, scalar constants are folded, what changes nothing is dropped, and
// a few forms are replaced by stabler or cheaper ones. It never replaces x·0 or
// x−x, whose value depends on whether x is finite. Labels are kept.
func Simplify(f *Func) *Func {
	s := &simplifier{done: map[*Node]*Node{}, same: map[string]*Node{}, id: map[*Node]int{}}
	g := &Func{Name: f.Name}
	for _, n := range f.Inputs {
		g.Inputs = append(g.Inputs, s.visit(n))
	}
	for _, o := range f.Outputs {
		g.Outputs = append(g.Outputs, Output{o.Name, s.visit(o.Value)})
	}
	for _, u := range f.Updates {
		g.Updates = append(g.Updates, Update{s.visit(u.State), s.visit(u.Value)})
	}
	for _, n := range f.States { // kept even when unused: f declares them
		g.States = append(g.States, s.visit(n))
	}
	return g
}

type simplifier struct {
	done map[*Node]*Node  // node of the old graph → of the new
	same map[string]*Node // what a node is made of → the one node made of it
	id   map[*Node]int    // numbers the new nodes, for same
}

func (s *simplifier) visit(n *Node) *Node {
	if m := s.done[n]; m != nil {
		return m
	}
	in := make([]*Node, len(n.in))
	for i, x := range n.in {
		in[i] = s.visit(x)
	}
	m := s.intern(s.rewrite(Rebuild(n, in...)))
	s.done[n] = m
	return m
}

// make simplifies a node that a rewrite has built from new nodes.
func (s *simplifier) make(n *Node, label string) *Node {
	if _, known := s.id[n]; known {
		return n
	}
	in := make([]*Node, len(n.in))
	for i, x := range n.in {
		in[i] = s.make(x, label)
	}
	m := Rebuild(n, in...)
	m.label = label
	return s.intern(s.rewrite(m))
}

// intern returns the one node equal to n.
func (s *simplifier) intern(n *Node) *Node {
	if _, known := s.id[n]; known {
		return n
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v%v", n.op, n.dtype, n.shape)
	for _, x := range n.in {
		fmt.Fprintf(&b, " %%%d", s.id[x])
	}
	n.attr.print(&b, n.op)
	key := b.String()
	if m := s.same[key]; m != nil {
		return m
	}
	s.same[key], s.id[n] = n, len(s.id)
	return n
}

// constant reports the value of a scalar constant or of one that is repeated.
func constant(n *Node) (float32, bool) {
	if n.op == OpBroadcast {
		n = n.in[0]
	}
	if n.op == OpConst && len(n.attr.Data) == 1 {
		return n.attr.Data[0], true
	}
	return 0, false
}

func isConst(n *Node, v float32) bool {
	c, ok := constant(n)
	return ok && c == v
}

// rewrite applies the rules to a node whose operands are simplified already.
func (s *simplifier) rewrite(n *Node) *Node {
	if m := s.fold(n); m != nil {
		return m
	}
	if m := s.sink(n); m != nil {
		return m
	}
	switch n.op {
	case OpStop:
		return n.in[0] // Grad has run by now
	case OpAdd:
		for i := range 2 {
			if isConst(n.in[i], 0) {
				return n.in[1-i]
			}
		}
		if b := n.in[1]; b.op == OpNeg {
			return s.make(Sub(n.in[0], b.in[0]), n.label)
		}
	case OpSub:
		if isConst(n.in[1], 0) {
			return n.in[0]
		}
		if b := n.in[1]; b.op == OpNeg {
			return s.make(Add(n.in[0], b.in[0]), n.label)
		}
	case OpMul:
		for i := range 2 {
			switch {
			case isConst(n.in[i], 1):
				return n.in[1-i]
			case isConst(n.in[i], -1):
				return s.make(Neg(n.in[1-i]), n.label)
			}
		}
	case OpDiv:
		if isConst(n.in[1], 1) {
			return n.in[0]
		}
	case OpNeg:
		if x := n.in[0]; x.op == OpNeg {
			return x.in[0]
		}
	case OpLog: // of a sigmoid: exact where the sigmoid underflows or rounds to 1
		switch x := n.in[0]; {
		case x.op == OpSigmoid:
			return s.make(Neg(Softplus(Neg(x.in[0]))), n.label)
		case x.op == OpSub && x.in[1].op == OpSigmoid && isConst(x.in[0], 1):
			return s.make(Neg(Softplus(x.in[1].in[0])), n.label)
		}
	case OpReshape:
		x := n.in[0]
		if x.op == OpReshape {
			x = x.in[0]
		}
		if x.shape.Equal(n.shape) {
			return x
		}
		if x != n.in[0] {
			return s.make(Reshape(x, n.shape...), n.label)
		}
	case OpTranspose:
		perm, x := n.attr.Axes, n.in[0]
		if x.op == OpTranspose {
			both := make([]int, len(perm))
			for i, ax := range perm {
				both[i] = x.attr.Axes[ax]
			}
			return s.make(Transpose(x.in[0], both...), n.label)
		}
		ident := true
		for i, ax := range perm {
			ident = ident && i == ax
		}
		if ident {
			return x
		}
	case OpBroadcast:
		if x := n.in[0]; x.op == OpBroadcast {
			return s.make(BroadcastTo(x.in[0], n.shape...), n.label)
		}
	case OpSum:
		x := n.in[0]
		if len(n.attr.Axes) == 0 {
			return x
		}
		if x.op == OpBroadcast && x.in[0].shape.Size() == 1 {
			count := float64(x.shape.Size()) / float64(n.shape.Size())
			return s.make(BroadcastTo(Scale(Reshape(x.in[0]), count), n.shape...), n.label)
		}
	case OpMatMul:
		a, b, ta, tb := n.in[0], n.in[1], n.attr.TransA, n.attr.TransB
		if a.op == OpTranspose {
			return s.make(MatMulT(a.in[0], b, !ta, tb), n.label)
		}
		if b.op == OpTranspose {
			return s.make(MatMulT(a, b.in[0], ta, !tb), n.label)
		}
		// Images keep their zeros; of many rows, beside which a sum of b is little.
		if x, scale, shift, ok := scaledInput(a); ok && n.shape[0] >= 16 {
			ones := 0 // the axis of b that the product goes over
			if tb {
				ones = 1
			}
			product := Scale(MatMulT(Reshape(x, a.shape...), b, ta, tb), scale)
			switch {
			case shift < 0:
				product = Sub(product, Scale(Sum(b, ones), -shift))
			case shift > 0:
				product = Add(product, Scale(Sum(b, ones), shift))
			}
			return s.make(product, n.label)
		}
	}
	return n
}

// scaledInput takes apart n = scale·x + shift of an input x, in another shape perhaps.
func scaledInput(n *Node) (x *Node, scale, shift float64, ok bool) {
	if n.op == OpReshape {
		n = n.in[0]
	}
	scale = 1
	apart := func(op Op) (float64, bool) {
		if n.op != op {
			return 0, false
		}
		for i := range 2 {
			if v, ok := constant(n.in[i]); ok {
				n = n.in[1-i]
				return float64(v), true
			}
		}
		return 0, false
	}
	shift, moved := apart(OpAdd)
	by, scaled := apart(OpMul)
	if scaled {
		scale = by
	}
	return n, scale, shift, n.op == OpInput && (moved || scaled)
}

// fold evaluates an element-wise node of scalar constants, in float64.
func (s *simplifier) fold(n *Node) *Node {
	if !n.op.Elementwise() || len(n.shape) != 0 {
		return nil
	}
	in := make([]Value, len(n.in))
	for i, x := range n.in {
		if x.op != OpConst {
			return nil
		}
		in[i] = widen(x.attr.Data)
	}
	m := Const(ops[n.op].eval(n, in)[0])
	m.label = n.label
	return m
}

// sink moves an element-wise node above the broadcasts of its operands, if they
// are all repetitions of one smaller shape: fewer elements are computed.
func (s *simplifier) sink(n *Node) *Node {
	if !n.op.Elementwise() {
		return nil
	}
	small := make([]*Node, len(n.in))
	for i, x := range n.in {
		if x.op != OpBroadcast || !x.in[0].shape.Equal(n.in[0].in[0].shape) {
			return nil
		}
		small[i] = x.in[0]
	}
	return s.make(BroadcastTo(newNode(n.op, n.attr, small...), n.shape...), n.label)
}
