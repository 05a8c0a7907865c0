package onnx

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// kernelOrder turns a kernel (Kh,Kw,Ci,Co) into that of Conv, (Co,Ci,Kh,Kw), which is that of ConvTranspose as well: its
// input has the Co channels.
var kernelOrder = []int{3, 2, 0, 1}

// A window is the geometry of a convolution along rows and columns.
type window struct {
	lo, hi [2]int // zeros before and after the image
	unused [2]int // rows and columns at the end of the image that no output depends on
}

// windowOf returns the geometry of a convolution of images with kernels w that gives outputs.
func windowOf(c graph.ConvConfig, image, w, output graph.Shape) window {
	var g window
	for ax := range 2 {
		_, g.lo[ax], _ = c.Window(ax, image[1+ax], w[ax])
		g.hi[ax] = (output[1+ax]-1)*c.Stride[ax] + w[ax] - image[1+ax] - g.lo[ax]
		if g.hi[ax] < 0 {
			g.unused[ax], g.hi[ax] = -g.hi[ax], 0
		}
	}
	return g
}

func (g window) pads() attribute { return attrInts("pads", g.lo[0], g.lo[1], g.hi[0], g.hi[1]) }

// strides returns the strides of a convolution as the attribute of a name.
func strides(name string, n *graph.Node) attribute {
	s := n.Attr().Conv.Stride
	return attrInts(name, s[0], s[1])
}

func conv(l *lowerer, n *graph.Node, in []*value, _ []dim) (*value, error) {
	w := n.In()[1].Shape()
	g := windowOf(n.Attr().Conv, n.In()[0].Shape(), w, n.Shape())
	return l.convolution("Conv", n, in, attrInts("kernel_shape", w[0], w[1]), strides("strides", n), g.pads())
}

func convTranspose(l *lowerer, n *graph.Node, in []*value, _ []dim) (*value, error) {
	w := n.In()[1].Shape()
	g := windowOf(n.Attr().Conv, n.Shape(), w, n.In()[0].Shape())
	return l.convolution("ConvTranspose", n, in, attrInts("kernel_shape", w[0], w[1]), strides("strides", n), g.pads(), attrInts("output_padding", g.unused[:]...))
}

// convolution returns an operator of images (N,C,H,W) and a kernel, as a value (B,H,W,C).
func (l *lowerer) convolution(op string, n *graph.Node, in []*value, attrs ...attribute) (*value, error) {
	dims, err := l.pairs.dims(n)
	if err != nil {
		return nil, err
	}
	v := node(op, permuted(dims, toNCHW), []*value{l.transpose(in[0], toNCHW), l.transpose(in[1], kernelOrder)}, attrs...)
	v.label = n.Label()
	return l.transpose(v, toNHWC), nil
}

// filterGradient writes the gradient in a kernel as a convolution in which the batch and the channels change places:
// images (Ci,N,H,W) and gradients (Co,N,Ho,Wo), which are as far apart as the stride, give (Ci,Co,Kh,Kw).
func filterGradient(l *lowerer, n *graph.Node, in []*value, shape []dim) (*value, error) {
	image, output := n.In()[0].Shape(), n.In()[1].Shape()
	g := windowOf(n.Attr().Conv, image, n.Shape(), output)
	x := l.transpose(in[0], []int{3, 0, 1, 2})
	if g.unused != [2]int{} {
		used := slices.Clone(x.shape)
		used[2].n, used[3].n = image[1]-g.unused[0], image[2]-g.unused[1]
		x = sliced(x, used, []int{0, 0}, []int{used[2].n, used[3].n}, []int{2, 3}, []int{1, 1})
	}
	v := node("Conv", permuted(shape, []int{2, 3, 0, 1}), []*value{x, l.transpose(in[1], []int{3, 0, 1, 2})},
		attrInts("kernel_shape", output[1], output[2]), strides("dilations", n), g.pads())
	return l.transpose(v, []int{2, 3, 0, 1}), nil
}
