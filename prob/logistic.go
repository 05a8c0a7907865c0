package prob

import "github.com/imago-ml/imago/engine/graph"

// Levels is the number of values of an 8-bit pixel: j/255 for j = 0 … 255.
const Levels = 256

// DiscretizedLogisticNLL returns −ln P(x) for each item, in nats, where each pixel is one of 256 levels. A level has the
// probability that a logistic distribution with mean μ and scale s gives to the interval of width 1/255 around it. The
// intervals of the first and the last level extend to −∞ and +∞, so the probabilities of all levels add up to 1:
//
//	P(x) = σ((x + h − μ)/s) − σ((x − h − μ)/s),   h = 1/510
//
// σ is the sigmoid. The result is finite however far x is from μ. Salimans et al., arXiv:1701.05517, sec. 2.1; one
// learned scale as in Kingma et al., arXiv:1606.04934, sec. 5.
//
// x (B, …) with values j/255, mean μ (B, …), logScale ln s () → (B), ≥ 0.
func DiscretizedLogisticNLL(x, mean, logScale *graph.Node) *graph.Node {
	requireSameShape("discretized_logistic_nll", x, mean)
	const h = 0.5 / (Levels - 1)
	inverse := graph.Exp(graph.Neg(requireScalar("discretized_logistic_nll", logScale)))
	above := graph.Mul(graph.AddScalar(graph.Sub(x, mean), h), inverse)
	below := graph.Mul(graph.AddScalar(graph.Sub(x, mean), -h), inverse)
	// With a − b = δ, ln(σ(a) − σ(b)) = ln σ(a) + ln σ(−b) + ln(1 − e^(−δ)) holds exactly. It avoids the cancellation
	// of σ(a) − σ(b) where x is far from the mean or s is large.
	delta := graph.Scale(inverse, 2*h)
	inner := graph.Sub(graph.Sub(graph.Scale(delta, 0.5), graph.Log(delta)), logSinhc(delta)) // −ln(1 − e^(−δ))
	notLast := graph.Greater(graph.Const(1-h), x)
	notFirst := graph.Greater(x, graph.Const(h))
	zero := graph.Const(0)
	right := graph.Select(notLast, graph.Softplus(graph.Neg(above)), zero)
	left := graph.Select(notFirst, graph.Softplus(below), zero)
	return sumFeatures(graph.Add(graph.Add(right, left), graph.Mul(graph.Mul(notFirst, notLast), inner)))
}
