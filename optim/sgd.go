package optim

import "github.com/imago-ml/imago/engine/graph"

// SGD is stochastic gradient descent, with momentum μ if it is above 0, in the form of PyTorch:
//
//	p ← p − α g                                   without momentum
//	b ← μ b + g,   p ← p − α b                    with momentum (Polyak 1964)
//	b ← μ b + g,   p ← p − α (g + μ b)            with Nesterov momentum
//
// b starts at 0. Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", sec. 2; they
// put α inside b, which differs only when the learning rate changes.
type SGD struct {
	Name     string  // the slots are named Name/…; two optimisers of one model have different names
	Momentum float64 // μ, in [0, 1); 0 = none
	Nesterov bool    // whether the momentum is Nesterov's; without effect if Momentum is 0
}

// DefaultSGD returns SGD without momentum, the default of PyTorch and Keras.
func DefaultSGD() SGD { return SGD{Name: "optimizer/sgd"} }

// Update returns the updates of one step. With momentum, the slots are Name/momentum/<parameter>, which start at 0.
// Without momentum there are none.
func (r SGD) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot) {
	s := &step{name: r.Name}
	momentum := graph.Const(r.Momentum)
	for i, p := range params {
		g := grads[i]
		direction := g
		if r.Momentum > 0 {
			b := s.slot("momentum", p)
			b = s.set(b, graph.Add(graph.Mul(b, momentum), g))
			direction = b
			if r.Nesterov {
				direction = graph.Add(g, graph.Mul(b, momentum))
			}
		}
		s.set(p, graph.Sub(p, graph.Mul(direction, lr)))
	}
	return s.updates, s.slots
}
