package gan

import "github.com/imago-ml/imago/graph"

// A loss is a row of the table of adversarial losses: what the discriminator pays
// for a real and for a made image, and what the generator pays for one, each of
// the discriminator's logit l, (B) → (B), nats. D(x) = sigmoid(l).
type loss struct {
	formula    string
	real, fake func(l *graph.Node) *graph.Node
	fool       func(l *graph.Node) *graph.Node
}

// nonSaturating is the loss of Goodfellow et al. 2014, section 3, with the
// generator's in the form that has a slope where it loses. As softplus of the
// logits none of it overflows.
var nonSaturating = loss{
	formula: "D: −ln D(x) − ln(1 − D(G(z))), G: −ln D(G(z))",
	real:    func(l *graph.Node) *graph.Node { return graph.Softplus(graph.Neg(l)) },
	fake:    graph.Softplus,
	fool:    func(l *graph.Node) *graph.Node { return graph.Softplus(graph.Neg(l)) },
}
