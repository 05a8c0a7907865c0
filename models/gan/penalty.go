package gan

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// A penalty is what the discriminator pays for the slope of its output in the pixels,
// g(x) = ∂D(x)/∂x, which is itself differentiated when it learns:
//
//	λ·E (‖g(x̂)‖ − 1)²,  x̂ = ε·x + (1−ε)·G(z), ε ~ U(0,1)
//	γ/2·E ‖g(x)‖²,      x real
//
// The first is that of Gulrajani et al., arXiv:1704.00028, eq. 3, the second R₁ of
// Mescheder, Geiger & Nowozin, arXiv:1801.04406, eq. 9.
type penalty struct{ gp, r1 float64 } // λ and γ, 0 for none

func (p penalty) formula() string {
	text := ""
	if p.gp > 0 {
		text += fmt.Sprintf(" + %g·(‖∂D/∂x̂‖ − 1)²", p.gp)
	}
	if p.r1 > 0 {
		text += fmt.Sprintf(" + %g/2·‖∂D/∂x‖²", p.r1)
	}
	return text
}

// of returns the penalty of a turn's real and made images, a scalar, and the metrics of it.
// It is nil without one.
func (p penalty) of(s *scene, real, made *graph.Node) (sum *graph.Node, metrics []graph.Output) {
	var length *graph.Node
	if p.gp > 0 {
		eps := graph.Uniform(s.key, s.stream("between"), s.n, 1, 1, 1)
		between := graph.Add(made, graph.Mul(eps, graph.Sub(real, made)))
		norm := graph.Sqrt(graph.AddScalar(s.slope(between), 1e-12)) // else its own slope is not finite at 0
		length = s.overReal(norm)
		sum = graph.Scale(s.overReal(graph.Square(graph.AddScalar(norm, -1))), p.gp)
	}
	if p.r1 > 0 {
		square := s.slope(real)
		if length == nil {
			length = s.overReal(graph.Sqrt(square))
		}
		r1 := graph.Scale(s.overReal(square), p.r1/2)
		if sum == nil {
			sum = r1
		} else {
			sum = graph.Add(sum, r1)
		}
	}
	if sum == nil {
		return nil, nil
	}
	return graph.Tag(sum, "gradient penalty"), []graph.Output{{Name: model.DPenalty, Value: sum}, {Name: model.DInputGrad, Value: length}}
}

// slope returns ‖∂D/∂x‖² of each image: (B,H,W,C) → (B).
func (s *scene) slope(x *graph.Node) *graph.Node {
	g := graph.Grad(graph.Sum(s.judge(x)), x)[0]
	return graph.Sum(graph.Square(g), 1, 2, 3)
}
