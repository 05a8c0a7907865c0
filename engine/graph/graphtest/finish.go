package graphtest

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
)

// finish makes a function of the graph that was grown: every node that nothing
// uses becomes an output, or part of a loss; then derivatives and updates.
func (g *generator) buildFunc() *graph.Func {
	used := map[*graph.Node]bool{}
	for _, r := range g.pool {
		for _, x := range (&graph.Func{Outputs: []graph.Output{{Name: "y", Value: r.Node}}}).Nodes() {
			if x != r.Node {
				used[x] = true
			}
		}
	}
	var ends []*graph.Node
	for _, r := range g.pool {
		if !used[r.Node] {
			ends = append(ends, r.Node)
		}
	}
	var outs []graph.Output
	out := func(name string, n *graph.Node) { outs = append(outs, graph.Output{Name: name, Value: n}) }
	rest := graph.Const(0.5)
	for i, n := range ends {
		if i < 3 {
			out(fmt.Sprintf("y%d", i), n)
		}
		if i >= 3 || g.chance(0.7) {
			rest = graph.Add(rest, graph.Mean(graph.Tanh(n)))
		}
	}
	out("loss", rest)
	if g.chance(0.2) { // an output that others are made from, at times a leaf
		out("inner", g.pickNode().Node)
	}

	updates := map[*graph.Node]*graph.Node{}
	if g.chance(0.55) {
		g.addGradients(rest, out, updates)
	}
	g.addUpdates(updates)
	var list []graph.Update
	for _, s := range g.states {
		if v := updates[s]; v != nil {
			list = append(list, graph.Update{State: s, Value: v})
		}
	}
	f, err := graph.NewFunc("random", g.inputs, outs, list)
	if err != nil {
		panic(fmt.Sprintf("graphtest: RandomFunc made an ill-formed function: %v\n%v", err, f))
	}
	return f
}

// differentiate adds the gradient of loss in all leaves and one inner node, as
// outputs or as steps of descent, and at times the gradient of its square, as a
// penalty has it.
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

// update gives states that have no new value one: a swap of two, a copy of an
// input, or a node of the graph made to fit.
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
