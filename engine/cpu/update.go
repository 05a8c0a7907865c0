package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// findVersions marks the values that a state takes one after the other, where it is
// updated more than once. A step count is made long before its condition is known, so
// a state of one element has none.
func (c *compiler) findVersions() {
	for _, u := range c.f.Updates {
		if chain := c.versions(u); len(chain) > 1 && u.State.Shape().Size() > 1 {
			for _, n := range chain {
				c.stateOfVersion[n] = u.State
			}
		}
	}
}

// chain returns the values that a state takes in turn, the last of them its new one, as a
// discriminator's are in its turns: each keeps the one before unless a condition
// holds. It is the new value alone where nothing else comes between, or is needed
// afterwards.
func (c *compiler) versions(u graph.Update) []*graph.Node {
	v := base(u.Value)
	var chain []*graph.Node
	for n := v; n != u.State; n = base(n.In()[2]) {
		if n.Op() != graph.OpSelect || n.Shape().Size() != u.State.Shape().Size() || n != v && c.materialized[n] {
			return []*graph.Node{v}
		}
		chain = append(chain, n)
	}
	slices.Reverse(chain)
	return chain
}

// parts reports whether a version of a state is among some nodes and another in g:
// either can be written over the other only if they are computed apart.
func (c *compiler) separatesVersions(nodes []*graph.Node, g *group) bool {
	for _, n := range nodes {
		s := c.stateOfVersion[n]
		if s != nil && slices.ContainsFunc(g.nodes, func(m *graph.Node) bool { return c.stateOfVersion[m] == s }) {
			return true
		}
	}
	return false
}

// placeUpdates decides which new values of states are written straight into the
// state: those made element by element in a group that can come after every
// other reader of the old value. The rest are copied when all else is done.
func (c *compiler) placeUpdates() {
	for _, u := range c.f.Updates {
		v, old := base(u.Value), u.State
		if v == u.State {
			continue
		}
		for _, n := range c.versions(u) {
			if (n == v || c.stateOfVersion[n] != nil) && c.tryInPlace(old, n) {
				old = n
			}
		}
		if old != v {
			c.commits = append(c.commits, graph.Update{State: u.State, Value: v})
		}
	}
}

// overwrite has v written over what the state holds, its old value or a version of
// it, if that can be.
func (c *compiler) tryInPlace(old, v *graph.Node) bool {
	if c.inPlace[v] != nil || !c.canOverwrite(old, v) {
		return false
	}
	c.inPlace[v] = old
	g := c.groupOf[v]
	for _, r := range c.uses[old] {
		if h := c.groupOf[r.user]; h != g {
			h.successors = append(h.successors, g)
		}
	}
	return true
}

// writable reports whether v may be written over the old value of s.
func (c *compiler) canOverwrite(s, v *graph.Node) bool {
	g := c.groupOf[v]
	if g == nil || g.standalone || canBeRoot(v) || v.Op() == graph.OpSum {
		return false
	}
	for _, o := range c.f.Outputs {
		if base(o.Value) == s {
			return false // it is read after the run
		}
	}
	for _, r := range c.uses[s] {
		h := c.groupOf[r.user]
		if h != g {
			if c.reaches(g, h, map[*group]bool{}) {
				return false
			}
			continue
		}
		// Within the loop each block of s is read before v overwrites it.
		if !r.elementwise || r.user == g.root || c.index[r.user] > c.index[v] || r.user.Op() == graph.OpSum {
			return false
		}
	}
	return true
}
