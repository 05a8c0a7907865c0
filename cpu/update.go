package cpu

import "github.com/imago-ml/imago/graph"

// placeUpdates decides which new values of states are written straight into the
// state: those made element by element in a group that can come after every
// other reader of the old value. The rest are copied when all else is done.
func (c *compiler) placeUpdates() {
	for _, u := range c.f.Updates {
		v := base(u.Value)
		if v == u.State {
			continue
		}
		if c.inPlace[v] == nil && c.writable(u.State, v) {
			c.inPlace[v] = u.State
			g := c.groupOf[v]
			for _, r := range c.uses[u.State] {
				if h := c.groupOf[r.user]; h != g {
					h.after = append(h.after, g)
				}
			}
			continue
		}
		c.commits = append(c.commits, graph.Update{State: u.State, Value: v})
	}
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
