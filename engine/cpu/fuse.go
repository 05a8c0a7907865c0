package cpu

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/invariants"
)

// base returns the node whose memory n uses: a reshape moves no element.
func base(n *graph.Node) *graph.Node {
	for n.Op() == graph.OpReshape {
		n = n.In()[0]
	}
	return n
}

// A use is one operand of a node.
type use struct {
	user        *graph.Node
	elementwise bool // whether element i of the user reads only element i of the operand
}

// A readPattern is how a repeated operand is read: element i of a loop reads element (i/div) % mod.
type readPattern struct{ div, mod int }

// broadcastPattern returns the pattern of a broadcast from one shape to another. It returns ok = false if there is none,
// because repeated axes lie between kept axes.
func broadcastPattern(from, to graph.Shape) (p readPattern, ok bool) {
	strides := graph.BroadcastStrides(from, to)
	p = readPattern{1, 1}
	const (
		after = iota // repeated axes after the kept ones
		kept
		before
	)
	position := after
	for i := len(to) - 1; i >= 0; i-- {
		switch {
		case to[i] == 1:
		case strides[i] == 0 && position == after:
			p.div *= to[i]
		case strides[i] == 0:
			position = before
		case position == before:
			return p, false
		default:
			position = kept
			p.mod *= to[i]
		}
	}
	return p, true
}

// operandSource returns the node from which an operand x of an element-wise node is read. If whole is true, element i reads
// element i; otherwise p is the pattern.
func (c *compiler) operandSource(x *graph.Node) (src *graph.Node, p readPattern, whole bool) {
	x = base(x)
	if x.Op() == graph.OpBroadcast && !c.check {
		if p, ok := broadcastPattern(x.In()[0].Shape(), x.Shape()); ok {
			return base(x.In()[0]), p, false
		}
	}
	return x, readPattern{}, true
}

// canLoop reports whether n can be part of a loop over blocks. A broadcast can, as a copy, where it must be in memory.
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

// canBeRoot reports whether n is a matrix product or a convolution: a loop can follow it on the result that is in cache.
func canBeRoot(n *graph.Node) bool {
	switch n.Op() {
	case graph.OpMatMul, graph.OpConv2D, graph.OpConv2DInputGrad, graph.OpConv2DFilterGrad:
		return true
	}
	return false
}

// reductionPattern returns the pattern of a sum: element i is added to element (i/div) % mod of the result. It returns
// ok = false if there is none, because summed axes lie between kept axes.
func reductionPattern(n *graph.Node) (p readPattern, ok bool) {
	s := n.In()[0].Shape()
	keep := s.Clone()
	for _, ax := range n.Attr().Axes {
		keep[ax] = 1
	}
	p, ok = broadcastPattern(keep, s)
	return p, ok && (p.mod == 1 || p.div == 1 || p.div*p.mod == s.Size())
}

// isLeaf reports whether n is an input, a state or a constant.
func isLeaf(n *graph.Node) bool {
	switch n.Op() {
	case graph.OpInput, graph.OpState, graph.OpConst:
		return true
	}
	return false
}

// findUses numbers the nodes and lists the uses of each base node. A broadcast that only element-wise nodes read is never
// in memory.
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
			continue // its users read its operand, or it is added below
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
	// Backward, because a broadcast in memory may read another one.
	for _, n := range slices.Backward(c.order) {
		if n.Op() == graph.OpBroadcast && c.materialized[n] {
			x := base(n.In()[0])
			add(x, use{n, false})
			c.materialized[x] = c.materialized[x] || x.Op() == graph.OpBroadcast
		}
	}
}

// A group is a set of nodes that are computed together. It is a root, or none, and a loop over blocks of the result; or a
// single node of another kind (standalone); or a region.
type group struct {
	nodes      []*graph.Node // in the order of the function, after fuse
	root       *graph.Node   // the matrix product or convolution, or nil
	size       int           // the number of elements of the loop
	standalone bool          // whether the group is one node without a loop, or a region
	merged     bool          // whether its nodes are in another group now
	region     *region       // the region whose nodes these are, or nil
	recomputed []*graph.Node // the nodes that another group computes as well
	guard      *updateGuard  // the condition of the group, or nil
	successors []*group      // groups that overwrite a state which this one reads, so they run later
}

// fuse forms the groups. In a first pass, from the last node to the first, a node joins the group of its users if all of
// them are in one group and read it element by element; this cannot make a cycle. In a second pass, a group joins a group
// that it reads, if no path between them passes through another group.
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
		c.merge()
	}
	for _, g := range c.groups {
		slices.SortFunc(g.nodes, func(a, b *graph.Node) int { return c.index[a] - c.index[b] })
	}
}

// join adds n to g.
func (c *compiler) join(g *group, n *graph.Node) {
	g.nodes = append(g.nodes, n)
	c.groupOf[n] = g
	if canBeRoot(n) {
		g.root = n
	}
}

// onlyUser returns the group that contains all users of n if each of them reads it element by element, and nil otherwise.
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

// fits reports whether n may join g: it has the size of g, there is at most one root, and the tasks of the root contain whole
// rows of all reductions.
func (c *compiler) fits(g *group, n *graph.Node) bool {
	if n.Shape().Size() != g.size {
		return false
	}
	if !canBeRoot(n) {
		return true
	}
	return g.root == nil && divides(unitOf(n), g)
}

// divides reports whether tasks with a multiple of unit elements can contain whole rows of all reductions of g.
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

// unitOf returns the smallest number of elements that a task of a root computes.
func unitOf(n *graph.Node) int {
	s := n.Shape()
	switch n.Op() {
	case graph.OpMatMul:
		return s[len(s)-1]
	case graph.OpConv2D, graph.OpConv2DInputGrad:
		return s[1:].Size()
	}
	return 1
}

