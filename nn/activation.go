package nn

import "github.com/imago-ml/imago/engine/graph"

// An Activation is what a layer does to its sums, element by element.
type Activation func(x *graph.Node) *graph.Node

// None returns x itself: a layer whose sums are its output, such as logits.
func None(x *graph.Node) *graph.Node { return x }

// ReLU returns max(x, 0).
func ReLU(x *graph.Node) *graph.Node { return graph.ReLU(x) }

// LeakyReLU returns x where x > 0, else slope·x. Maas, Hannun & Ng 2013.
func LeakyReLU(slope float64) Activation {
	return func(x *graph.Node) *graph.Node { return graph.LeakyReLU(x, slope) }
}

// Tanh returns the hyperbolic tangent, in (−1, 1).
func Tanh(x *graph.Node) *graph.Node { return graph.Tanh(x) }

// Sigmoid returns 1/(1+e⁻ˣ), in (0, 1).
func Sigmoid(x *graph.Node) *graph.Node { return graph.Sigmoid(x) }
