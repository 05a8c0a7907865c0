package optim

import "github.com/imago-ml/imago/engine/graph"

// GlobalNorm returns the norm of all gradients as one vector, √(Σ g²), a scalar. Use it with Clip and Guard, and as a
// metric.
func GlobalNorm(grads []*graph.Node) *graph.Node {
	sum := graph.Const(0)
	for _, g := range grads {
		sum = graph.Add(sum, graph.Sum(graph.Square(g)))
	}
	return graph.Sqrt(sum)
}

// Clip returns all gradients times min(1, limit/norm), where norm is their GlobalNorm: a norm above limit becomes limit,
// and the direction stays the same. Pass the result to Rule.Update. Pascanu et al., arXiv:1211.5063, alg. 1.
func Clip(grads []*graph.Node, norm *graph.Node, limit float64) []*graph.Node {
	scale := graph.Div(graph.Const(limit), graph.Max(norm, graph.Const(limit)))
	clipped := make([]*graph.Node, len(grads))
	for i, g := range grads {
		clipped[i] = graph.Mul(g, scale)
	}
	return clipped
}

// Guard returns updates that keep every state unless all of watched are finite. Watched are scalars such as the loss and
// the norm of the gradients. After a step that is not finite nothing is lost: the caller can run the same step again to
// find the layer that caused it.
func Guard(updates []graph.Update, watched ...*graph.Node) []graph.Update {
	finite := graph.Const(1)
	for _, x := range watched {
		// x − x is 0 only if x is finite. A sum of finite numbers can overflow, so each is tested on its own.
		finite = graph.Mul(finite, graph.Equal(graph.Sub(x, x), graph.Const(0)))
	}
	guarded := make([]graph.Update, len(updates))
	for i, u := range updates {
		guarded[i] = graph.Update{State: u.State, Value: graph.Select(finite, u.Value, u.State)}
	}
	return guarded
}
