package update

import "github.com/imago-ml/imago/engine/graph"

// Substitute returns a function that rewrites a node with states replaced by values,
// by the name of the state. Nodes that depend on no such state are returned as they
// are, and each node is rewritten once. An example is an average of the weights of a
// network in place of the weights: build the network, and substitute its output.
func Substitute(values map[string]*graph.Node) func(n *graph.Node) *graph.Node {
	return (&versions{}).substitution(values)
}

// versions are the states of a step in which several updates follow each other.
type versions struct {
	states []*graph.Node          // one for each name, in the order in which they were read
	values map[string]*graph.Node // the current value of each state that an update has changed
}

// substitution returns Substitute of values. Of the other states, one node stands for
// all nodes with the same name: each update may have declared its own.
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

// value returns the value of a state in values, or else the node that stands for it.
func (s *versions) value(n *graph.Node, values map[string]*graph.Node) *graph.Node {
	if v := values[n.Name()]; v != nil {
		return v
	}
	for _, state := range s.states {
		if state.Name() == n.Name() {
			return state
		}
	}
	s.states = append(s.states, n)
	return n
}

// set makes value the current value of the state with that name.
func (s *versions) set(name string, value *graph.Node) {
	if s.values == nil {
		s.values = map[string]*graph.Node{}
	}
	s.values[name] = value
}

// updates returns the updates that store the current value of each changed state.
func (s *versions) updates() []graph.Update {
	var updates []graph.Update
	for _, st := range s.states {
		if v := s.values[st.Name()]; v != nil {
			updates = append(updates, graph.Update{State: st, Value: v})
		}
	}
	return updates
}
