package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// base returns the node whose memory n shares: reshapes move nothing.
func base(n *graph.Node) *graph.Node {
	for n.Op() == graph.OpReshape {
		n = n.In()[0]
	}
	return n
}

// A use is one operand of a node: of an element-wise node an element at the same
// flat place (each), or anything else.
type use struct {
	user        *graph.Node
	elementwise bool
}

// pattern says how a repeated operand is read at flat place i: at (i/l) % c.
type readPattern struct{ div, mod int }

// repeats finds the pattern of a broadcast; ok is false if it has none, because
// the kept axes do not stand together.
func broadcastPattern(from, to graph.Shape) (p readPattern, ok bool) {
	st := graph.BroadcastStrides(from, to)
	p = readPattern{1, 1}
	const (
		after = iota // trailing repeated axes
		kept
		before
	)
	at := after
	for i := len(to) - 1; i >= 0; i-- {
		switch {
		case to[i] == 1:
		case st[i] == 0 && at == after:
			p.div *= to[i]
		case st[i] == 0:
			at = before
		case at == before:
			return p, false
		default:
			at = kept
			p.mod *= to[i]
		}
	}
	return p, true
}

// source resolves an operand of an element-wise node to the node it is read
// from, and how: whole is true for the same flat place.
func (c *compiler) operandSource(x *graph.Node) (src *graph.Node, p readPattern, whole bool) {
	x = base(x)
	if x.Op() == graph.OpBroadcast && !c.check {
		if p, ok := broadcastPattern(x.In()[0].Shape(), x.Shape()); ok {
			return base(x.In()[0]), p, false
		}
	}
	return x, readPattern{}, true
}

// loops reports whether n can be part of a loop over blocks. Broadcasts can: as
// copies, where somebody needs one in full.
func canLoop(n *graph.Node) bool {
	if n.Op().Elementwise() {
		return true
	}
	switch n.Op() {
	case graph.OpBroadcast:
		_, ok := broadcastPattern(n.In()[0].Shape(), n.Shape())
		return ok
	case graph.OpSum:
		_, ok := reductionPattern(n)
		return ok
	}
	return false
}

// anchors returns the nodes whose result a loop can follow while it is in cache.
func canBeRoot(n *graph.Node) bool {
	switch n.Op() {
	case graph.OpMatMul, graph.OpConv2D, graph.OpConv2DInputGrad, graph.OpConv2DFilterGrad:
		return true
	}
	return false
}

// reduction returns the pattern of a sum: element i is added to place (i/l) % c.
// ok is false if the kept axes do not stand together.
func reductionPattern(n *graph.Node) (p readPattern, ok bool) {
	s := n.In()[0].Shape()
	keep := s.Clone()
	for _, ax := range n.Attr().Axes {
		keep[ax] = 1
	}
	p, ok = broadcastPattern(keep, s)
	return p, ok && (p.mod == 1 || p.div == 1 || p.div*p.mod == s.Size())
}

func isLeaf(n *graph.Node) bool {
	switch n.Op() {
	case graph.OpInput, graph.OpState, graph.OpConst:
		return true
	}
	return false
}

// findUses numbers the nodes and lists who reads each base node. A broadcast read
// by element-wise nodes alone never exists in memory.
func (c *compiler) findUses() {
	c.order = c.f.Nodes()
	for i, n := range c.order {
		c.index[n] = i
	}
	add := func(x *graph.Node, u use) { c.uses[x] = append(c.uses[x], u) }
	for _, n := range c.order {
		if n.Op() == graph.OpReshape {
			continue
		}
		if n.Op() == graph.OpBroadcast {
			continue // looked through, or added below
		}
		for _, x := range n.In() {
			if n.Op().Elementwise() || n.Op() == graph.OpSum && canLoop(n) {
				src, _, whole := c.operandSource(x)
				add(src, use{n, whole})
				c.materialized[src] = c.materialized[src] || src.Op() == graph.OpBroadcast
				continue
			}
			x = base(x)
			add(x, use{n, false})
			c.materialized[x] = c.materialized[x] || x.Op() == graph.OpBroadcast
		}
	}
	for _, o := range c.f.Outputs {
		c.materialized[base(o.Value)] = true
	}
	for _, u := range c.f.Updates {
		c.materialized[base(u.Value)] = true
	}
	// From the last on, because a copied broadcast may read another one.
	for _, n := range slices.Backward(c.order) {
		if n.Op() == graph.OpBroadcast && c.materialized[n] {
			x := base(n.In()[0])
			add(x, use{n, false})
			c.materialized[x] = c.materialized[x] || x.Op() == graph.OpBroadcast
		}
	}
}

// A group is computed together: an anchor, if it has one, then a loop over
// blocks of its size; or a single node of another kind (solo).
type group struct {
	nodes      []*graph.Node // in program order, once fuse is done
	root       *graph.Node
	size       int // elements of the loop
	standalone bool
	region     *region       // the nodes are those of a region
	recomputed []*graph.Node // of nodes, those that another group computes too
	guard      *updateGuard
	successors []*group // write a state that this one reads: must come later
}

