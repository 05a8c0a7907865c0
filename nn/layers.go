package nn

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Dense returns a fully connected layer, y = act(x·W + b). Its parameters are name/kernel W (D, units) and name/bias
// b (units).
//
// x (B, D) → (B, units). It panics with a *graph.ShapeError if x is not a matrix.
func (b *Builder) Dense(name string, x *graph.Node, units int, act Activation) *graph.Node {
	requireRank(x, 2, "dense "+name, "a matrix (B, D)")
	w := b.kernel(name, 1, x.Shape()[1], units)
	y := graph.MatMul(x, w)
	return b.Layer(name, "Dense", act(b.addBias(name, y)), x)
}

// Conv2D returns a convolution layer, y = act(x ⋆ w + b), where ⋆ is the cross-correlation of graph.Conv2D. Its
// parameters are name/kernel w (kernel, kernel, C, filters) and name/bias b (filters).
//
// x (B, H, W, C) → (B, ⌈H/stride⌉, ⌈W/stride⌉, filters) with graph.Same padding, and
// (B, ⌊(H−kernel)/stride⌋+1, ⌊(W−kernel)/stride⌋+1, filters) with graph.Valid. It panics with a *graph.ShapeError if x
// has another rank or the kernel does not fit.
func (b *Builder) Conv2D(name string, x *graph.Node, filters, kernel, stride int, pad graph.Padding, act Activation) *graph.Node {
	requireRank(x, 4, "conv2d "+name, "images (B, H, W, C)")
	w := b.kernel(name, 3, kernel, kernel, x.Shape()[3], filters)
	y := graph.Conv2D(x, w, graph.ConvConfig{Stride: [2]int{stride, stride}, Padding: pad})
	return b.Layer(name, "Conv2D", act(b.addBias(name, y)), x)
}

// ConvTranspose2D returns a transposed convolution layer, y = act(Aᵀx + b), where A is the convolution of the same
// kernel and stride and Aᵀ its adjoint: graph.Conv2DInputGrad. Its parameters are name/kernel
// (kernel, kernel, filters, C), with the axes in the order of Keras, and name/bias b (filters).
//
// x (B, H, W, C) → (B, H·stride, W·stride, filters) with graph.Same padding, and
// (B, H·stride + max(kernel−stride, 0), W·stride + max(kernel−stride, 0), filters) with graph.Valid. It panics with a
// *graph.ShapeError if x has another rank.
func (b *Builder) ConvTranspose2D(name string, x *graph.Node, filters, kernel, stride int, pad graph.Padding, act Activation) *graph.Node {
	requireRank(x, 4, "conv2d_transpose "+name, "images (B, H, W, C)")
	s := x.Shape()
	out := tensor.Shape{s[0], s[1] * stride, s[2] * stride, filters}
	if pad == graph.Valid {
		out[1] += max(kernel-stride, 0)
		out[2] += max(kernel-stride, 0)
	}
	w := b.kernel(name, 2, kernel, kernel, filters, s[3])
	y := graph.Conv2DInputGrad(x, w, out, graph.ConvConfig{Stride: [2]int{stride, stride}, Padding: pad})
	return b.Layer(name, "Conv2DTranspose", act(b.addBias(name, y)), x)
}

// Flatten returns x with all axes but the first made one, in row-major order: x (B, …) → (B, D).
func (b *Builder) Flatten(name string, x *graph.Node) *graph.Node {
	return b.Layer(name, "Flatten", graph.Reshape(x, x.Shape()[0], -1), x)
}

// Reshape returns the elements of x in another shape, in row-major order: x (B, …) → (B, shape…). It panics with a
// *graph.ShapeError if the numbers of elements differ.
func (b *Builder) Reshape(name string, x *graph.Node, shape ...int) *graph.Node {
	y := graph.Reshape(x, append([]int{x.Shape()[0]}, shape...)...)
	return b.Layer(name, "Reshape", y, x)
}

// addBias returns y plus the parameter name/bias, one number for each channel, or y itself if b.Bias is nil.
func (b *Builder) addBias(name string, y *graph.Node) *graph.Node {
	if b.Bias == nil {
		return y
	}
	s := y.Shape()
	return graph.Add(y, b.Param(name+"/bias", b.Bias, s[len(s)-1]))
}

// requireRank panics with a *graph.ShapeError unless x has so many axes.
func requireRank(x *graph.Node, rank int, op, description string) {
	if len(x.Shape()) != rank {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want " + description})
	}
}
