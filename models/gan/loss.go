package gan

import (
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
)

// A loss is a row of the table of adversarial losses: what the discriminator pays
// for a real and for a made image, and what the generator pays for one, each of
// the discriminator's output l, (B) → (B). Where l is a logit, D(x) = sigmoid(l) and
// the losses are in nats.
type loss struct {
	name, formula, unit string
	real, fake          func(l *graph.Node) *graph.Node
	fool                func(l *graph.Node) *graph.Node
	// border is the l from which on the discriminator says real; scores says that it
	// does not say so, as only differences of l have a meaning.
	border float64
	scores bool
}

const nats = ", nats per image"

// losses is the table. As softplus of the logits none of it overflows.
var losses = []loss{
	{
		// Goodfellow et al. 2014, sec. 3, with the generator's in the form that has a
		// slope where it loses.
		name: "non-saturating", formula: "D: −ln D(x) − ln(1 − D(G(z))), G: −ln D(G(z))", unit: nats,
		real: reluctant, fake: graph.Softplus, fool: reluctant,
	},
	{
		// Goodfellow et al. 2014, eq. 1.
		name: "minimax", formula: "D: −ln D(x) − ln(1 − D(G(z))), G: ln(1 − D(G(z)))", unit: nats,
		real: reluctant, fake: graph.Softplus, fool: func(l *graph.Node) *graph.Node { return graph.Neg(graph.Softplus(l)) },
	},
	{
		// Mao et al., arXiv:1611.04076, eq. 9.
		name: "least-squares", formula: "D: ½(D(x) − 1)² + ½D(G(z))², G: ½(D(G(z)) − 1)²",
		real: offOne, fake: func(l *graph.Node) *graph.Node { return graph.Scale(graph.Square(l), 0.5) }, fool: offOne,
		border: 0.5,
	},
	{
		// Arjovsky, Chintala & Bottou, arXiv:1701.07875, sec. 3.
		name: "wasserstein", formula: "D: D(G(z)) − D(x), G: −D(G(z))",
		real: graph.Neg, fake: same, fool: graph.Neg,
		scores: true,
	},
	{
		// Lim & Ye, arXiv:1705.02894; Miyato et al., arXiv:1802.05957, eq. 16 and 17.
		name: "hinge", formula: "D: max(0, 1 − D(x)) + max(0, 1 + D(G(z))), G: −D(G(z))",
		real: func(l *graph.Node) *graph.Node { return graph.ReLU(graph.AddScalar(graph.Neg(l), 1)) },
		fake: func(l *graph.Node) *graph.Node { return graph.ReLU(graph.AddScalar(l, 1)) },
		fool: graph.Neg,
	},
}

// reluctant returns −ln D.
func reluctant(l *graph.Node) *graph.Node { return graph.Softplus(graph.Neg(l)) }

func offOne(l *graph.Node) *graph.Node {
	return graph.Scale(graph.Square(graph.AddScalar(l, -1)), 0.5)
}

func same(l *graph.Node) *graph.Node { return l }

// lossOf returns the row of a name.
func lossOf(name string) (loss, error) {
	var known []string
	for _, l := range losses {
		if l.name == name {
			return l, nil
		}
		known = append(known, l.name)
	}
	return loss{}, option.Errorf("gan: {Loss} %q: want %s", name, strings.Join(known, ", "))
}

// positive returns 1 where the discriminator says real, negative where it says made.
func (o loss) positive(l *graph.Node) *graph.Node { return graph.Greater(l, graph.Const(o.border)) }
func (o loss) negative(l *graph.Node) *graph.Node { return graph.Sub(graph.Const(1), o.positive(l)) }
