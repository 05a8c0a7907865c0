package nn

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A convolution after nearest-neighbour upsampling, and a convolution before 2×2 average pooling, each equal one
// convolution of stride 2 whose kernel is one row and one column larger:
//
//	k[s] = w[s] + w[s−1]
//
// along the rows and then along the columns. One such convolution costs less than half of the two steps. Karras et
// al., arXiv:1710.10196, published code.

// UpsampleConv2D returns y = act(u(x) ⋆ w + b), where u(x) repeats each pixel of x in a 2×2 square (nearest-neighbour
// upsampling). The padding is same. Its parameters are name/kernel (kernel, kernel, filters, C), in the layout of
// ConvTranspose2D, so w is this kernel with rows and columns reversed, and name/bias b (filters).
//
// x (B, H, W, C) → (B, 2H, 2W, filters). It panics with a *graph.ShapeError if x has another rank or kernel is even.
func (b *Builder) UpsampleConv2D(name string, x *graph.Node, filters, kernel int, act Activation) *graph.Node {
	s := requireOddKernel(x, kernel, "upsample_conv2d "+name)
	w := widenKernel(b.kernel(name, 2, kernel, kernel, filters, s[3]))
	y := graph.Conv2DInputGrad(x, w, tensor.Shape{s[0], 2 * s[1], 2 * s[2], filters}, graph.ConvConfig{Stride: [2]int{2, 2}})
	return b.Layer(name, "UpsampleConv2D", act(b.addBias(name, y)), x)
}

// DownsampleConv2D returns y = act(d(x ⋆ w) + b), where d takes the mean of each 2×2 square (average pooling). The
// padding is same. Its parameters are name/kernel w (kernel, kernel, C, filters) and name/bias b (filters).
//
// x (B, H, W, C) → (B, H/2, W/2, filters). It panics with a *graph.ShapeError if x has another rank, if kernel is even,
// or if H or W is odd.
func (b *Builder) DownsampleConv2D(name string, x *graph.Node, filters, kernel int, act Activation) *graph.Node {
	s := requireOddKernel(x, kernel, "downsample_conv2d "+name)
	if s[1]%2 != 0 || s[2]%2 != 0 {
		panic(&graph.ShapeError{Op: "downsample_conv2d " + name, In: []graph.Shape{s}, Want: "want even numbers of rows and columns"})
	}
	w := graph.Scale(widenKernel(b.kernel(name, 3, kernel, kernel, s[3], filters)), 0.25)
	y := graph.Conv2D(x, w, graph.ConvConfig{Stride: [2]int{2, 2}})
	return b.Layer(name, "DownsampleConv2D", act(b.addBias(name, y)), x)
}

// widenKernel returns k[s] = w[s] + w[s−1] along rows and columns: w (h, w, in, out) → (h+1, w+1, in, out).
func widenKernel(w *graph.Node) *graph.Node {
	none := []int{0, 0, 0, 0}
	for axis := range 2 {
		one := []int{0, 0, 0, 0}
		one[axis] = 1
		w = graph.Add(graph.Pad(w, none, one, none), graph.Pad(w, one, none, none))
	}
	return w
}

// requireOddKernel returns the shape of x. It panics with a *graph.ShapeError unless x is a batch of images and kernel
// is odd.
func requireOddKernel(x *graph.Node, kernel int, op string) graph.Shape {
	requireRank(x, 4, op, "images (B, H, W, C)")
	if kernel%2 == 0 {
		panic(&graph.ShapeError{Op: op, In: []graph.Shape{x.Shape()}, Want: "want an odd kernel"})
	}
	return x.Shape()
}
