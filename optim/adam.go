package optim

import (
	"github.com/imago-ml/imago/engine/graph"
)

// Adam is the rule of Kingma & Ba, arXiv:1412.6980, alg. 1:
//
//	m ← β₁ m + (1−β₁) g      v ← β₂ v + (1−β₂) g²
//	p ← p − α · m̂ / (√v̂ + ε)      m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)
//
// This is the form of the paper and of PyTorch. Keras adds ε to √v before the correction, which corresponds to
// ε/√(1−β₂ᵗ) here; with ε = 1e-7 it matters only for gradients below about 1e-5.
//
// Adam is the usual rule for VAEs. GANs often set β₁ to 0.5 or 0.
type Adam struct {
	Name         string  // the slots are named Name/…; two optimisers of one model have different names
	Beta1, Beta2 float64 // decay of m and v for each step, in [0, 1)
	Epsilon      float64 // > 0
}

// DefaultAdam returns Adam with the defaults of Keras: β₁ = 0.9, β₂ = 0.999, ε = 1e-7.
func DefaultAdam() Adam {
	return Adam{Name: "optimizer/adam", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

// Update returns the updates of one step. The slots are Name/beta1_power and Name/beta2_power, scalars βᵗ that start at
// 1, and Name/m/<parameter> and Name/v/<parameter>, which start at 0.
func (a Adam) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot) {
	return a.update(params, grads, lr, 0)
}

// update returns the updates of Adam, or those of AdamW if weightDecay is above 0.
func (a Adam) update(params, grads []*graph.Node, lr *graph.Node, weightDecay float64) ([]graph.Update, []Slot) {
	s := &step{name: a.Name}
	beta1, beta2 := averageWeights(a.Beta1), averageWeights(a.Beta2)
	// correction returns the scalar 1/(1−βᵗ). It is a factor, so that no element needs a division.
	correction := func(slot string, beta *graph.Node) *graph.Node {
		power := s.scalar(slot, 1)
		return graph.Div(graph.Const(1), graph.Sub(graph.Const(1), s.set(power, graph.Mul(power, beta))))
	}
	c1, c2 := correction("beta1_power", beta1.old), correction("beta2_power", beta2.old)
	rate := graph.Mul(lr, c1)
	eps := graph.Const(a.Epsilon)
	for i, p := range params {
		g := grads[i]
		m := s.slot("m", p)
		v := s.slot("v", p)
		m = s.average(m, g, beta1)
		v = s.average(v, graph.Square(g), beta2)
		denominator := graph.Add(graph.Sqrt(graph.Mul(v, c2)), eps)
		change := graph.Div(graph.Mul(m, rate), denominator)
		if weightDecay > 0 {
			change = graph.Add(change, graph.Mul(p, graph.Scale(lr, weightDecay)))
		}
		s.set(p, graph.Sub(p, change))
	}
	return s.updates, s.slots
}
