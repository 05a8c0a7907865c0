package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// The step of an optimiser is a dozen element-wise nodes for each parameter, over arrays that are larger than the caches.
// The three passes of this file reduce it to one pass over memory with few instructions. They apply to other graphs too.

// recompute makes a group compute a cheap result of another group again, if it reads the operands as well, so that the
// result is never stored. An example is the square of a gradient, which its norm and Adam both need.
func (c *compiler) recompute() {
	for _, g := range c.groups {
		if g.standalone {
			continue
		}
		for _, n := range g.nodes {
			if c.groupOf[n] != g || c.materialized[n] || !isCheap(n) {
				continue
			}
			var otherGroups []*group
			for _, u := range c.uses[n] {
				if h := c.groupOf[u.user]; h != g && !slices.Contains(otherGroups, h) {
					otherGroups = append(otherGroups, h)
				}
			}
			if slices.ContainsFunc(otherGroups, func(h *group) bool { return !c.canRecompute(n, h) }) {
				continue
			}
			for _, h := range otherGroups {
				h.recomputed = append(h.recomputed, n)
				h.nodes = append(h.nodes, n)
				slices.SortFunc(h.nodes, func(a, b *graph.Node) int { return c.index[a] - c.index[b] })
			}
		}
	}
}

// isCheap reports whether computing n costs less than storing and reading it.
func isCheap(n *graph.Node) bool {
	switch n.Op() {
	case graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpNeg, graph.OpAbs, graph.OpMax, graph.OpMin, graph.OpGreater, graph.OpEqual:
		return true
	}
	return false
}

// canRecompute reports whether h reads n element by element and also reads all operands of n that have its size. None of
// them may be a state, which may have changed when h runs.
func (c *compiler) canRecompute(n *graph.Node, h *group) bool {
	if h.standalone || h.size != n.Shape().Size() {
		return false
	}
	for _, u := range c.uses[n] {
		if c.groupOf[u.user] == h && !u.elementwise {
			return false
		}
	}
	for _, x := range n.In() {
		src, _, whole := c.operandSource(x)
		if src.Op() == graph.OpState || whole && !slices.ContainsFunc(c.uses[src], func(u use) bool {
			return u.elementwise && u.user != n && c.groupOf[u.user] == h && c.groupOf[src] != h
		}) {
			return false
		}
	}
	return true
}

// An updateGuard is the condition of a group that only updates states, and only if a scalar is not 0. The group then stores
// the new values directly, and does not run if the scalar is 0.
type updateGuard struct {
	cond      *graph.Node
	storedFor map[*graph.Node]*graph.Node // maps a new value to the select that it replaces
}

// findGuards finds the groups whose results all are select(cond, value, old) of one cond.
func (c *compiler) findGuards() {
	for _, g := range c.groups {
		if !g.standalone && g.root == nil {
			g.guard = c.matchGuard(g)
		}
	}
}

// matchGuard returns the guard of g, or nil.
func (c *compiler) matchGuard(g *group) *updateGuard {
	guard := updateGuard{storedFor: map[*graph.Node]*graph.Node{}}
	for _, n := range g.nodes {
		if slices.Contains(g.recomputed, n) || !c.stored(g, n) {
			continue
		}
		if c.inPlace[n] == nil || n.Op() != graph.OpSelect || slices.ContainsFunc(c.uses[n], func(u use) bool { return c.groupOf[u.user] == g }) {
			return nil
		}
		when, pat, whole := c.operandSource(n.In()[0])
		value, old := base(n.In()[1]), base(n.In()[2])
		if whole || pat.mod != 1 || guard.cond != nil && guard.cond != when || old != c.inPlace[n] ||
			c.groupOf[value] != g || c.stored(g, value) || guard.storedFor[value] != nil || !c.lastReadBefore(old, value, g, n) {
			return nil
		}
		guard.cond, guard.storedFor[value] = when, n
	}
	if guard.cond == nil {
		return nil
	}
	return &guard
}

// lastReadBefore reports whether g reads the state for the last time before it computes value, apart from the select.
func (c *compiler) lastReadBefore(state, value *graph.Node, g *group, sel *graph.Node) bool {
	return !slices.ContainsFunc(c.uses[state], func(u use) bool {
		return c.groupOf[u.user] == g && u.user != sel && c.index[u.user] > c.index[value]
	})
}

// A combination is a set of nodes that one kernel computes in one pass.
type combination struct {
	name     string
	run      func(dst, a, b, c []float32, s [3]float32)
	operands []*graph.Node // the arrays that run reads, up to three
	scalars  []*graph.Node // the scalars that run reads, up to three
	inner    []*graph.Node // the nodes that run computes on the way to the result
}

