package graph

// Grad returns the gradient of a scalar loss in each of wrt, as nodes. A node on
// which loss does not depend has the gradient 0. The result is an ordinary
// graph: its gradient may be taken again.
func Grad(loss *Node, wrt ...*Node) []*Node {
	if len(loss.shape) != 0 {
		panic(&ShapeError{"grad", []Shape{loss.shape}, "the loss is not a scalar; sum it or take its mean"})
	}
	order := topo(loss)
	needs := make(map[*Node]bool, len(order)) // depends on one of wrt
	for _, w := range wrt {
		needs[w] = true
	}
	for _, n := range order {
		for _, x := range n.in {
			needs[n] = needs[n] || needs[x] && n.op != OpStop
		}
	}
	ct := map[*Node]*Node{loss: Const(1)}
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		if !needs[n] || ct[n] == nil || len(n.in) == 0 {
			continue
		}
		out := make([]*Node, len(n.in))
		ops[n.op].vjp(n, ct[n], n.in, out)
		for j, g := range out {
			x := n.in[j]
			if g == nil || !needs[x] {
				continue
			}
			if n.label != "" {
				Tag(g, n.label+" (gradient)")
			}
			if ct[x] != nil {
				g = Add(ct[x], g)
			}
			ct[x] = g
		}
	}
	grads := make([]*Node, len(wrt))
	for i, w := range wrt {
		if grads[i] = ct[w]; grads[i] == nil {
			grads[i] = BroadcastTo(Const(0), w.shape...)
		}
	}
	return grads
}

// topo lists the nodes that roots are made from, operands before users, each
// once, in an order that depends on the graph alone.
func topo(roots ...*Node) []*Node {
	var order []*Node
	seen := map[*Node]bool{}
	var walk func(n *Node)
	walk = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, x := range n.in {
			walk(x)
		}
		order = append(order, n)
	}
	for _, r := range roots {
		walk(r)
	}
	return order
}
