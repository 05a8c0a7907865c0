package optim

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Adam is the rule of Kingma & Ba, arXiv:1412.6980, alg. 1. With g the gradient,
// t = 1, 2, … and α the learning rate:
//
//	m ← β₁ m + (1−β₁) g      v ← β₂ v + (1−β₂) g²
//	p ← p − α · m̂ / (√v̂ + ε)      m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)
//
// This is the form of the paper's algorithm and of PyTorch. Keras adds ε to the
// uncorrected √v, which is an ε of ε/√(1−β₂ᵗ) here: with ε = 1e-7 it is seen
// only by gradients below about 1e-5.
type Adam struct {
	Name         string  // the slots are called Name/…; one for each Adam of a model
	Beta1, Beta2 float64 // decay of m and v a step, in [0, 1)
	Epsilon      float64 // > 0
}

// DefaultAdam returns Adam as Keras sets it: 0.9, 0.999, 1e-7.
func DefaultAdam() Adam {
	return Adam{Name: "optimizer/adam", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

// Update returns one step. Its slots are Name/beta1_power and Name/beta2_power,
// scalars βᵗ that start at 1, and Name/m/<parameter> and Name/v/<parameter>.
func (a Adam) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []Slot) {
	var s slots
	var updates []graph.Update
	set := func(state, value *graph.Node) *graph.Node {
		graph.Tag(value, a.Name)
		updates = append(updates, graph.Update{State: state, Value: value})
		return value
	}
	b1, r1 := decay(a.Beta1)
	b2, r2 := decay(a.Beta2)
	power := func(name string, b *graph.Node) *graph.Node {
		st := s.state(a.Name+"/"+name, 1, tensor.Shape{})
		return graph.Div(graph.Const(1), graph.Sub(graph.Const(1), set(st, graph.Mul(st, b))))
	}
	// 1/(1−βᵗ), scalars: each element is spared a division.
	c1, c2 := power("beta1_power", b1), power("beta2_power", b2)
	rate := graph.Mul(lr, c1)
	eps := graph.Const(a.Epsilon)
	for i, p := range params {
		g := grads[i]
		m := s.state(a.Name+"/m/"+p.Name(), 0, p.Shape())
		v := s.state(a.Name+"/v/"+p.Name(), 0, p.Shape())
		m2 := set(m, graph.Add(graph.Mul(m, b1), graph.Mul(g, r1)))
		v2 := set(v, graph.Add(graph.Mul(v, b2), graph.Mul(graph.Square(g), r2)))
		den := graph.Add(graph.Sqrt(graph.Mul(v2, c2)), eps)
		set(p, graph.Sub(p, graph.Div(graph.Mul(m2, rate), den)))
	}
	return updates, s
}

// decay returns β and 1−β as the constants of a graph. 1−β is taken of β rounded to
// float32, so that the weights of an average still add up to 1: of 0.999 rounded,
// 1 − β₂ᵗ at t = 1 would else be 1e-5 off.
func decay(beta float64) (b, rest *graph.Node) {
	f := float64(float32(beta))
	return graph.Const(f), graph.Const(1 - f)
}
