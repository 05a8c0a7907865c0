package nn

import "github.com/imago-ml/imago/engine/graph"

// Dropout sets each value of x to 0 with probability rate in a training step, and divides the others by 1 − rate, so that
// the mean stays the same. In any other function it returns the values of x. rate is in [0, 1); with 0 there is no such
// layer. It draws from b.Key; a layer that is applied twice in a step drops the same values. It panics with a
// *graph.ShapeError in a training step without a Key. Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural
// Networks from Overfitting", in the form of Keras and PyTorch.
func (b *Builder) Dropout(name string, x *graph.Node, rate float64) *graph.Node {
	if rate == 0 {
		return x
	}
	if !b.Training {
		return b.Layer(name, "Dropout", graph.Reshape(x, x.Shape()...), x)
	}
	if b.Key == nil {
		panic(&graph.ShapeError{Op: "dropout " + name, In: []graph.Shape{x.Shape()}, Want: "want a Builder with the Key of the step"})
	}
	kept := graph.Greater(graph.Uniform(b.Key, "dropout/"+b.fullName(name), x.Shape()...), graph.Const(rate))
	return b.Layer(name, "Dropout", graph.Mul(x, graph.Scale(kept, 1/(1-rate))), x)
}
