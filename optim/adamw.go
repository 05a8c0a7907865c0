package optim

import "github.com/imago-ml/imago/engine/graph"

// AdamW is Adam with decoupled weight decay λ: Loshchilov & Hutter, arXiv:1711.05101, alg. 2. The decay does not pass
// through the moving averages:
//
//	p ← p − α · m̂ / (√v̂ + ε) − α λ p
//
// m̂ and v̂ are those of Adam. As in PyTorch, the decay is multiplied by the learning rate and applies to all parameters.
// With λ = 0 the rule equals Adam.
type AdamW struct {
	Adam
	WeightDecay float64 // λ ≥ 0
}

// DefaultAdamW returns AdamW with the defaults of PyTorch: β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.01.
func DefaultAdamW() AdamW {
	return AdamW{Adam: Adam{Name: "optimizer/adamw", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}, WeightDecay: 0.01}
}

// Update returns the updates of one step. The slots are those of Adam.
func (a AdamW) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot) {
	return a.update(params, grads, lr, a.WeightDecay)
}
