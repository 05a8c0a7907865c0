package gan

import (
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
)

// A Loss is an adversarial loss: functions of the discriminator's output l for each
// image, (B) → (B). The discriminator minimises the mean of Real over real images plus
// the mean of Fake over generated images, the generator the mean of Generator over
// generated images. Where l is a logit, D(x) = σ(l) is the probability of "real".
//
// To use a loss of your own, set Options.Loss to one.
type Loss struct {
	Name    string // as in the option Loss
	Formula string // both losses on one line, for the objective of the model
	Unit    string // "nats per image", or "" of a loss without a unit

	Real, Fake func(logits *graph.Node) *graph.Node // of the discriminator
	Generator  func(logits *graph.Node) *graph.Node

	Threshold float64 // the discriminator classifies images with l > Threshold as real
	IsCritic  bool    // l is a score of which differences alone have a meaning: there is no threshold and no accuracy
}

// isReal returns 1 where the discriminator classifies an image as real, else 0: (B).
func (l Loss) isReal(logits *graph.Node) *graph.Node {
	return graph.Greater(logits, graph.Const(l.Threshold))
}

// isFake returns 1 where the discriminator classifies an image as generated, else 0: (B).
func (l Loss) isFake(logits *graph.Node) *graph.Node {
	return graph.Sub(graph.Const(1), l.isReal(logits))
}

// Losses returns the table of losses.
func Losses() []Loss {
	return []Loss{NonSaturating(), Minimax(), LeastSquares(), Wasserstein(), Hinge()}
}

const nats = "nats per image"

// NonSaturating returns the loss of Goodfellow et al., arXiv:1406.2661, sec. 3:
//
//	D: −ln D(x) − ln(1 − D(G(z)))     G: −ln D(G(z))
//
// The generator has a large gradient where the discriminator rejects its images.
func NonSaturating() Loss {
	return Loss{
		Name: "non-saturating", Formula: "D: −ln D(x) − ln(1 − D(G(z))), G: −ln D(G(z))", Unit: nats,
		Real: negLogSigmoid, Fake: negLogOneMinusSigmoid, Generator: negLogSigmoid,
	}
}

// Minimax returns the loss of Goodfellow et al., arXiv:1406.2661, eq. 1:
//
//	D: −ln D(x) − ln(1 − D(G(z)))     G: ln(1 − D(G(z)))
func Minimax() Loss {
	return Loss{
		Name: "minimax", Formula: "D: −ln D(x) − ln(1 − D(G(z))), G: ln(1 − D(G(z)))", Unit: nats,
		Real: negLogSigmoid, Fake: negLogOneMinusSigmoid,
		Generator: func(l *graph.Node) *graph.Node { return graph.Neg(negLogOneMinusSigmoid(l)) },
	}
}

// LeastSquares returns the loss of LSGAN, in which D(x) = l: Mao et al.,
// arXiv:1611.04076, eq. 9:
//
//	D: ½(D(x) − 1)² + ½D(G(z))²     G: ½(D(G(z)) − 1)²
func LeastSquares() Loss {
	return Loss{
		Name: "least-squares", Formula: "D: ½(D(x) − 1)² + ½D(G(z))², G: ½(D(G(z)) − 1)²",
		Real: squaredErrorFromOne, Fake: squaredErrorFromZero, Generator: squaredErrorFromOne,
		Threshold: 0.5,
	}
}

// Hinge returns the hinge loss, in which D(x) = l: Lim & Ye, arXiv:1705.02894; Miyato et
// al., arXiv:1802.05957, eq. 16 and 17:
//
//	D: max(0, 1 − D(x)) + max(0, 1 + D(G(z)))     G: −D(G(z))
func Hinge() Loss {
	return Loss{
		Name: "hinge", Formula: "D: max(0, 1 − D(x)) + max(0, 1 + D(G(z))), G: −D(G(z))",
		Real:      func(l *graph.Node) *graph.Node { return graph.ReLU(graph.AddScalar(graph.Neg(l), 1)) },
		Fake:      func(l *graph.Node) *graph.Node { return graph.ReLU(graph.AddScalar(l, 1)) },
		Generator: graph.Neg,
	}
}

// negLogSigmoid returns −ln σ(l). As softplus(−l) it does not overflow.
func negLogSigmoid(l *graph.Node) *graph.Node { return graph.Softplus(graph.Neg(l)) }

// negLogOneMinusSigmoid returns −ln(1 − σ(l)), which is softplus(l).
func negLogOneMinusSigmoid(l *graph.Node) *graph.Node { return graph.Softplus(l) }

// squaredErrorFromOne returns ½(l − 1)².
func squaredErrorFromOne(l *graph.Node) *graph.Node {
	return graph.Scale(graph.Square(graph.AddScalar(l, -1)), 0.5)
}

// squaredErrorFromZero returns ½l².
func squaredErrorFromZero(l *graph.Node) *graph.Node { return graph.Scale(graph.Square(l), 0.5) }

// lossNames returns the names of the table.
func lossNames() []string {
	var names []string
	for _, l := range Losses() {
		names = append(names, l.Name)
	}
	return names
}

// LossByName returns the loss of the table with that name. The error lists the names.
func LossByName(name string) (Loss, error) {
	for _, l := range Losses() {
		if l.Name == name {
			return l, nil
		}
	}
	return Loss{}, option.Errorf("gan: {Loss} %q: want %s", name, strings.Join(lossNames(), ", "))
}

// lossHelp returns the help text of the option Loss.
func lossHelp() string {
	names := lossNames()
	last := len(names) - 1
	return "adversarial loss: " + strings.Join(names[:last], ", ") + " or " + names[last]
}
