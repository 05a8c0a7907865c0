package graphtest

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
)

// buildFunc returns a function of the nodes of the pool. Every node that no other node uses becomes an output or a part of
// a loss. It then adds gradients and updates.
func (g *generator) buildFunc() *graph.Func {
	used := map[*graph.Node]bool{}
	for _, r := range g.pool {
		for _, x := range (&graph.Func{Outputs: []graph.Output{{Name: "y", Value: r.Node}}}).Nodes() {
			if x != r.Node {
				used[x] = true
			}
		}
	}
	var unused []*graph.Node
	for _, r := range g.pool {
		if !used[r.Node] {
			unused = append(unused, r.Node)
		}
	}
	var outs []graph.Output
	out := func(name string, n *graph.Node) { outs = append(outs, graph.Output{Name: name, Value: n}) }
	loss := graph.Const(0.5)
	for i, n := range unused {
		if i < 3 {
			out(fmt.Sprintf("y%d", i), n)
		}
		if i >= 3 || g.chance(0.7) {
			loss = graph.Add(loss, graph.Mean(graph.Tanh(n)))
		}
	}
	out("loss", loss)
	if g.chance(0.2) { // an output that other outputs depend on, sometimes a leaf
		out("inner", g.pickNode().Node)
	}

	updates := map[*graph.Node]*graph.Node{}
	if g.chance(0.55) {
		g.addGradients(loss, out, updates)
	}
	g.addUpdates(updates)
	var updateList []graph.Update
	for _, s := range g.states {
		if v := updates[s]; v != nil {
			updateList = append(updateList, graph.Update{State: s, Value: v})
		}
	}
	f, err := graph.NewFunc("random", g.inputs, outs, updateList)
	if err != nil {
		panic(fmt.Sprintf("graphtest: RandomFunc has made an ill-formed function: %v\n%v", err, f))
	}
	return f
}

// addGradients adds the gradient of loss with respect to all leaves and one inner node, as outputs or as updates of gradient
// descent. Sometimes it also adds the gradient of a gradient penalty.
func (g *generator) addGradients(loss *graph.Node, out func(string, *graph.Node), updates map[*graph.Node]*graph.Node) {
	wrt := append([]*graph.Node{}, g.states...)
	for _, n := range g.inputs {
		if n != g.keyNode {
			wrt = append(wrt, n)
		}
	}
	inner := g.pickNode().Node
	wrt = append(wrt, inner)
	grads := graph.Grad(loss, wrt...)
	penalty := graph.Const(0)
	for i, d := range grads {
		if wrt[i].Op() == graph.OpState && g.chance(0.5) {
			updates[wrt[i]] = graph.Sub(wrt[i], graph.Scale(d, 0.125))
		} else {
			out(fmt.Sprintf("gradient%d", i), d)
		}
		penalty = graph.Add(penalty, graph.Sum(graph.Square(graph.Tanh(d))))
	}
	if g.chance(0.35) {
		out("penalty", penalty)
		for i, d := range graph.Grad(penalty, wrt...) {
			out(fmt.Sprintf("second%d", i), d)
		}
	}
}

// addUpdates adds updates of states without one: an exchange of two states, or a node of the pool, which is reduced to the
// shape of the state if necessary.
func (g *generator) addUpdates(updates map[*graph.Node]*graph.Node) {
	for i, s := range g.states {
		if updates[s] != nil || g.chance(0.4) {
			continue
		}
		for _, o := range g.states[:i] {
			if o.Shape().Equal(s.Shape()) && updates[o] == nil {
				updates[o], updates[s] = s, o
				break
			}
		}
		if updates[s] != nil {
			continue
		}
		v := g.pickNode().Node
		for range 8 {
			if v.Shape().Equal(s.Shape()) {
				break
			}
			v = g.pickNode().Node
		}
		if !v.Shape().Equal(s.Shape()) {
			v = graph.Add(graph.Scale(s, 0.875), graph.Mean(graph.Tanh(v)))
		}
		updates[s] = v
	}
}
