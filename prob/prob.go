// Package prob builds negative log-likelihoods, log-densities, divergences and reparameterised draws as graph nodes,
// for losses and for metrics.
//
// To use it, pass nodes of a batch and reduce the result over the batch:
//
//	nll := prob.BernoulliNLL(x, logits)    // (B), nats
//	kl := prob.GaussianKL(mu, logVar)      // (B), nats
//	loss := graph.Mean(graph.Add(nll, kl)) // the negative ELBO
//
// Unless its comment says otherwise, a result has one number for each item of the batch, in nats: a sum over pixels or
// latent units, not a mean. Constants of densities are included. A function named NLL returns −ln p(x), which is a loss;
// a function named LogDensity returns ln p(x). Functions panic with a *graph.ShapeError if the shapes of their operands
// differ; they never broadcast. Call them within graph.Try to get an error instead.
//
// The package must not know networks or optimisers, and holds no numbers.
package prob

import "github.com/imago-ml/imago/engine/graph"

// In all comments of this package, B is the batch size, Z the number of latent units, K the number of classes, and
// "…" stands for any number of axes with D numbers for each item, for example the pixels of an image.

// SquaredError returns Σ (x − y)² for each item. It equals −ln N(x; y, σ² I) in nats with σ² = ½, without the constant
// (D/2)·ln π, and D times the mean squared error.
//
// x (B, …), y (B, …) → (B), ≥ 0.
func SquaredError(x, y *graph.Node) *graph.Node {
	requireSameShape("squared_error", x, y)
	return sumFeatures(graph.Square(graph.Sub(x, y)))
}

// AbsoluteError returns Σ |x − y| for each item. It equals −ln Laplace(x; y, 1) in nats, without the constant D·ln 2,
// and D times the mean absolute error. The gradient at x = y is 0.
//
// x (B, …), y (B, …) → (B), ≥ 0.
func AbsoluteError(x, y *graph.Node) *graph.Node {
	requireSameShape("absolute_error", x, y)
	return sumFeatures(graph.Abs(graph.Sub(x, y)))
}

// sumFeatures returns the sum over all axes but the first: x (B, …) → (B).
func sumFeatures(x *graph.Node) *graph.Node {
	axes := make([]int, len(x.Shape())-1)
	for i := range axes {
		axes[i] = i + 1
	}
	if len(axes) == 0 {
		return x
	}
	return graph.Sum(x, axes...)
}

// featureCount returns D, the number of elements of each item of x.
func featureCount(x *graph.Node) float64 { return float64(x.Shape()[1:].Size()) }

// requireSameShape panics with a *graph.ShapeError unless all xs have one shape with a batch axis. Broadcasting, for
// example of one pixel against a row, would give a number that is no likelihood.
func requireSameShape(op string, xs ...*graph.Node) {
	shapes, equal := make([]graph.Shape, len(xs)), true
	for i, x := range xs {
		shapes[i] = x.Shape()
		equal = equal && len(shapes[i]) > 0 && shapes[i].Equal(shapes[0])
	}
	if !equal {
		panic(&graph.ShapeError{Op: op, In: shapes, Want: "want operands of one shape, batch first"})
	}
}

// requireScalar returns x. It panics with a *graph.ShapeError unless x is a scalar.
func requireScalar(op string, x *graph.Node) *graph.Node {
	if len(x.Shape()) != 0 {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want a scalar"})
	}
	return x
}
