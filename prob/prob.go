// Package prob writes log-densities, divergences and reparameterised draws as
// graphs, for losses and for metrics alike.
//
// Every result is one number an image, in nats, summed over pixels or units and
// never averaged: what is averaged over is the caller's affair. The package knows
// no network and no optimiser.
package prob

import "github.com/imago-ml/imago/graph"

// B images, Z latent units, … the pixels of an image, in every comment of this package.

// GaussianKL is KL(N(μ, diag e^v) ‖ N(0, I)) of each image, in nats:
//
//	½ Σ_z (μ² + e^v − v − 1)
//
// mu (B, Z), logVar (B, Z) → (B). logVar is v = ln σ², unclamped. The result is
// ≥ 0, and 0 only at μ = v = 0. Kingma & Welling, arXiv:1312.6114, app. B.
func GaussianKL(mu, logVar *graph.Node) *graph.Node {
	same("gaussian_kl", mu, logVar)
	a := graph.Add(graph.Square(mu), graph.Exp(logVar))
	return graph.Scale(each(graph.Sub(a, graph.AddScalar(logVar, 1))), 0.5)
}

// BernoulliLogits is −ln p(x) of each image in nats, where each pixel is an
// independent Bernoulli of probability p = sigmoid(l); for x between 0 and 1 it is
// the binary cross-entropy:
//
//	Σ (−x ln p − (1−x) ln(1−p)) = Σ (softplus(l) − x·l)
//
// x (B, …) in [0, 1], logits (B, …) → (B). It is ≥ 0 and finite for any finite
// logits; with x ∉ {0, 1} its least value is the entropy of x.
func BernoulliLogits(x, logits *graph.Node) *graph.Node {
	same("bernoulli_logits", x, logits)
	return each(graph.Sub(graph.Softplus(logits), graph.Mul(x, logits)))
}

// SquaredError is Σ (x − y)² of each image: −ln N(x; y, σ²) in nats with σ² = ½,
// less its constant (D/2)·ln π. It is D times the mean squared error.
//
// x (B, …), y (B, …) → (B), ≥ 0.
func SquaredError(x, y *graph.Node) *graph.Node {
	same("squared_error", x, y)
	return each(graph.Square(graph.Sub(x, y)))
}

// AbsoluteError is Σ |x − y| of each image: −ln Laplace(x; y, 1) in nats, less
// its constant D·ln 2. It is D times the mean absolute error; the slope at x = y
// is 0.
//
// x (B, …), y (B, …) → (B), ≥ 0.
func AbsoluteError(x, y *graph.Node) *graph.Node {
	same("absolute_error", x, y)
	return each(graph.Abs(graph.Sub(x, y)))
}

// Reparameterize is a draw from N(μ, diag e^v) that has gradients in μ and v:
//
//	z = μ + e^(v/2)·ε
//
// mu (B, Z), logVar (B, Z) = ln σ², eps (B, Z) ~ N(0, I) → (B, Z).
// Kingma & Welling, arXiv:1312.6114, eq. 4.
func Reparameterize(mu, logVar, eps *graph.Node) *graph.Node {
	same("reparameterize", mu, logVar, eps)
	return graph.Add(mu, graph.Mul(graph.Exp(graph.Scale(logVar, 0.5)), eps))
}

// GaussianSample is Reparameterize with ε drawn at key (int32[4]) in the stream
// of that name. Image i draws the same ε in a batch of any size.
//
// mu (B, Z), logVar (B, Z) → (B, Z).
func GaussianSample(mu, logVar, key *graph.Node, stream string) *graph.Node {
	return Reparameterize(mu, logVar, graph.Normal(key, stream, mu.Shape()...))
}

// each sums over all axes but the first.
func each(x *graph.Node) *graph.Node {
	axes := make([]int, len(x.Shape())-1)
	for i := range axes {
		axes[i] = i + 1
	}
	if len(axes) == 0 {
		return x
	}
	return graph.Sum(x, axes...)
}

// same refuses what would broadcast: a pixel compared with a whole row is a
// number, but not a likelihood.
func same(op string, xs ...*graph.Node) {
	shapes, equal := make([]graph.Shape, len(xs)), true
	for i, x := range xs {
		shapes[i] = x.Shape()
		equal = equal && len(shapes[i]) > 0 && shapes[i].Equal(shapes[0])
	}
	if !equal {
		panic(&graph.ShapeError{Op: op, In: shapes, Want: "want operands of one shape, batch first"})
	}
}
