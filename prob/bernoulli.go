package prob

import "github.com/imago-ml/imago/engine/graph"

// BernoulliNLL returns −ln p(x) for each item, in nats, where each pixel is an independent Bernoulli variable with
// probability p = sigmoid(l):
//
//	Σ (−x ln p − (1−x) ln(1−p)) = Σ (softplus(l) − x·l)
//
// For x between 0 and 1 it is the binary cross-entropy, whose minimum is the entropy of x. Kingma & Welling,
// arXiv:1312.6114, app. C.1.
//
// x (B, …) in [0, 1], logits l (B, …) → (B), ≥ 0, finite for all finite logits.
func BernoulliNLL(x, logits *graph.Node) *graph.Node {
	requireSameShape("bernoulli_nll", x, logits)
	return sumFeatures(graph.Sub(graph.Softplus(logits), graph.Mul(x, logits)))
}

// BernoulliEntropy returns the entropy of independent Bernoulli variables for each item, in nats, with p = sigmoid(l):
//
//	Σ (−p ln p − (1−p) ln(1−p))
//
// logits l (B, …) → (B), from 0 to D ln 2.
func BernoulliEntropy(logits *graph.Node) *graph.Node {
	return BernoulliNLL(graph.Sigmoid(logits), logits)
}

// BernoulliKL returns Σ KL(Bernoulli(p) ‖ Bernoulli(q)) for each item, in nats:
//
//	Σ (p (ln p − ln q) + (1−p) (ln(1−p) − ln(1−q)))
//
// p and q, both given as logits (B, …) → (B), ≥ 0.
func BernoulliKL(p, q *graph.Node) *graph.Node {
	requireSameShape("bernoulli_kl", p, q)
	d := graph.Sub(graph.Softplus(q), graph.Softplus(p))
	return sumFeatures(graph.Add(d, graph.Mul(graph.Sigmoid(p), graph.Sub(p, q))))
}

// Binarize returns a draw of Bernoulli(x) for each pixel: 1 where u < x and 0 elsewhere, with u drawn from U(0, 1).
// The random numbers depend on key (int32[4]) and on stream, the name of the draw. Item i has the same random numbers
// in a batch of any size.
//
// x (B, …) in [0, 1] → (B, …), 0 or 1.
func Binarize(x, key *graph.Node, stream string) *graph.Node {
	return graph.Greater(x, graph.Uniform(key, stream, x.Shape()...))
}

// ContinuousBernoulliNLL returns −ln p(x) for each item, in nats, under the continuous Bernoulli distribution. It is the
// density on [0, 1] that is proportional to the Bernoulli likelihood of a grey pixel:
//
//	p(x) = C λˣ (1−λ)^(1−x),   λ = sigmoid(l),   C = l / tanh(l/2)
//	−ln p(x) = Σ (ln ((eˡ − 1)/l) − x·l)
//
// Near λ = ½, where C is 0/0, it uses a series. Loaiza-Ganem & Cunningham, arXiv:1907.06845, eq. 6.
//
// x (B, …) in [0, 1], logits l (B, …) → (B), of either sign.
func ContinuousBernoulliNLL(x, logits *graph.Node) *graph.Node {
	requireSameShape("continuous_bernoulli_nll", x, logits)
	half := graph.Scale(logits, 0.5)
	return sumFeatures(graph.Add(graph.Sub(half, graph.Mul(x, logits)), logSinhc(graph.Abs(logits))))
}

// ContinuousBernoulliMean returns the mean of the continuous Bernoulli distribution, element by element:
//
//	1/(1 − e⁻ˡ) − 1/l
//
// A decoder that is trained with ContinuousBernoulliNLL shows this as its reconstruction. Loaiza-Ganem & Cunningham,
// arXiv:1907.06845, eq. 8.
//
// logits l, of any shape → the same shape, in (0, 1), nearer to ½ than sigmoid(l).
func ContinuousBernoulliMean(logits *graph.Node) *graph.Node {
	a := graph.Abs(logits)
	low, high := graph.Min(a, graph.Const(1)), graph.Max(a, graph.Const(1))
	// The mean minus ½ for a = |l|: the closed form where a > 1, and elsewhere the series
	// a/12 − a³/720 + a⁵/30240 − a⁷/1209600 + a⁹/47900160.
	closedForm := graph.AddScalar(graph.Sub(
		graph.Div(graph.Const(1), graph.Sub(graph.Const(1), graph.Exp(graph.Neg(high)))),
		graph.Div(graph.Const(1), high)), -0.5)
	series := graph.Mul(low, polynomial(graph.Square(low), 1./12, -1./720, 1./30240, -1./1209600, 1./47900160))
	above := graph.Select(graph.Greater(a, graph.Const(1)), closedForm, series)
	return graph.AddScalar(graph.Mul(graph.Sign(logits), above), 0.5)
}

// logSinhc returns ln (sinh(a/2) / (a/2)), element by element, for a ≥ 0, with an error of at most 2e-9:
//
//	a/2 + ln(1 − e⁻ᵃ) − ln a   where a > 1,   a²/24 − a⁴/2880 + a⁶/181440 − a⁸/9676800   elsewhere
func logSinhc(a *graph.Node) *graph.Node {
	low, high := graph.Min(a, graph.Const(1)), graph.Max(a, graph.Const(1))
	closedForm := graph.Sub(
		graph.Add(graph.Scale(high, 0.5), graph.Log(graph.Sub(graph.Const(1), graph.Exp(graph.Neg(high))))),
		graph.Log(high))
	square := graph.Square(low)
	series := graph.Mul(square, polynomial(square, 1./24, -1./2880, 1./181440, -1./9676800))
	return graph.Select(graph.Greater(a, graph.Const(1)), closedForm, series)
}

// polynomial returns c₀ + c₁ t + c₂ t² + …, element by element.
func polynomial(t *graph.Node, c ...float64) *graph.Node {
	y := graph.Const(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		y = graph.AddScalar(graph.Mul(y, t), c[i])
	}
	return y
}