// merge merges each group, users first, with groups that it reads element by element: then less is stored between groups. A
// group that could not be merged into another cannot be later either, whatever else is merged, as long as that other group
// stays as it is: a path between the two stays a path, and roots, reductions and versions stay in their group. So each group
// is visited once.
func (c *compiler) merge() {
	d := c.newDependents()
	for _, g := range slices.Backward(c.groups) {
		if g.standalone || g.merged {
			continue
		}
		for h := c.partner(g, d); h != nil; h = c.partner(g, d) {
			c.mergeDependents(d, h, g)
			for _, m := range h.nodes {
				c.join(g, m)
			}
			h.merged = true
		}
	}
	c.groups = slices.DeleteFunc(c.groups, func(g *group) bool { return g.merged })
	if invariants.Enabled {
		for d, i := c.newDependents(), 0; i < len(c.groups); i++ {
			g := c.groups[i]
			if h := c.partner(g, d); !g.standalone && h != nil {
				panic(fmt.Sprintf("cpu: after fuse: the group of %v can be merged with the group of %v", g.nodes[0], h.nodes[0]))
			}
		}
	}
}

// partner returns a group that g reads and that can be computed together with it, or nil.
func (c *compiler) partner(g *group, d *dependents) *group {
	for _, n := range g.nodes {
		if canBeRoot(n) || n.Op() == graph.OpBroadcast {
			continue
		}
		for _, x := range n.In() {
			src, _, whole := c.operandSource(x)
			h := c.groupOf[src]
			if whole && h != nil && h != g && !h.standalone && h.size == g.size && src.Op() != graph.OpSum && c.mergeable(h, g, d) {
				return h
			}
		}
	}
	return nil
}

// mergeable reports whether g, which reads h, can be computed together with h.
func (c *compiler) mergeable(h, g *group, d *dependents) bool {
	if h.root != nil && g.root != nil || c.separatesVersions(h.nodes, g) {
		return false
	}
	if h.root != nil && !divides(unitOf(h.root), g) || g.root != nil && !divides(unitOf(g.root), h) {
		return false
	}
	// There is no path from h to g except direct reads, which are element by element.
	for _, n := range h.nodes {
		for _, u := range c.uses[n] {
			k := c.groupOf[u.user]
			if k == g && (!u.elementwise || n.Op() == graph.OpSum) || k != g && k != h && d.has(k, g) {
				return false
			}
		}
	}
	return true
}

// dependents holds for each group those that depend on it, directly or through others, while groups are merged.
type dependents struct {
	row      map[*group]int
	bit      [][]uint64                    // bit[i] has a bit for each group that depends on the one of row i
	operands map[*graph.Node][]*graph.Node // the nodes with a group that a node uses
}

// newDependents returns the dependents of all groups.
func (c *compiler) newDependents() *dependents {
	d := &dependents{make(map[*group]int, len(c.groups)), make([][]uint64, len(c.groups)), map[*graph.Node][]*graph.Node{}}
	for i, g := range c.groups {
		d.row[g] = i
		for _, n := range g.nodes {
			for _, u := range c.uses[n] {
				d.operands[u.user] = append(d.operands[u.user], n)
			}
		}
	}
	for _, g := range c.groups {
		c.fill(d, g)
	}
	return d
}

// fill computes the row of g in d, and those of its dependents.
func (c *compiler) fill(d *dependents, g *group) []uint64 {
	i := d.row[g]
	if d.bit[i] != nil {
		return d.bit[i]
	}
	d.bit[i] = make([]uint64, (len(c.groups)+63)/64)
	for _, n := range g.nodes {
		for _, u := range c.uses[n] {
			if h := c.groupOf[u.user]; h != g {
				k := d.row[h]
				addBits(d.bit[i], c.fill(d, h))
				d.bit[i][k/64] |= 1 << (k % 64)
			}
		}
	}
	return d.bit[i]
}

// has reports whether a node of h depends on a node of g.
func (d *dependents) has(g, h *group) bool { return d.hasRow(d.row[g], d.row[h]) }

func (d *dependents) hasRow(i, k int) bool { return d.bit[i][k/64]>>(k%64)&1 != 0 }

// mergeDependents gives g the dependents of h, which g reads, before the nodes of h join g. What h depends on has them
// already; so they are added to what g depends on and h does not.
func (c *compiler) mergeDependents(d *dependents, h, g *group) {
	added, from := d.bit[d.row[h]], d.row[h]
	seen := map[*group]bool{h: true}
	var add func(k *group)
	add = func(k *group) {
		i := d.row[k]
		if seen[k] || d.hasRow(i, from) {
			return
		}
		seen[k] = true
		addBits(d.bit[i], added)
		for _, n := range k.nodes {
			for _, x := range d.operands[n] {
				add(c.groupOf[x])
			}
		}
	}
	add(g)
}

// addBits sets those bits of a that are set in b.
func addBits(a, b []uint64) {
	for i, x := range b {
		a[i] |= x
	}
}

// reaches reports whether a node of to depends on a node of from. visited holds the groups that need no second visit.
func (c *compiler) reaches(from, to *group, visited map[*group]bool) bool {
	if from == to {
		return true
	}
	if visited[from] {
		return false
	}
	visited[from] = true
	for _, g := range from.successors {
		if c.reaches(g, to, visited) {
			return true
		}
	}
	for _, n := range from.nodes {
		for _, u := range c.uses[n] {
			if c.reaches(c.groupOf[u.user], to, visited) {
				return true
			}
		}
	}
	return false
}
