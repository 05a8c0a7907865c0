package graph

import (
	"cmp"
	"slices"
)

// A value that several slices of are read has a gradient that is a sum of pads, and a parameter that is used in each step of
// a sequence has one that is a sum of products. Simplify makes one array or one product of such a sum: it writes each
// element once, where the sum would pass over the whole array for each of its terms.

// mergeFrom is the smallest number of equal products, or of sums of rows, that become one. Two or three, as of a
// discriminator of real and generated images, are left as they are.
const mergeFrom = 4

// mergeSumFloats is the largest size of an array whose rows are summed together with others.
const mergeSumFloats = 1 << 18

// visitSum returns the simplified sum n if some of its terms become one, and nil otherwise.
func (s *simplifier) visitSum(n *Node) *Node {
	if n.op != OpAdd || s.inSum[n] {
		return nil
	}
	var terms []*Node
	var collect func(x *Node)
	collect = func(x *Node) {
		if x != n && (x.op != OpAdd || s.uses[x] != 1) {
			terms = append(terms, s.visit(x))
			return
		}
		s.inSum[x] = true
		collect(x.in[0])
		collect(x.in[1])
	}
	collect(n)
	merged := len(terms)
	for axis := range n.shape {
		terms = s.mergePads(terms, axis, n.label)
	}
	terms = s.mergeProducts(terms, n.label)
	terms = s.mergeRowSums(terms, n.label)
	if len(terms) == merged {
		return nil
	}
	sum := terms[0]
	for _, t := range terms[1:] {
		sum = s.simplifyNew(Add(sum, t), n.label)
	}
	return sum
}

// replaceTerms returns terms without those of group, and with m in the place of the first of these.
func replaceTerms(terms, group []*Node, m *Node) []*Node {
	var rest []*Node
	placed := false
	for _, t := range terms {
		switch {
		case !slices.Contains(group, t):
			rest = append(rest, t)
		case !placed:
			rest = append(rest, m)
			placed = true
		}
	}
	return rest
}

// padsOnly reports whether n has zeros before and after its operand along one axis, and no others.
func padsOnly(n *Node, axis int) bool {
	if n.op != OpPad {
		return false
	}
	for i, step := range n.attr.Step {
		if step != 0 || i != axis && n.attr.Lo[i]+n.attr.Hi[i] > 0 {
			return false
		}
	}
	return n.attr.Lo[axis]+n.attr.Hi[axis] > 0
}

// mergePads returns terms with those in one that are pads of parts of an axis which do not overlap.
func (s *simplifier) mergePads(terms []*Node, axis int, label string) []*Node {
	var pads []*Node
	for _, t := range terms {
		if padsOnly(t, axis) {
			pads = append(pads, t)
		}
	}
	slices.SortStableFunc(pads, func(a, b *Node) int { return cmp.Compare(a.attr.Lo[axis], b.attr.Lo[axis]) })
	var group, pieces []*Node
	end := 0
	for _, p := range pads {
		lo := p.attr.Lo[axis]
		if len(group) > 0 && lo < end {
			continue // it overlaps: it stays a term of its own
		}
		if gap := lo - end; gap > 0 && len(group) > 0 {
			zeros := p.shape.Clone()
			zeros[axis] = gap
			pieces = append(pieces, BroadcastTo(Const(0), zeros...))
		}
		group, pieces = append(group, p), append(pieces, p.in[0])
		end = lo + p.in[0].shape[axis]
	}
	if len(group) < 2 || hasTwice(terms, group) {
		return terms
	}
	m := Concat(axis, pieces...)
	if lo, hi := group[0].attr.Lo[axis], group[0].shape[axis]-end; lo+hi > 0 {
		none, before, after := make([]int, len(m.shape)), make([]int, len(m.shape)), make([]int, len(m.shape))
		before[axis], after[axis] = lo, hi
		m = Pad(m, before, after, none)
	}
	return replaceTerms(terms, group, s.simplifyNew(m, label))
}

// hasTwice reports whether a node of group is a term more than once.
func hasTwice(terms, group []*Node) bool {
	count := 0
	for _, t := range terms {
		if slices.Contains(group, t) {
			count++
		}
	}
	return count > len(group)
}

// mergeProducts returns terms with those in one that are products Aᵀ·B of few rows: the rows of all of them are those of one
// product.
func (s *simplifier) mergeProducts(terms []*Node, label string) []*Node {
	return s.mergeAlike(terms, label, func(n *Node) bool {
		return n.op == OpMatMul && len(n.shape) == 2 && n.attr.TransA && !n.attr.TransB &&
			n.in[0].shape[0]*(n.shape[0]+n.shape[1]) <= n.shape.Size() // copying the rows costs less than another sum
	}, func(group []*Node) *Node {
		var a, b []*Node
		for _, p := range group {
			a, b = append(a, p.in[0]), append(b, p.in[1])
		}
		return MatMulT(Concat(0, a...), Concat(0, b...), true, false)
	})
}

// mergeRowSums returns terms with those in one that are sums of the rows of small arrays, as of a bias.
func (s *simplifier) mergeRowSums(terms []*Node, label string) []*Node {
	return s.mergeAlike(terms, label, func(n *Node) bool {
		return n.op == OpSum && len(n.shape) > 0 && len(n.attr.Axes) == 1 && n.attr.Axes[0] == 0 && n.in[0].shape.Size() <= mergeSumFloats
	}, func(group []*Node) *Node {
		var x []*Node
		for _, p := range group {
			x = append(x, p.in[0])
		}
		return Sum(Concat(0, x...), 0)
	})
}

// mergeAlike returns terms with those in one, by merge, for which ok holds, if there are mergeFrom of them.
func (s *simplifier) mergeAlike(terms []*Node, label string, ok func(*Node) bool, merge func(group []*Node) *Node) []*Node {
	var group []*Node
	for _, t := range terms {
		if ok(t) {
			group = append(group, t)
		}
	}
	if len(group) < mergeFrom {
		return terms
	}
	return replaceTerms(terms, group, s.simplifyNew(merge(group), label))
}