// fuse forms the groups. First from the last node to the first: a node joins
// the group of its users if they are all in one and read it element by element,
// which can make no cycle. Then a group joins one that it reads, where no other
// group stands between them.
func (c *compiler) fuse() {
	for _, n := range slices.Backward(c.order) {
		if isLeaf(n) || c.groupOf[n] != nil || n.Op() == graph.OpReshape || n.Op() == graph.OpBroadcast && !c.materialized[n] {
			continue
		}
		g := &group{size: n.Shape().Size(), standalone: !canLoop(n) && !canBeRoot(n)}
		if n.Op() == graph.OpSum && canLoop(n) {
			g.size = n.In()[0].Shape().Size()
		} else if h := c.onlyUser(n); h != nil && !g.standalone && !c.check && c.fits(h, n) && !c.separatesVersions([]*graph.Node{n}, h) {
			g = h
		}
		if len(g.nodes) == 0 {
			c.groups = append(c.groups, g)
		}
		c.join(g, n)
	}
	slices.Reverse(c.groups)
	if !c.check {
		for c.mergeOne() {
		}
	}
	for _, g := range c.groups {
		slices.SortFunc(g.nodes, func(a, b *graph.Node) int { return c.index[a] - c.index[b] })
	}
}

func (c *compiler) join(g *group, n *graph.Node) {
	g.nodes = append(g.nodes, n)
	c.groupOf[n] = g
	if canBeRoot(n) {
		g.root = n
	}
}

// onlyUser returns the group that holds all users of n, each reading it element by
// element; nil if there is none.
func (c *compiler) onlyUser(n *graph.Node) *group {
	var g *group
	for _, u := range c.uses[n] {
		h := c.groupOf[u.user]
		if !u.elementwise || h == nil || h.standalone || g != nil && g != h {
			return nil
		}
		g = h
	}
	return g
}

// fits reports whether n may join g: one size, one anchor, and rows of all
// reductions that the anchor's tasks do not cut.
func (c *compiler) fits(g *group, n *graph.Node) bool {
	if n.Shape().Size() != g.size {
		return false
	}
	if !canBeRoot(n) {
		return true
	}
	return g.root == nil && divides(unitOf(n), g)
}

// divides reports whether tasks of a multiple of unit elements can be made that
// cut no row of a reduction of g.
func divides(unit int, g *group) bool {
	for _, n := range g.nodes {
		if n.Op() != graph.OpSum {
			continue
		}
		p, _ := reductionPattern(n)
		if p.mod > 1 && p.div > 1 && p.div%unit != 0 && unit%p.div != 0 {
			return false
		}
	}
	return true
}

// unitOf returns the least number of elements that a task of an anchor makes.
func unitOf(n *graph.Node) int {
	s := n.Shape()
	switch n.Op() {
	case graph.OpMatMul:
		return s[1]
	case graph.OpConv2D, graph.OpConv2DInputGrad:
		return s[1:].Size()
	}
	return 1
}

// mergeOne joins one group to one that it reads element by element, and reports
// whether it found any.
func (c *compiler) mergeOne() bool {
	for _, g := range slices.Backward(c.groups) { // users before makers: less is stored between
		if g.standalone {
			continue
		}
		for _, n := range g.nodes {
			if canBeRoot(n) || n.Op() == graph.OpBroadcast {
				continue
			}
			for _, x := range n.In() {
				src, _, whole := c.operandSource(x)
				h := c.groupOf[src]
				if !whole || h == nil || h == g || h.standalone || h.size != g.size || src.Op() == graph.OpSum || !c.mergeable(h, g) {
					continue
				}
				for _, m := range h.nodes {
					c.join(g, m)
				}
				c.groups = slices.DeleteFunc(c.groups, func(k *group) bool { return k == h })
				return true
			}
		}
	}
	return false
}

// mergeable reports whether g, which reads h, can be computed with it.
func (c *compiler) mergeable(h, g *group) bool {
	if h.root != nil && g.root != nil || c.separatesVersions(h.nodes, g) {
		return false
	}
	if h.root != nil && !divides(unitOf(h.root), g) || g.root != nil && !divides(unitOf(g.root), h) {
		return false
	}
	// No path from h to g but the direct reads, and those element by element.
	for _, n := range h.nodes {
		for _, u := range c.uses[n] {
			k := c.groupOf[u.user]
			if k == g && (!u.elementwise || n.Op() == graph.OpSum) || k != g && k != h && c.reaches(k, g, map[*group]bool{h: true}) {
				return false
			}
		}
	}
	return true
}

// reaches reports whether anything of to is made from something of from.
func (c *compiler) reaches(from, to *group, seen map[*group]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, g := range from.successors {
		if c.reaches(g, to, seen) {
			return true
		}
	}
	for _, n := range from.nodes {
		for _, u := range c.uses[n] {
			if c.reaches(c.groupOf[u.user], to, seen) {
				return true
			}
		}
	}
	return false
}
