package nn

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Convolutions of an image that is doubled before or halved after are each one of
// stride 2, whose kernel has a tap more each way:
//
//	k[s] = w[s] + w[s−1]
//
// along rows and columns, which costs less than half. Karras et al.,
// arXiv:1710.10196, code.

// UpsampleConv2D returns y = act(x̂ ⋆ w + b), x̂ being x with each pixel a square of four,
// with same padding and an odd kernel. The parameter name/kernel (kernel, kernel,
// filters, C) is that of the transposed convolution: w mirrored.
//
// x (B, H, W, C) → (B, 2H, 2W, filters).
func (b *Builder) UpsampleConv2D(name string, x *graph.Node, filters, kernel int, act Activation) *graph.Node {
	s := wantOdd(x, kernel, "doubled_conv2d "+name)
	w := longer(b.kernel(name, 2, kernel, kernel, filters, s[3]))
	y := graph.Conv2DInputGrad(x, w, tensor.Shape{s[0], 2 * s[1], 2 * s[2], filters}, graph.ConvConfig{Stride: [2]int{2, 2}})
	return b.Layer(name, "UpsampleConv2D", act(b.bias(name, y)), x)
}

// DownsampleConv2D returns y = act(the means of squares of four of x ⋆ w, + b), with same
// padding and an odd kernel: H and W are even.
//
// x (B, H, W, C) → (B, H/2, W/2, filters).
func (b *Builder) DownsampleConv2D(name string, x *graph.Node, filters, kernel int, act Activation) *graph.Node {
	s := wantOdd(x, kernel, "halved_conv2d "+name)
	if s[1]%2 != 0 || s[2]%2 != 0 {
		panic(&graph.ShapeError{Op: "halved_conv2d " + name, In: []graph.Shape{s}, Want: "want even numbers of rows and columns"})
	}
	w := graph.Scale(longer(b.kernel(name, 3, kernel, kernel, s[3], filters)), 0.25)
	y := graph.Conv2D(x, w, graph.ConvConfig{Stride: [2]int{2, 2}})
	return b.Layer(name, "DownsampleConv2D", act(b.bias(name, y)), x)
}

// longer returns k of w, both (rows, columns, …).
func longer(w *graph.Node) *graph.Node {
	none := []int{0, 0, 0, 0}
	for axis := range 2 {
		more := []int{0, 0, 0, 0}
		more[axis] = 1
		w = graph.Add(graph.Pad(w, none, more, none), graph.Pad(w, more, none, none))
	}
	return w
}

func wantOdd(x *graph.Node, kernel int, op string) graph.Shape {
	want(x, 4, op, "images (B, H, W, C)")
	if kernel%2 == 0 {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want an odd kernel"})
	}
	return x.Shape()
}
