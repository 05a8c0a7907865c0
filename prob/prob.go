// Package prob writes log-densities, divergences and reparameterised draws as
// graphs, for losses and for metrics alike.
//
// Every result is one number an image, in nats, summed over pixels or units and
// never averaged, unless its comment says otherwise: what is averaged over is the
// caller's affair. The distance of pixels from what a decoder says of them is
// −ln p(x); a function that gives +ln p is called a log density. The package
// knows no network and no optimiser.
package prob

import "github.com/imago-ml/imago/engine/graph"

// B images, Z latent units, … the D pixels of an image, in every comment of this package.

// SquaredError returns Σ (x − y)² of each image: −ln N(x; y, σ²) in nats with σ² = ½,
// less its constant (D/2)·ln π. It is D times the mean squared error.
//
// x (B, …), y (B, …) → (B), ≥ 0.
func SquaredError(x, y *graph.Node) *graph.Node {
	requireSameShape("squared_error", x, y)
	return sumFeatures(graph.Square(graph.Sub(x, y)))
}

// AbsoluteError returns Σ |x − y| of each image: −ln Laplace(x; y, 1) in nats, less
// its constant D·ln 2. It is D times the mean absolute error; the slope at x = y
// is 0.
//
// x (B, …), y (B, …) → (B), ≥ 0.
func AbsoluteError(x, y *graph.Node) *graph.Node {
	requireSameShape("absolute_error", x, y)
	return sumFeatures(graph.Abs(graph.Sub(x, y)))
}

// each sums over all axes but the first.
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

// width returns how many numbers an image has.
func featureCount(x *graph.Node) float64 { return float64(x.Shape()[1:].Size()) }

// same refuses what would broadcast: a pixel compared with a whole row is a
// number, but not a likelihood.
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

// scalar refuses what is not one number for all images.
func requireScalar(op string, x *graph.Node) *graph.Node {
	if len(x.Shape()) != 0 {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want a scalar"})
	}
	return x
}
