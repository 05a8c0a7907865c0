package graph

import (
	"fmt"
	"strings"
)

// Simplify returns a function with the same meaning and fewer nodes. It makes equal nodes one, folds scalar constants,
// removes operations without effect, and replaces some expressions by cheaper or numerically more stable ones, such as
// log(sigmoid(x)) by −softplus(−x), or a sum of the gradients of slices by a concatenation (sums.go). It keeps x·0 and
// x−x, whose values depend on whether x is finite. Nodes keep their labels. f is not changed.
func Simplify(f *Func) *Func {
	s := &simplifier{simplified: map[*Node]*Node{}, interned: map[string]*Node{}, id: map[*Node]int{}, uses: map[*Node]int{}, inSum: map[*Node]bool{}}
	for _, n := range f.Nodes() {
		for _, x := range n.in {
			s.uses[x]++
		}
	}
	for _, n := range f.roots() {
		s.uses[n]++
	}
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
	for _, n := range f.States { // f declares them, so unused ones stay
		g.States = append(g.States, s.visit(n))
	}
	return g
}

// A simplifier builds the new graph of one call of Simplify.
type simplifier struct {
	simplified map[*Node]*Node  // maps a node of the old graph to its node in the new one
	interned   map[string]*Node // maps the text of a node to the only new node with that text
	id         map[*Node]int    // the numbers of the new nodes, for these texts
	uses       map[*Node]int    // how often an old node is an operand, or a result
	inSum      map[*Node]bool   // old nodes that are part of a sum which visitSum has seen
}

// visit returns the simplified node of a node of the old graph.
func (s *simplifier) visit(n *Node) *Node {
	if m := s.simplified[n]; m != nil {
		return m
	}
	m := s.visitSum(n)
	if m == nil {
		in := make([]*Node, len(n.in))
		for i, x := range n.in {
			in[i] = s.visit(x)
		}
		m = s.intern(s.rewrite(Rebuild(n, in...)))
	}
	s.simplified[n] = m
	return m
}

// simplifyNew returns the simplified node of n, which a rewrite has built from new nodes, with the given label.
func (s *simplifier) simplifyNew(n *Node, label string) *Node {
	if _, known := s.id[n]; known {
		return n
	}
	in := make([]*Node, len(n.in))
	for i, x := range n.in {
		in[i] = s.simplifyNew(x, label)
	}
	m := Rebuild(n, in...)
	m.label = label
	return s.intern(s.rewrite(m))
}

// intern returns the only node of the new graph that is equal to n.
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
	if m := s.interned[key]; m != nil {
		return m
	}
	s.interned[key], s.id[n] = n, len(s.id)
	return n
}

// constantValue returns the value of a scalar constant or of a broadcast one, and whether n is such a constant.
func constantValue(n *Node) (float32, bool) {
	if n.op == OpBroadcast {
		n = n.in[0]
	}
	if n.op == OpConst && len(n.attr.Data) == 1 {
		return n.attr.Data[0], true
	}
	return 0, false
}

func isConst(n *Node, v float32) bool {
	c, ok := constantValue(n)
	return ok && c == v
}

