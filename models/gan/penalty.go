package gan

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
)

// A Penalty is a regulariser of the discriminator: a term that is added to its loss.
// GradientPenalty and R1 are two. To use one of your own, add it to Options.Penalties.
type Penalty struct {
	Formula string // as the objective of the model has it, with the weight

	// Value returns the term, a scalar with its weight, and the metric model.DInputGrad: the
	// mean norm of the gradient that the term penalises, a scalar, or nil.
	Value func(in PenaltyInput) (penalty, gradNorm *graph.Node)
}

// A PenaltyInput is a batch of the discriminator, for a Penalty.
type PenaltyInput struct {
	Real, Fake *graph.Node // images after augmentation: (B,H,W,C) in [−1, 1]

	in *inputs
}

// Logits returns the output of the discriminator for images, with the labels of the
// batch: (B,H,W,C) → (B).
func (p PenaltyInput) Logits(x *graph.Node) *graph.Node { return p.in.logits(x) }

// Mean returns the mean of v (B) over the images of weight 1, a scalar.
func (p PenaltyInput) Mean(v *graph.Node) *graph.Node { return p.in.mean(v) }

// Uniform draws from U[0,1): a number for each image, (B,1,…) of as many axes as the
// images have, from the random stream with that name. A penalty of your own takes a name
// of its own, so that its numbers are independent of all others.
func (p PenaltyInput) Uniform(stream string) *graph.Node {
	shape := p.in.img.Batch(p.in.n)
	for i := range shape[1:] {
		shape[i+1] = 1
	}
	return graph.Uniform(p.in.key, p.in.stream(stream), shape...)
}

// SquaredInputGradientNorm returns ‖∂D/∂x‖² of each image, D the output of the
// discriminator: (B,H,W,C) → (B). A penalty differentiates it once more.
func (p PenaltyInput) SquaredInputGradientNorm(x *graph.Node) *graph.Node {
	g := graph.Grad(graph.Sum(p.Logits(x)), x)[0]
	return sumValues(graph.Square(g))
}

// R1 returns the penalty γ/2·E ‖∂D/∂x‖² of real images x, for γ > 0; 0.1 to 10 are usual.
// Mescheder, Geiger & Nowozin, arXiv:1801.04406, eq. 9.
func R1(gamma float64) Penalty {
	return Penalty{
		Formula: fmt.Sprintf("%g/2·‖∂D/∂x‖²", gamma),
		Value: func(in PenaltyInput) (penalty, gradNorm *graph.Node) {
			square := in.SquaredInputGradientNorm(in.Real)
			return graph.Scale(in.Mean(square), gamma/2), in.Mean(graph.Sqrt(square))
		},
	}
}

// penalised returns an update of the discriminator with the penalties in its loss.
func (in *inputs) penalised(u update.Update, real, fake *graph.Node) update.Update {
	var sum, gradNorm *graph.Node
	for _, p := range in.Penalties {
		value, norm := p.Value(PenaltyInput{Real: real, Fake: fake, in: in})
		if sum == nil {
			sum = value
		} else {
			sum = graph.Add(sum, value)
		}
		if gradNorm == nil {
			gradNorm = norm
		}
	}
	if sum == nil {
		return u
	}
	sum = graph.Tag(sum, "gradient penalty")
	u.Loss = graph.Add(u.Loss, sum)
	u.Metrics = append(u.Metrics, graph.Output{Name: model.DPenalty, Value: sum})
	if gradNorm != nil {
		u.Metrics = append(u.Metrics, graph.Output{Name: model.DInputGrad, Value: gradNorm})
	}
	return u
}

// sumValues returns the sum over the values of each image: (B,…) → (B).
func sumValues(x *graph.Node) *graph.Node {
	axes := make([]int, len(x.Shape())-1)
	for i := range axes {
		axes[i] = i + 1
	}
	return graph.Sum(x, axes...)
}
