package update

import "github.com/imago-ml/imago/engine/graph"

// versions are the states of a function in which updates follow each other.
type versions struct {
	states []*graph.Node          // one a name, in the order in which they were read
	values map[string]*graph.Node // new values by name of the state, where an update has changed it
}

// Substitute returns a function that rewrites a node with each state replaced by its
// value of that name. A node that depends on no such state is returned as it is.
func Substitute(values map[string]*graph.Node) func(n *graph.Node) *graph.Node {
	return (&versions{}).substitution(values)
}

// substitution returns Substitute of values; of states without a value, which each
// update may have declared for itself, one node stands for all of a name.
func (s *versions) substitution(values map[string]*graph.Node) func(n *graph.Node) *graph.Node {
	rewritten := map[*graph.Node]*graph.Node{}
	var rewrite func(n *graph.Node) *graph.Node
	rewrite = func(n *graph.Node) *graph.Node {
		if m, ok := rewritten[n]; ok {
			return m
		}
		m := n
		if n.Op() == graph.OpState {
			m = s.value(n, values)
		} else {
			in, changed := make([]*graph.Node, len(n.In())), false
			for i, x := range n.In() {
				in[i] = rewrite(x)
				changed = changed || in[i] != x
			}
			if changed {
				m = graph.Rebuild(n, in...)
			}
		}
		rewritten[n] = m
		return m
	}
	return rewrite
}

// value returns the value of a state: that of values, or the node that stands for it.
func (s *versions) value(n *graph.Node, values map[string]*graph.Node) *graph.Node {
	if v := values[n.Name()]; v != nil {
		return v
	}
	for _, old := range s.states {
		if old.Name() == n.Name() {
			return old
		}
	}
	s.states = append(s.states, n)
	return n
}

func (s *versions) set(name string, value *graph.Node) {
	if s.values == nil {
		s.values = map[string]*graph.Node{}
	}
	s.values[name] = value
}

// updates returns the last value of each state.
func (s *versions) updates() []graph.Update {
	var updates []graph.Update
	for _, st := range s.states {
		if v := s.values[st.Name()]; v != nil {
			updates = append(updates, graph.Update{State: st, Value: v})
		}
	}
	return updates
}
