package prob

import "github.com/imago-ml/imago/engine/graph"

// BernoulliNLL returns −ln p(x) of each image in nats, where each pixel is an
// independent Bernoulli of probability p = sigmoid(l); for x between 0 and 1 it is
// the binary cross-entropy:
//
//	Σ (−x ln p − (1−x) ln(1−p)) = Σ (softplus(l) − x·l)
//
// x (B, …) in [0, 1], logits (B, …) → (B). It is ≥ 0 and finite for any finite
// logits; with x ∉ {0, 1} its least value is the entropy of x.
func BernoulliNLL(x, logits *graph.Node) *graph.Node {
	requireSameShape("bernoulli_logits", x, logits)
	return sumFeatures(graph.Sub(graph.Softplus(logits), graph.Mul(x, logits)))
}

// BernoulliEntropy returns Σ (−p ln p − (1−p) ln(1−p)) of each image in nats, p being
// sigmoid(l). logits (B, …) → (B), from 0 to D ln 2.
func BernoulliEntropy(logits *graph.Node) *graph.Node {
	return BernoulliNLL(graph.Sigmoid(logits), logits)
}

// BernoulliKL returns Σ KL(Bernoulli(p) ‖ Bernoulli(q)) of each image in nats:
//
//	Σ (p (ln p − ln q) + (1−p) (ln(1−p) − ln(1−q)))
//
// p and q as logits (B, …) → (B), ≥ 0.
func BernoulliKL(p, q *graph.Node) *graph.Node {
	requireSameShape("bernoulli_kl", p, q)
	d := graph.Sub(graph.Softplus(q), graph.Softplus(p))
	return sumFeatures(graph.Add(d, graph.Mul(graph.Sigmoid(p), graph.Sub(p, q))))
}

// Binarize returns 1 where u < x and else 0, u drawn uniformly at key (int32[4]) in
// the stream of that name: a draw of Bernoulli(x), a pixel each.
//
// x (B, …) in [0, 1] → (B, …). Image i draws the same u in a batch of any size.
func Binarize(x, key *graph.Node, stream string) *graph.Node {
	return graph.Greater(x, graph.Uniform(key, stream, x.Shape()...))
}

// ContinuousBernoulliNLL returns −ln p(x) of each image in nats, each pixel having the
// density on [0, 1] that the cross-entropy of grey pixels lacks to be one:
//
//	p(x) = C λˣ (1−λ)^(1−x),   λ = sigmoid(l),   C = l / tanh(l/2)
//	−ln p(x) = Σ (ln ((eˡ − 1)/l) − x·l)
//
// x (B, …) in [0, 1], logits l (B, …) → (B), of either sign. Loaiza-Ganem &
// Cunningham, arXiv:1907.06845, eq. 6. Near λ = ½, where C is 0/0, a series stands in.
func ContinuousBernoulliNLL(x, logits *graph.Node) *graph.Node {
	requireSameShape("continuous_bernoulli", x, logits)
	half := graph.Scale(logits, 0.5)
	return sumFeatures(graph.Add(graph.Sub(half, graph.Mul(x, logits)), logSinhc(graph.Abs(logits))))
}

// ContinuousBernoulliMean returns the mean of each pixel under ContinuousBernoulli:
//
//	1/(1 − e⁻ˡ) − 1/l
//
// logits l of any shape → in (0, 1), nearer to ½ than sigmoid(l).
// Loaiza-Ganem & Cunningham, arXiv:1907.06845, eq. 8.
func ContinuousBernoulliMean(logits *graph.Node) *graph.Node {
	a := graph.Abs(logits)
	low, high := graph.Min(a, graph.Const(1)), graph.Max(a, graph.Const(1))
	// Above ½, for a ≥ 1; and its series around 0, a/12 − a³/720 + a⁵/30240 − a⁷/1209600 + a⁹/47900160.
	far := graph.AddScalar(graph.Sub(
		graph.Div(graph.Const(1), graph.Sub(graph.Const(1), graph.Exp(graph.Neg(high)))),
		graph.Div(graph.Const(1), high)), -0.5)
	nearby := graph.Mul(low, series(graph.Square(low), 1./12, -1./720, 1./30240, -1./1209600, 1./47900160))
	above := graph.Select(graph.Greater(a, graph.Const(1)), far, nearby)
	return graph.AddScalar(graph.Mul(graph.Sign(logits), above), 0.5)
}

// logSinhc returns ln (sinh(a/2) / (a/2)) for a ≥ 0, element by element, to 2e-9:
//
//	a/2 + ln(1 − e⁻ᵃ) − ln a,   near 0  a²/24 − a⁴/2880 + a⁶/181440 − a⁸/9676800
func logSinhc(a *graph.Node) *graph.Node {
	low, high := graph.Min(a, graph.Const(1)), graph.Max(a, graph.Const(1))
	far := graph.Sub(
		graph.Add(graph.Scale(high, 0.5), graph.Log(graph.Sub(graph.Const(1), graph.Exp(graph.Neg(high))))),
		graph.Log(high))
	square := graph.Square(low)
	nearby := graph.Mul(square, series(square, 1./24, -1./2880, 1./181440, -1./9676800))
	return graph.Select(graph.Greater(a, graph.Const(1)), far, nearby)
}

// series returns c₀ + c₁ t + c₂ t² + …
func series(t *graph.Node, c ...float64) *graph.Node {
	y := graph.Const(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		y = graph.AddScalar(graph.Mul(y, t), c[i])
	}
	return y
}