// matchCombination returns the combination that computes n, or nil. With scalars s, t and e, the combinations are the
// formulas of Adam:
//
//	s·x + t·y    s·x + t·y²    p − s·m / (√(t·v) + e)
func (c *compiler) matchCombination(n *graph.Node) *combination {
	switch n.Op() {
	case graph.OpAdd:
		x, s, ok := c.matchScaled(n.In()[0])
		y, t, ok2 := c.matchScaled(n.In()[1])
		if !ok || !ok2 {
			return nil
		}
		inner := []*graph.Node{base(n.In()[0]), base(n.In()[1])}
		if sq := base(y); sq.Op() == graph.OpMul && base(sq.In()[0]) == base(sq.In()[1]) && c.isFullOperand(sq.In()[0]) {
			return &combination{
				name:     "ema_square",
				run:      func(dst, x, y, _ []float32, s [3]float32) { kernel.EMASquare(dst, x, y, s[0], s[1]) },
				operands: []*graph.Node{x, sq.In()[0]}, scalars: []*graph.Node{s, t}, inner: append(inner, sq),
			}
		}
		return &combination{
			name:     "ema",
			run:      func(dst, x, y, _ []float32, s [3]float32) { kernel.EMA(dst, x, y, s[0], s[1]) },
			operands: []*graph.Node{x, y}, scalars: []*graph.Node{s, t}, inner: inner,
		}
	case graph.OpSub:
		div := base(n.In()[1])
		if div.Op() != graph.OpDiv || !c.isFullOperand(n.In()[0]) {
			return nil
		}
		den := base(div.In()[1])
		if den.Op() != graph.OpAdd {
			return nil
		}
		root, e, ok := c.matchScalar(den)
		if !ok || base(root).Op() != graph.OpSqrt {
			return nil
		}
		m, s, ok := c.matchScaled(div.In()[0])
		v, t, ok2 := c.matchScaled(base(root).In()[0])
		if !ok || !ok2 {
			return nil
		}
		return &combination{
			name:     "adam_step",
			run:      func(dst, p, m, v []float32, s [3]float32) { kernel.AdamStep(dst, p, m, v, s[0], s[1], s[2]) },
			operands: []*graph.Node{n.In()[0], m, v},
			scalars:  []*graph.Node{s, t, e},
			inner:    []*graph.Node{div, den, base(root), base(div.In()[0]), base(base(root).In()[0])},
		}
	}
	return nil
}

// matchScaled returns the two operands of x if it is a product of an array and a scalar.
func (c *compiler) matchScaled(x *graph.Node) (whole, scalar *graph.Node, ok bool) {
	if x = base(x); x.Op() != graph.OpMul {
		return nil, nil, false
	}
	return c.matchScalar(x)
}

// matchScalar returns the two operands of n if one of them is a scalar.
func (c *compiler) matchScalar(n *graph.Node) (whole, scalar *graph.Node, ok bool) {
	for i, x := range n.In() {
		src, pat, w := c.operandSource(x)
		if other := n.In()[1-i]; !w && pat.mod == 1 && c.isFullOperand(other) {
			return other, src, true
		}
	}
	return nil, nil, false
}

// isFullOperand reports whether an element-wise node reads x element by element, and not as a repeated operand.
func (c *compiler) isFullOperand(x *graph.Node) bool {
	_, _, whole := c.operandSource(x)
	return whole
}

// findCombinations returns the combinations of the loop whose inner nodes have no other use. Inner nodes map to nil.
func (b *loopBuilder) findCombinations() map[*graph.Node]*combination {
	found, inner := map[*graph.Node]*combination{}, map[*graph.Node]bool{}
	for _, n := range slices.Backward(b.g.nodes) {
		if inner[n] {
			continue
		}
		k := b.c.matchCombination(n)
		if k == nil || slices.ContainsFunc(k.inner, func(m *graph.Node) bool { return !b.isPrivate(m) }) {
			continue
		}
		found[n] = k
		for _, m := range k.inner {
			inner[m] = true
			found[m] = nil
		}
	}
	return found
}

// isPrivate reports whether n is computed in this loop and has one user.
func (b *loopBuilder) isPrivate(n *graph.Node) bool {
	again := slices.Contains(b.g.recomputed, n)
	if !again && (b.c.groupOf[n] != b.g || b.c.bufs[n] != nil) || b.c.materialized[n] {
		return false
	}
	var users []*graph.Node
	for _, u := range b.c.uses[n] {
		if b.c.groupOf[u.user] == b.g && !slices.Contains(users, u.user) {
			users = append(users, u.user)
		}
	}
	return len(users) == 1
}
