package cpu

import (
	"slices"

	"github.com/imago-ml/imago/graph"
)

// findVersions lists the values that a state takes one after the other, where it is
// updated more than once, as a discriminator is in its turns: each keeps the one
// before unless a condition holds. A step count is made long before its condition is
// known, so a state of one element has none.
func (c *compiler) findVersions() {
	for _, u := range c.f.Updates {
		var chain []*graph.Node
		for n := base(u.Value); n != u.State; n = base(n.In()[2]) {
			if n.Op() != graph.OpSelect || n.Shape().Size() != u.State.Shape().Size() || len(chain) > 0 && c.kept[n] {
				chain = nil
				break
			}
			chain = append(chain, n)
		}
		if len(chain) < 2 || u.State.Shape().Size() == 1 {
			continue
		}
		slices.Reverse(chain)
		for _, n := range chain {
			c.versionOf[n] = u.State
		}
		c.versions[u.State] = chain
	}
}

// parts reports whether a version of a state is in h and another in g: either can be
// written over the other only if they are computed apart.
func (c *compiler) parts(h, g *group) bool {
	for _, n := range h.nodes {
		s := c.versionOf[n]
		if s != nil && slices.ContainsFunc(g.nodes, func(m *graph.Node) bool { return c.versionOf[m] == s }) {
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
		v := base(u.Value)
		if v == u.State {
			continue
		}
		old := u.State
		if chain := c.versions[u.State]; chain != nil {
			for _, n := range chain[:len(chain)-1] {
				if c.overwrite(old, n) {
					old = n
				}
			}
		}
		if !c.overwrite(old, v) {
			c.commits = append(c.commits, graph.Update{State: u.State, Value: v})
		}
	}
}

// overwrite has v written over what the state holds, its old value or a version of
// it, if that can be.
func (c *compiler) overwrite(old, v *graph.Node) bool {
	if c.inPlace[v] != nil || !c.writable(old, v) {
		return false
	}
	c.inPlace[v] = old
	g := c.groupOf[v]
	for _, r := range c.uses[old] {
		if h := c.groupOf[r.user]; h != g {
			h.after = append(h.after, g)
		}
	}
	return true
}

// writable reports whether v may be written over the old value of s.
func (c *compiler) writable(s, v *graph.Node) bool {
	g := c.groupOf[v]
	if g == nil || g.solo || anchors(v) || v.Op() == graph.OpSum {
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
		if !r.each || r.user == g.anchor || c.place[r.user] > c.place[v] || r.user.Op() == graph.OpSum {
			return false
		}
	}
	return true
}
