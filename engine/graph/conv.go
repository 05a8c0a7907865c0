package graph

import "fmt"

// Padding is how a convolution extends the border of an image, as in TensorFlow.
type Padding uint8

const (
	// Same pads with zeros so that the output has the length ⌈in/stride⌉. If the number of zeros is odd, the larger half
	// comes after the image.
	Same Padding = iota
	// Valid does not pad: the output has the length ⌊(in−kernel)/stride⌋+1.
	Valid
)

// String returns "same" or "valid".
func (p Padding) String() string {
	if p == Valid {
		return "valid"
	}
	return "same"
}

// ConvConfig holds the settings of a convolution.
type ConvConfig struct {
	Stride  [2]int // of rows and of columns, each at least 1
	Padding Padding
}

// Window returns the length out of the output along one axis (0 = rows, 1 = columns) and the number lo of zeros before the
// image, for an image of length in and a kernel of length k. It returns ok = false if the kernel does not fit.
func (c ConvConfig) Window(axis, in, k int) (out, lo int, ok bool) {
	s := c.Stride[axis]
	if s < 1 || k < 1 || in < 1 {
		return 0, 0, false
	}
	if c.Padding == Valid {
		if in < k {
			return 0, 0, false
		}
		return (in-k)/s + 1, 0, true
	}
	out = (in + s - 1) / s
	return out, max((out-1)*s+k-in, 0) / 2, true
}

// convOutputShape returns the shape of the convolution of an image x with a kernel w.
func convOutputShape(x, w Shape, c ConvConfig, fail func(string)) Shape {
	if len(x) != 4 || len(w) != 4 {
		fail("want an image (N,H,W,Ci) and a kernel (Kh,Kw,Ci,Co)")
	}
	if x[3] != w[2] {
		fail(fmt.Sprintf("image of %d channels, kernel for %d", x[3], w[2]))
	}
	y := Shape{x[0], 0, 0, w[3]}
	for ax := range 2 {
		out, _, ok := c.Window(ax, x[1+ax], w[ax])
		if !ok {
			fail(fmt.Sprintf("axis %d: a kernel of length %d does not fit length %d with stride %d, padding %v", 1+ax, w[ax], x[1+ax], c.Stride[ax], c.Padding))
		}
		y[1+ax] = out
	}
	return y
}

func inferConv2D(in []Shape, a *Attr, fail func(string)) Shape {
	return convOutputShape(in[0], in[1], a.Conv, fail)
}

// inferConv2DInputGrad returns the shape of the image, which is in Hi; the operands are gy and w.
func inferConv2DInputGrad(in []Shape, a *Attr, fail func(string)) Shape {
	x := inferFromAttr(in, a, fail)
	if y := convOutputShape(x, in[1], a.Conv, fail); !y.Equal(in[0]) {
		fail(fmt.Sprintf("a convolution of %v gives %v", x, y))
	}
	return x
}

// inferConv2DFilterGrad returns the shape of the kernel, which is in Hi; the operands are x and gy.
func inferConv2DFilterGrad(in []Shape, a *Attr, fail func(string)) Shape {
	w := inferFromAttr(in, a, fail)
	if y := convOutputShape(in[0], w, a.Conv, fail); !y.Equal(in[1]) {
		fail(fmt.Sprintf("a convolution with kernel %v gives %v", w, y))
	}
	return w
}

// Conv2D returns the convolution of images x with a kernel w, in the convention of neural networks (a cross-correlation):
//
//	y[n,i,j,o] = Σ_{p,q,c} x[n, i·s₀+p−lo₀, j·s₁+q−lo₁, c] · w[p,q,c,o]
//
// s is the stride, and lo the number of zeros before the image; x is 0 outside the image.
//
// x (N,H,W,Ci), w (Kh,Kw,Ci,Co) → (N,Ho,Wo,Co).
func Conv2D(x, w *Node, c ConvConfig) *Node { return newNode(OpConv2D, Attr{Conv: c}, x, w) }

// Conv2DInputGrad returns the adjoint of Conv2D as a linear map of the image. It is the gradient of Conv2D with respect to
// the image, and the transposed convolution of generators and decoders:
//
//	x[n,a,b,c] = Σ_{p,q,o : i·s₀+p−lo₀=a, j·s₁+q−lo₁=b} gy[n,i,j,o] · w[p,q,c,o]
//
// gy (N,Ho,Wo,Co), w (Kh,Kw,Ci,Co) → inputShape (N,H,W,Ci).
func Conv2DInputGrad(gy, w *Node, inputShape Shape, c ConvConfig) *Node {
	return newNode(OpConv2DInputGrad, Attr{Conv: c, Hi: inputShape.Clone()}, gy, w)
}

// Conv2DFilterGrad returns the adjoint of Conv2D as a linear map of the kernel, which is the gradient with respect to it:
//
//	w[p,q,c,o] = Σ_{n,i,j} x[n, i·s₀+p−lo₀, j·s₁+q−lo₁, c] · gy[n,i,j,o]
//
// x (N,H,W,Ci), gy (N,Ho,Wo,Co) → kernelShape (Kh,Kw,Ci,Co).
func Conv2DFilterGrad(x, gy *Node, kernelShape Shape, c ConvConfig) *Node {
	return newNode(OpConv2DFilterGrad, Attr{Conv: c, Hi: kernelShape.Clone()}, x, gy)
}

// forEachTap calls f for each image, output position and kernel position that lies inside the image, with the flat indices
// of x, y and w at channel 0. This loop defines the three convolutions.
func forEachTap(x, w, y Shape, c ConvConfig, f func(x, y, w int)) {
	_, lo0, _ := c.Window(0, x[1], w[0])
	_, lo1, _ := c.Window(1, x[2], w[1])
	for n := range y[0] {
		for i := range y[1] {
			for j := range y[2] {
				for p := range w[0] {
					for q := range w[1] {
						a, b := i*c.Stride[0]+p-lo0, j*c.Stride[1]+q-lo1
						if a < 0 || a >= x[1] || b < 0 || b >= x[2] {
							continue
						}
						f(((n*x[1]+a)*x[2]+b)*x[3], ((n*y[1]+i)*y[2]+j)*y[3], (p*w[1]+q)*w[2]*w[3])
					}
				}
			}
		}
	}
}

func evalConv2D(n *Node, in []Value) Value {
	x, w := n.in[0].shape, n.in[1].shape
	y := make(Value, n.shape.Size())
	forEachTap(x, w, n.shape, n.attr.Conv, func(xo, yo, wo int) {
		for c := range w[2] {
			for o := range w[3] {
				y[yo+o] += in[0][xo+c] * in[1][wo+c*w[3]+o]
			}
		}
	})
	return y
}

func evalConv2DInputGrad(n *Node, in []Value) Value {
	y, w := n.in[0].shape, n.in[1].shape
	x := make(Value, n.shape.Size())
	forEachTap(n.shape, w, y, n.attr.Conv, func(xo, yo, wo int) {
		for c := range w[2] {
			for o := range w[3] {
				x[xo+c] += in[0][yo+o] * in[1][wo+c*w[3]+o]
			}
		}
	})
	return x
}

func evalConv2DFilterGrad(n *Node, in []Value) Value {
	x, y := n.in[0].shape, n.in[1].shape
	w := make(Value, n.shape.Size())
	forEachTap(x, n.shape, y, n.attr.Conv, func(xo, yo, wo int) {
		for c := range x[3] {
			for o := range y[3] {
				w[wo+c*y[3]+o] += in[0][xo+c] * in[1][yo+o]
			}
		}
	})
	return w
}
