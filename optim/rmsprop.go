package optim

import "github.com/imago-ml/imago/engine/graph"

// RMSprop divides the gradient by a moving average of its magnitude, in the form of PyTorch:
//
//	v ← ρ v + (1−ρ) g²
//	d = g / (√v + ε)                 or, if Centered, m ← ρ m + (1−ρ) g,  d = g / (√(v − m²) + ε)
//	p ← p − α d                      or, with momentum, b ← μ b + d,  p ← p − α b
//
// v, m and b start at 0. Tieleman & Hinton 2012, lecture 6.5 of "Neural Networks for Machine Learning"; centred: Graves,
// arXiv:1308.0850, sec. 4.2. Arjovsky et al., arXiv:1701.07875, train the WGAN with it, with α = 5e-5.
type RMSprop struct {
	Name     string  // the slots are named Name/…; two optimisers of one model have different names
	Rho      float64 // ρ, decay of v and m for each step, in [0, 1)
	Epsilon  float64 // ε > 0
	Momentum float64 // μ, in [0, 1); 0 = none
	Centered bool    // whether √v is replaced by an estimate of the standard deviation of g
}

// DefaultRMSprop returns RMSprop with the defaults of PyTorch: ρ = 0.99, ε = 1e-8, no momentum, not centred.
func DefaultRMSprop() RMSprop {
	return RMSprop{Name: "optimizer/rmsprop", Rho: 0.99, Epsilon: 1e-8}
}

// Update returns the updates of one step. The slots are Name/v/<parameter>, with Centered Name/m/<parameter>, and with
// momentum Name/momentum/<parameter>. They start at 0.
func (r RMSprop) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot) {
	s := &step{name: r.Name}
	rho := averageWeights(r.Rho)
	momentum, eps := graph.Const(r.Momentum), graph.Const(r.Epsilon)
	for i, p := range params {
		g := grads[i]
		variance := s.average(s.slot("v", p), graph.Square(g), rho)
		if r.Centered {
			m := s.average(s.slot("m", p), g, rho)
			// By Jensen's inequality v ≥ m²; rounding can make the difference negative.
			variance = graph.Max(graph.Sub(variance, graph.Square(m)), graph.Const(0))
		}
		direction := graph.Div(g, graph.Add(graph.Sqrt(variance), eps))
		if r.Momentum > 0 {
			b := s.slot("momentum", p)
			direction = s.set(b, graph.Add(graph.Mul(b, momentum), direction))
		}
		s.set(p, graph.Sub(p, graph.Mul(direction, lr)))
	}
	return s.updates, s.slots
}
