package prob

import "github.com/imago-ml/imago/engine/graph"

// Levels is how many values a pixel of 8 bits has: j/255 for j = 0 … 255.
const Levels = 256

// DiscretizedLogisticNLL returns −ln P(x) of each image in nats, where each pixel is one
// of 256 levels and has of a logistic distribution with mean μ and scale s the
// part nearest to it, the first and the last level all that is beyond:
//
//	P(x) = σ((x + h − μ)/s) − σ((x − h − μ)/s),   h = 1/510
//
// x (B, …) with values j/255, mean (B, …), logScale () = ln s → (B), ≥ 0. The
// probabilities of a pixel's levels add up to 1. Salimans et al.,
// arXiv:1701.05517, sec. 2.1; one learned scale as Kingma et al., arXiv:1606.04934,
// sec. 5.
func DiscretizedLogisticNLL(x, mean, logScale *graph.Node) *graph.Node {
	requireSameShape("discretized_logistic", x, mean)
	const h = 0.5 / (Levels - 1)
	inverse := graph.Exp(graph.Neg(requireScalar("discretized_logistic", logScale)))
	above := graph.Mul(graph.AddScalar(graph.Sub(x, mean), h), inverse)
	below := graph.Mul(graph.AddScalar(graph.Sub(x, mean), -h), inverse)
	// With a − b = δ, ln(σ(a) − σ(b)) = ln σ(a) + ln σ(−b) + ln(1 − e^(−δ)), exactly:
	// nothing cancels however far x is from the mean or how wide s.
	delta := graph.Scale(inverse, 2*h)
	inner := graph.Sub(graph.Sub(graph.Scale(delta, 0.5), graph.Log(delta)), logSinhc(delta)) // −ln(1 − e^(−δ))
	notLast := graph.Greater(graph.Const(1-h), x)
	notFirst := graph.Greater(x, graph.Const(h))
	zero := graph.Const(0)
	right := graph.Select(notLast, graph.Softplus(graph.Neg(above)), zero)
	left := graph.Select(notFirst, graph.Softplus(below), zero)
	return sumFeatures(graph.Add(graph.Add(right, left), graph.Mul(graph.Mul(notFirst, notLast), inner)))
}
