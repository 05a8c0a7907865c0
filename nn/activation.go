package nn

import "github.com/imago-ml/imago/engine/graph"

// An Activation is the function that a layer applies to each element of its linear part. Any function of one node
// that keeps the shape is an Activation.
type Activation func(x *graph.Node) *graph.Node

// None returns x itself: the layer is linear. Use it for logits and for the mean and log-variance of a Gaussian.
func None(x *graph.Node) *graph.Node { return x }

// ReLU returns max(x, 0).
func ReLU(x *graph.Node) *graph.Node { return graph.ReLU(x) }

// LeakyReLU returns the activation that maps x to x where x > 0 and to slope·x elsewhere. Maas, Hannun & Ng 2013.
func LeakyReLU(slope float64) Activation {
	return func(x *graph.Node) *graph.Node { return graph.LeakyReLU(x, slope) }
}

// Tanh returns the hyperbolic tangent of x, in (−1, 1).
func Tanh(x *graph.Node) *graph.Node { return graph.Tanh(x) }

// Sigmoid returns 1/(1+e⁻ˣ), in (0, 1).
func Sigmoid(x *graph.Node) *graph.Node { return graph.Sigmoid(x) }
