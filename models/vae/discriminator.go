package vae

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// codeDiscriminator is a discriminator of codes: dense layers and one logit, network
// discriminator.
type codeDiscriminator struct {
	hidden     []int
	activation nn.Activation
}

// logits returns ln D(z)/(1−D(z)): z (B,Z) → (B).
func (d codeDiscriminator) logits(b *nn.Builder, z *graph.Node) *graph.Node {
	b = b.Network("discriminator")
	h := denseLayers(b, b.Input("input_3", z), d.hidden, d.activation)
	return graph.Reshape(b.Dense("logit", h, 1, nn.None), -1)
}

// denseLayers returns the output of hidden layers: h (B,D) → (B,F).
func denseLayers(b *nn.Builder, h *graph.Node, hidden []int, activation nn.Activation) *graph.Node {
	for i, units := range hidden {
		h = b.Dense(nn.LayerName("dense", i), h, units, activation)
	}
	return h
}

// negLogD returns −ln D of logits, and negLogOneMinusD −ln(1 − D): (B), nats.
func negLogD(logits *graph.Node) *graph.Node         { return graph.Softplus(graph.Neg(logits)) }
func negLogOneMinusD(logits *graph.Node) *graph.Node { return graph.Softplus(logits) }

// isPositive returns 1 where D > ½, else 0: (B).
func isPositive(logits *graph.Node) *graph.Node { return graph.Greater(logits, graph.Const(0)) }

// isNegative returns 1 − isPositive: (B).
func isNegative(logits *graph.Node) *graph.Node {
	return graph.Sub(graph.Const(1), isPositive(logits))
}

// mean2 returns (a + b)/2.
func mean2(a, b *graph.Node) *graph.Node { return graph.Scale(graph.Add(a, b), 0.5) }

// adversarialAdam returns Adam for a network that learns against another.
func adversarialAdam(name string, beta2 float64) optim.Adam {
	return optim.Adam{Name: "optimizer/" + name, Beta1: 0.5, Beta2: beta2, Epsilon: 1e-8}
}

// checkRate returns the fault of a field that is a multiple of the learning rate.
func checkRate(field string, rate float64) []error {
	if rate > 0 && rate <= math.MaxFloat32 {
		return nil
	}
	return []error{option.Errorf("vae: {"+field+"} %v: want a multiple of {LR} above 0, as 0.5", rate)}
}
