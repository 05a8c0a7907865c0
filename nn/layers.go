package nn

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Dense returns y = act(x·W + b), with parameters name/kernel (D, units) and
// name/bias (units).
//
// x (B, D) → (B, units).
func (b *Builder) Dense(name string, x *graph.Node, units int, act Activation) *graph.Node {
	want(x, 2, "dense "+name, "a matrix (B, D)")
	w := b.kernel(name, 1, x.Shape()[1], units)
	y := graph.MatMul(x, w)
	return b.Layer(name, "Dense", act(b.bias(name, y)), x)
}

// Conv2D returns y = act(x ⋆ w + b), the cross-correlation of graph.Conv2D, with
// parameters name/kernel (kernel, kernel, C, filters) and name/bias (filters).
//
// x (B, H, W, C) → (B, ⌈H/stride⌉, ⌈W/stride⌉, filters) with graph.Same padding,
// (B, ⌊(H−kernel)/stride⌋+1, …, filters) with graph.Valid.
func (b *Builder) Conv2D(name string, x *graph.Node, filters, kernel, stride int, pad graph.Padding, act Activation) *graph.Node {
	want(x, 4, "conv2d "+name, "images (B, H, W, C)")
	w := b.kernel(name, 3, kernel, kernel, x.Shape()[3], filters)
	y := graph.Conv2D(x, w, graph.ConvConfig{Stride: [2]int{stride, stride}, Padding: pad})
	return b.Layer(name, "Conv2D", act(b.bias(name, y)), x)
}

// ConvTranspose2D returns y = act(adjoint of a convolution applied to x, + b), with
// parameters name/kernel (kernel, kernel, filters, C), the channels in the order
// in which Keras stores them, and name/bias (filters).
//
// x (B, H, W, C) → (B, H·stride, W·stride, filters) with graph.Same padding,
// (B, H·stride + max(kernel−stride, 0), …, filters) with graph.Valid.
func (b *Builder) ConvTranspose2D(name string, x *graph.Node, filters, kernel, stride int, pad graph.Padding, act Activation) *graph.Node {
	want(x, 4, "conv2d_transpose "+name, "images (B, H, W, C)")
	s := x.Shape()
	out := tensor.Shape{s[0], s[1] * stride, s[2] * stride, filters}
	if pad == graph.Valid {
		out[1] += max(kernel-stride, 0)
		out[2] += max(kernel-stride, 0)
	}
	w := b.kernel(name, 2, kernel, kernel, filters, s[3])
	y := graph.Conv2DInputGrad(x, w, out, graph.ConvConfig{Stride: [2]int{stride, stride}, Padding: pad})
	return b.Layer(name, "Conv2DTranspose", act(b.bias(name, y)), x)
}

// Flatten returns x (B, …) → (B, D), row major.
func (b *Builder) Flatten(name string, x *graph.Node) *graph.Node {
	return b.Layer(name, "Flatten", graph.Reshape(x, x.Shape()[0], -1), x)
}

// Reshape returns x (B, …) → (B, shape…), row major.
func (b *Builder) Reshape(name string, x *graph.Node, shape ...int) *graph.Node {
	y := graph.Reshape(x, append([]int{x.Shape()[0]}, shape...)...)
	return b.Layer(name, "Reshape", y, x)
}

func (b *Builder) bias(name string, y *graph.Node) *graph.Node {
	if b.Bias == nil {
		return y
	}
	s := y.Shape()
	return graph.Add(y, b.Param(name+"/bias", b.Bias, s[len(s)-1]))
}

func want(x *graph.Node, rank int, op, what string) {
	if len(x.Shape()) != rank {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want " + what})
	}
}
