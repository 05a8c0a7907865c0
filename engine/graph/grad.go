package graph

// Grad returns the gradients of a scalar loss with respect to each of wrt, as nodes of the shapes of wrt. If loss does not
// depend on a node, its gradient is 0. The nodes of wrt need not be inputs or states. The result consists of ordinary nodes:
// gradients can be differentiated again, for example in a gradient penalty. Grad panics with a *ShapeError if loss is not a
// scalar.
func Grad(loss *Node, wrt ...*Node) []*Node {
	if len(loss.shape) != 0 {
		panic(&ShapeError{"grad", []Shape{loss.shape}, "the loss is not a scalar; sum it or take its mean"})
	}
	order := topological(loss)
	active := make(map[*Node]bool, len(order)) // whether the node depends on one of wrt
	for _, w := range wrt {
		active[w] = true
	}
	for _, n := range order {
		for _, x := range n.in {
			active[n] = active[n] || active[x] && n.op != OpStop
		}
	}
	cotangent := map[*Node]*Node{loss: Const(1)}
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		if !active[n] || cotangent[n] == nil || len(n.in) == 0 {
			continue
		}
		out := make([]*Node, len(n.in))
		ops[n.op].vjp(n, cotangent[n], n.in, out)
		for j, g := range out {
			x := n.in[j]
			if g == nil || !active[x] {
				continue
			}
			if n.label != "" {
				Tag(g, n.label+" (gradient)")
			}
			if cotangent[x] != nil {
				g = Add(cotangent[x], g)
			}
			cotangent[x] = g
		}
	}
	grads := make([]*Node, len(wrt))
	for i, w := range wrt {
		if grads[i] = cotangent[w]; grads[i] == nil {
			grads[i] = BroadcastTo(Const(0), w.shape...)
		}
	}
	return grads
}

// topological returns roots and all nodes they depend on, each once, operands before their users. The order depends on the
// graph alone.
func topological(roots ...*Node) []*Node {
	var order []*Node
	visited := map[*Node]bool{}
	var walk func(n *Node)
	walk = func(n *Node) {
		if visited[n] {
			return
		}
		visited[n] = true
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
