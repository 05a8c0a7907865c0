package graph

import "fmt"

// Padding says how a convolution treats the border, as TensorFlow does.
type Padding uint8

const (
	// Same pads with zeros so that the output has ⌈in/stride⌉ places; of an odd
	// total the larger half comes after.
	Same Padding = iota
	// Valid does not pad: ⌊(in−kernel)/stride⌋+1 places.
	Valid
)

// String returns same or valid.
func (p Padding) String() string {
	if p == Valid {
		return "valid"
	}
	return "same"
}

// ConvConfig is how a kernel moves over an image: the stride along rows and
// columns, each at least 1, and the padding.
type ConvConfig struct {
	Stride  [2]int
	Padding Padding
}

// Window returns the geometry along one axis: out places, and lo zeros before the
// first element, for an input of length in and a kernel of length k.
// ok is false where no place is left.
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

// convOut returns the shape of Conv2D of an image x by a kernel w.
func convOut(x, w Shape, c ConvConfig, fail func(string)) Shape {
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
			fail(fmt.Sprintf("axis %d: no place for a kernel of %d in %d with stride %d, padding %v", 1+ax, w[ax], x[1+ax], c.Stride[ax], c.Padding))
		}
		y[1+ax] = out
	}
	return y
}

func inferConv2D(in []Shape, a *Attr, fail func(string)) Shape {
	return convOut(in[0], in[1], a.Conv, fail)
}

// inferConv2DInputGrad: operands gy, w; Hi carries the input shape.
func inferConv2DInputGrad(in []Shape, a *Attr, fail func(string)) Shape {
	x := inferGiven(in, a, fail)
	if y := convOut(x, in[1], a.Conv, fail); !y.Equal(in[0]) {
		fail(fmt.Sprintf("a convolution of %v gives %v", x, y))
	}
	return x
}

// inferConv2DFilterGrad: operands x, gy; Hi carries the kernel shape.
func inferConv2DFilterGrad(in []Shape, a *Attr, fail func(string)) Shape {
	w := inferGiven(in, a, fail)
	if y := convOut(in[0], w, a.Conv, fail); !y.Equal(in[1]) {
		fail(fmt.Sprintf("a convolution by %v gives %v", w, y))
	}
	return w
}

// Conv2D returns the cross-correlation of an image by a kernel:
//
//	y[n,i,j,o] = Σ_{p,q,c} x[n, i·s₀+p−lo₀, j·s₁+q−lo₁, c] · w[p,q,c,o]
//
// x (N,H,W,Ci), w (Kh,Kw,Ci,Co) → (N,Ho,Wo,Co); x is 0 outside.
func Conv2D(x, w *Node, c ConvConfig) *Node { return newNode(OpConv2D, Attr{Conv: c}, x, w) }

// Conv2DInputGrad returns the adjoint of Conv2D in its image, which is the transposed
// convolution:
//
//	x[n,a,b,c] = Σ_{p,q,o : i·s₀+p−lo₀=a, j·s₁+q−lo₁=b} gy[n,i,j,o] · w[p,q,c,o]
//
// gy (N,Ho,Wo,Co), w (Kh,Kw,Ci,Co) → inputShape (N,H,W,Ci).
func Conv2DInputGrad(gy, w *Node, inputShape Shape, c ConvConfig) *Node {
	return newNode(OpConv2DInputGrad, Attr{Conv: c, Hi: inputShape.Clone()}, gy, w)
}

// Conv2DFilterGrad returns the adjoint of Conv2D in its kernel:
//
//	w[p,q,c,o] = Σ_{n,i,j} x[n, i·s₀+p−lo₀, j·s₁+q−lo₁, c] · gy[n,i,j,o]
//
// x (N,H,W,Ci), gy (N,Ho,Wo,Co) → kernelShape (Kh,Kw,Ci,Co).
func Conv2DFilterGrad(x, gy *Node, kernelShape Shape, c ConvConfig) *Node {
	return newNode(OpConv2DFilterGrad, Attr{Conv: c, Hi: kernelShape.Clone()}, x, gy)
}

// eachTap calls f with the flat offsets of x, y and w's pixel (channel 0) for
// every image, place and tap that lies inside the image. It is the one loop
// that defines the three convolutions.
func eachTap(x, w, y Shape, c ConvConfig, f func(x, y, w int)) {
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
	eachTap(x, w, n.shape, n.attr.Conv, func(xo, yo, wo int) {
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
	eachTap(n.shape, w, y, n.attr.Conv, func(xo, yo, wo int) {
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
	eachTap(x, n.shape, y, n.attr.Conv, func(xo, yo, wo int) {
		for c := range x[3] {
			for o := range y[3] {
				w[wo+c*y[3]+o] += in[0][xo+c] * in[1][yo+o]
			}
		}
	})
	return w
}