// rewrite returns the replacement of n by the first rule that applies, or n. The operands of n are simplified already.
func (s *simplifier) rewrite(n *Node) *Node {
	if m := s.foldConstants(n); m != nil {
		return m
	}
	if m := s.computeBeforeBroadcast(n); m != nil {
		return m
	}
	switch n.op {
	case OpStop:
		return n.in[0] // it only matters to Grad, which runs before
	case OpAdd:
		for i := range 2 {
			if isConst(n.in[i], 0) {
				return n.in[1-i]
			}
		}
		if b := n.in[1]; b.op == OpNeg {
			return s.simplifyNew(Sub(n.in[0], b.in[0]), n.label)
		}
	case OpSub:
		if isConst(n.in[1], 0) {
			return n.in[0]
		}
		if b := n.in[1]; b.op == OpNeg {
			return s.simplifyNew(Add(n.in[0], b.in[0]), n.label)
		}
	case OpMul:
		for i := range 2 {
			switch {
			case isConst(n.in[i], 1):
				return n.in[1-i]
			case isConst(n.in[i], -1):
				return s.simplifyNew(Neg(n.in[1-i]), n.label)
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
	case OpLog: // log(sigmoid(x)), which would fail where the sigmoid underflows or rounds to 1
		switch x := n.in[0]; {
		case x.op == OpSigmoid:
			return s.simplifyNew(Neg(Softplus(Neg(x.in[0]))), n.label)
		case x.op == OpSub && x.in[1].op == OpSigmoid && isConst(x.in[0], 1):
			return s.simplifyNew(Neg(Softplus(x.in[1].in[0])), n.label)
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
			return s.simplifyNew(Reshape(x, n.shape...), n.label)
		}
	case OpTranspose:
		perm, x := n.attr.Axes, n.in[0]
		if x.op == OpTranspose {
			composed := make([]int, len(perm))
			for i, ax := range perm {
				composed[i] = x.attr.Axes[ax]
			}
			return s.simplifyNew(Transpose(x.in[0], composed...), n.label)
		}
		identity := true
		for i, ax := range perm {
			identity = identity && i == ax
		}
		if identity {
			return x
		}
	case OpBroadcast:
		if x := n.in[0]; x.op == OpBroadcast {
			return s.simplifyNew(BroadcastTo(x.in[0], n.shape...), n.label)
		}
	case OpSum:
		x := n.in[0]
		if len(n.attr.Axes) == 0 {
			return x
		}
		if x.op == OpBroadcast && x.in[0].shape.Size() == 1 {
			count := float64(x.shape.Size()) / float64(n.shape.Size())
			return s.simplifyNew(BroadcastTo(Scale(Reshape(x.in[0]), count), n.shape...), n.label)
		}
	case OpMatMul:
		a, b, ta, tb := n.in[0], n.in[1], n.attr.TransA, n.attr.TransB
		if swapsMatrix(a) {
			return s.simplifyNew(MatMulT(a.in[0], b, !ta, tb), n.label)
		}
		if swapsMatrix(b) {
			return s.simplifyNew(MatMulT(a, b.in[0], ta, !tb), n.label)
		}
		// (scale·x + shift)·b = scale·x·b + shift·Σb: the product then reads the input itself, which often has many zeros.
		// The sum of b costs little if there are many rows.
		if x, scale, shift, ok := affineInput(a); ok && len(n.shape) == 2 && n.shape[0] >= 16 {
			inner := 0 // the axis of b that the product sums over
			if tb {
				inner = 1
			}
			product := Scale(MatMulT(Reshape(x, a.shape...), b, ta, tb), scale)
			switch {
			case shift < 0:
				product = Sub(product, Scale(Sum(b, inner), -shift))
			case shift > 0:
				product = Add(product, Scale(Sum(b, inner), shift))
			}
			return s.simplifyNew(product, n.label)
		}
	}
	return n
}

// swapsMatrix reports whether n exchanges the last two axes of its operand, and no others.
func swapsMatrix(n *Node) bool {
	if n.op != OpTranspose {
		return false
	}
	last := len(n.attr.Axes) - 1
	for i, ax := range n.attr.Axes[:max(last-1, 0)] {
		if ax != i {
			return false
		}
	}
	return last > 0 && n.attr.Axes[last] == last-1
}

// affineInput returns x, scale and shift if n is scale·x + shift, perhaps reshaped, with an input x, and whether it is. At
// least one of the two operations is there.
func affineInput(n *Node) (x *Node, scale, shift float64, ok bool) {
	if n.op == OpReshape {
		n = n.in[0]
	}
	scale = 1
	// takeConstant returns the constant operand of n, if n is op of a constant, and sets n to the other operand.
	takeConstant := func(op Op) (float64, bool) {
		if n.op != op {
			return 0, false
		}
		for i := range 2 {
			if v, ok := constantValue(n.in[i]); ok {
				n = n.in[1-i]
				return float64(v), true
			}
		}
		return 0, false
	}
	shift, shifted := takeConstant(OpAdd)
	factor, scaled := takeConstant(OpMul)
	if scaled {
		scale = factor
	}
	return n, scale, shift, n.op == OpInput && (shifted || scaled)
}

// foldConstants returns the constant that n is if it is an element-wise node of scalar constants, and nil otherwise. It
// computes in float64.
func (s *simplifier) foldConstants(n *Node) *Node {
	if !n.op.Elementwise() || len(n.shape) != 0 {
		return nil
	}
	in := make([]Value, len(n.in))
	for i, x := range n.in {
		if x.op != OpConst {
			return nil
		}
		in[i] = toFloat64(x.attr.Data)
	}
	m := Const(ops[n.op].eval(n, in)[0])
	m.label = n.label
	return m
}

// computeBeforeBroadcast returns a broadcast of n at the smaller shape if n is element-wise and all its operands are
// broadcasts from one smaller shape, so that fewer elements are computed, and nil otherwise.
func (s *simplifier) computeBeforeBroadcast(n *Node) *Node {
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
	return s.simplifyNew(BroadcastTo(newNode(n.op, n.attr, small...), n.shape...), n.label)
}
