package cpu

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// findVersions finds the states that are updated more than once in a run, and marks the values that they take one after the
// other, their versions. States of one element have no versions: a step counter is computed long before its condition.
func (c *compiler) findVersions() {
	for _, u := range c.f.Updates {
		if versions := c.versions(u); len(versions) > 1 && u.State.Shape().Size() > 1 {
			for _, n := range versions {
				c.stateOfVersion[n] = u.State
			}
		}
	}
}

// versions returns the values that a state takes one after the other, up to its new value. An example is a discriminator with
// several updates in one step. Each version is a select between a value and the version before. versions returns only the
// new value if there are no others, or if one of them is needed after the run.
func (c *compiler) versions(u graph.Update) []*graph.Node {
	v := base(u.Value)
	var versions []*graph.Node
	for n := v; n != u.State; n = base(n.In()[2]) {
		if n.Op() != graph.OpSelect || n.Shape().Size() != u.State.Shape().Size() || n != v && c.materialized[n] {
			return []*graph.Node{v}
		}
		versions = append(versions, n)
	}
	slices.Reverse(versions)
	return versions
}

// separatesVersions reports whether nodes contains a version of a state of which g contains another version. One version can
// overwrite the other only if different groups compute them.
func (c *compiler) separatesVersions(nodes []*graph.Node, g *group) bool {
	for _, n := range nodes {
		s := c.stateOfVersion[n]
		if s != nil && slices.ContainsFunc(g.nodes, func(m *graph.Node) bool { return c.stateOfVersion[m] == s }) {
			return true
		}
	}
	return false
}

// placeUpdates chooses the new values of states that are written directly to the memory of the state: those that a group
// computes element by element and that can run after all other readers of the old value. The others are copied at the end.
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

// tryInPlace makes v overwrite old, the old value of a state or a version of it, if that is possible, and reports whether it
// is.
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

// canOverwrite reports whether v may overwrite s, the old value of a state or a version of it.
func (c *compiler) canOverwrite(s, v *graph.Node) bool {
	g := c.groupOf[v]
	if g == nil || g.standalone || canBeRoot(v) || v.Op() == graph.OpSum {
		return false
	}
	for _, o := range c.f.Outputs {
		if base(o.Value) == s {
			return false // the output is read after the run
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
		// Within a loop, all reads of a block of s must come before v overwrites the block.
		if !r.elementwise || r.user == g.root || c.index[r.user] > c.index[v] || r.user.Op() == graph.OpSum {
			return false
		}
	}
	return true
}
