package gan

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
)

// This file is WGAN-GP: Gulrajani et al., arXiv:1704.00028, algorithm 1.
//
//	Require: λ = 10, n_critic = 5, α = 0.0001, β₁ = 0, β₂ = 0.9
//	 1: while θ has not converged do
//	 2:   for t = 1, …, n_critic do
//	 3:     for i = 1, …, m do
//	 4:       sample real data x ~ P_r, z ~ p(z), ε ~ U[0,1]
//	 5:       x̃ ← G_θ(z)
//	 6:       x̂ ← ε·x + (1 − ε)·x̃
//	 7:       L⁽ⁱ⁾ ← D_w(x̃) − D_w(x) + λ(‖∇_x̂ D_w(x̂)‖₂ − 1)²
//	 8:     end for
//	 9:     w ← Adam(∇_w 1/m Σ L⁽ⁱ⁾, w, α, β₁, β₂)
//	10:   end for
//	11:   sample a batch of z ~ p(z)
//	12:   θ ← Adam(∇_θ 1/m Σ −D_w(G_θ(z)), θ, α, β₁, β₂)
//	13: end while
//
// The same loop trains the other GANs of the package, except the dense one: with another
// Loss, no Penalty and DSteps of 1 it is the training of DCGAN.

// wganGP returns the recipe of the algorithm, with the networks of DCGAN. The critic has
// no batch norm, because the penalty is on the gradient of each image by itself. A batch
// holds the n_critic minibatches of 64 images of an iteration.
func wganGP() model.Recipe {
	return model.Recipe{
		Name: "wgan-gp", About: "Wasserstein GAN with gradient penalty, with convolutional networks", Kind: "dcgan",
		Config: `{"loss": "wasserstein", "gp": 10, "d_steps": 5, "d_norm": "none", "beta1": 0, "beta2": 0.9}`,
		Train:  model.Training{Epochs: 100, Batch: 320, LearningRate: 1e-4},
	}
}

// Wasserstein returns the loss of Arjovsky, Chintala & Bottou, arXiv:1701.07875, sec. 3,
// in which D(x) = l is the score of a critic:
//
//	D: D(G(z)) − D(x)     G: −D(G(z))
//
// It needs a critic of bounded gradient: see GradientPenalty.
func Wasserstein() Loss {
	return Loss{
		Name: "wasserstein", Formula: "D: D(G(z)) − D(x), G: −D(G(z))",
		Real:      graph.Neg,                                    // −D_w(x) of line 7
		Fake:      func(l *graph.Node) *graph.Node { return l }, // D_w(x̃) of line 7
		Generator: graph.Neg,                                    // line 12
		IsCritic:  true,
	}
}

// GradientPenalty returns the penalty λ·E (‖∇D(x̂)‖ − 1)² of images x̂ on the straight
// lines between real and generated ones, for λ > 0; 10 as published. Eq. 3 of the paper.
func GradientPenalty(lambda float64) Penalty {
	return Penalty{
		Formula: fmt.Sprintf("%g·(‖∂D/∂x̂‖ − 1)²", lambda),
		Value: func(in PenaltyInput) (penalty, gradNorm *graph.Node) {
			eps := in.Uniform(streamInterpolation)                                     // line 4
			between := graph.Add(in.Fake, graph.Mul(eps, graph.Sub(in.Real, in.Fake))) // line 6
			square := in.SquaredInputGradientNorm(between)
			norm := graph.Sqrt(graph.AddScalar(square, 1e-12)) // the root has no finite gradient at 0
			distance := graph.Square(graph.AddScalar(norm, -1))
			return graph.Scale(in.Mean(distance), lambda), in.Mean(norm) // line 7, last term
		},
	}
}

// alternating is the algorithm of a GAN of two networks.
type alternating struct{ separate bool }

// updates returns the updates of one iteration.
func (a alternating) updates(in *inputs) []update.Update {
	if a.separate {
		return separateUpdates(in)
	}
	return jointUpdates(in)
}

// metrics returns the metrics of each image and of one generated image beside it.
func (a alternating) metrics(in *inputs) []graph.Output {
	return in.imageMetrics(in.logits(in.real()), in.logits(in.withAverage(in.b, in.generate(streamNoise))))
}

// jointUpdates returns the updates of one iteration, lines 2 to 12: the discriminator
// learns from real and generated images together. Each batch passes through it by
// itself, so that batch norm has the statistics of each. As in the implementation of
// DCGAN, line 11 takes the images of the last update of the discriminator again; their
// logits are those of the discriminator after that update.
func jointUpdates(in *inputs) []update.Update {
	var updates []update.Update
	var fakeLogits *graph.Node
	for _, batch := range in.minibatches() { // lines 2 and 3
		real := batch.augmented(streamReal, batch.real())                // line 4: x
		fake := batch.augmented(streamFake, batch.generate(streamNoise)) // lines 4 and 5: z, x̃
		realLogits := batch.logits(real)
		fakeLogits = batch.logits(fake)
		updates = append(updates, batch.discriminatorUpdate(real, fake, realLogits, fakeLogits)) // lines 6 to 9
	}
	return append(updates, in.generatorUpdate(fakeLogits)) // lines 11 and 12
}

// discriminatorUpdate returns the update of the discriminator on real and generated
// images together, given its logits for each.
func (in *inputs) discriminatorUpdate(real, fake, realLogits, fakeLogits *graph.Node) update.Update {
	l := in.Loss
	loss := graph.Add(in.mean(l.Real(realLogits)), graph.Mean(l.Fake(fakeLogits))) // line 7, first terms
	correct := graph.Add(in.mean(l.isReal(realLogits)), graph.Mean(l.isFake(fakeLogits)))
	metrics := in.discriminatorMetrics(graph.Scale(loss, 0.5), graph.Scale(correct, 0.5))
	u := in.update(in.discriminatorOptimizer, loss, metrics...) // line 9
	return in.penalised(u, real, fake)                          // line 7, last term
}

// generatorUpdate returns the update of the generator, given the logits of the
// discriminator for its images.
func (in *inputs) generatorUpdate(fakeLogits *graph.Node) update.Update {
	loss := graph.Mean(in.Loss.Generator(fakeLogits))
	return in.update(in.generatorOptimizer, loss, graph.Output{Name: model.GLoss, Value: loss}) // line 12
}
