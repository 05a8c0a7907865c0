package graph

import (
	"slices"

	"github.com/imago-ml/imago/engine/tensor"
)

// Input returns a value given to each run under name.
func Input(name string, dt tensor.DType, shape ...int) *Node {
	n := newNode(OpInput, Attr{Name: name, Hi: slices.Clone(shape)})
	n.dtype = dt
	return n
}

// State returns a float32 value that lives between runs under name: a parameter, a
// moment, a counter. Functions compiled against one backend.State share it.
func State(name string, shape ...int) *Node {
	return newNode(OpState, Attr{Name: name, Hi: slices.Clone(shape)})
}

// Const returns a scalar, rounded to float32.
func Const(v float64) *Node { return ConstOf([]float32{float32(v)}) }

// ConstOf returns a constant array, row major.
func ConstOf(data []float32, shape ...int) *Node {
	n := newNode(OpConst, Attr{Data: slices.Clone(data), Hi: slices.Clone(shape)})
	if len(data) != n.shape.Size() {
		panic(&ShapeError{"const", []Shape{n.shape}, "the number of elements does not match"})
	}
	return n
}

// Uniform draws from U[0, 1) at the random key given as int32[4] (rng.Key.Words),
// in the stream of that name.
func Uniform(key *Node, stream string, shape ...int) *Node {
	return newNode(OpUniform, Attr{Name: stream, Hi: slices.Clone(shape)}, key)
}

// Normal draws from N(0, 1), as Uniform does.
func Normal(key *Node, stream string, shape ...int) *Node {
	return newNode(OpNormal, Attr{Name: stream, Hi: slices.Clone(shape)}, key)
}

// Neg returns −x.
func Neg(x *Node) *Node { return newNode(OpNeg, Attr{}, x) }

// Exp returns eˣ.
func Exp(x *Node) *Node { return newNode(OpExp, Attr{}, x) }

// Log returns ln x.
func Log(x *Node) *Node { return newNode(OpLog, Attr{}, x) }

// Tanh returns the hyperbolic tangent.
func Tanh(x *Node) *Node { return newNode(OpTanh, Attr{}, x) }

// Sigmoid returns 1/(1+e⁻ˣ).
func Sigmoid(x *Node) *Node { return newNode(OpSigmoid, Attr{}, x) }

// Softplus returns ln(1+eˣ), without overflow.
func Softplus(x *Node) *Node { return newNode(OpSoftplus, Attr{}, x) }

// Sqrt returns √x.
func Sqrt(x *Node) *Node { return newNode(OpSqrt, Attr{}, x) }

// Abs returns |x|; its slope at 0 is 0.
func Abs(x *Node) *Node { return newNode(OpAbs, Attr{}, x) }

// Sign returns −1, 0 or 1.
func Sign(x *Node) *Node { return newNode(OpSign, Attr{}, x) }

// StopGradient returns x, seen as a constant by Grad.
func StopGradient(x *Node) *Node { return newNode(OpStop, Attr{}, x) }

// The builders of two and three operands repeat axes of length 1 and missing
// leading axes, as NumPy does, by explicit broadcasts.

// Add returns a + b.
func Add(a, b *Node) *Node { return zip(OpAdd, a, b) }

// Sub returns a − b.
func Sub(a, b *Node) *Node { return zip(OpSub, a, b) }

// Mul returns a·b, element by element.
func Mul(a, b *Node) *Node { return zip(OpMul, a, b) }

// Div returns a/b.
func Div(a, b *Node) *Node { return zip(OpDiv, a, b) }

// Max returns the larger of a and b, NaN if either is.
func Max(a, b *Node) *Node { return zip(OpMax, a, b) }

// Min returns the smaller of a and b, NaN if either is.
func Min(a, b *Node) *Node { return zip(OpMin, a, b) }

// Greater returns 1 where a > b, else 0.
func Greater(a, b *Node) *Node { return zip(OpGreater, a, b) }

// Equal returns 1 where a = b, else 0.
func Equal(a, b *Node) *Node { return zip(OpEqual, a, b) }

// Select returns a where cond is not 0, else b.
func Select(cond, a, b *Node) *Node { return zip(OpSelect, cond, a, b) }

func zip(op Op, in ...*Node) *Node {
	var s Shape
	for _, x := range in {
		if len(x.shape) > len(s) {
			s = append(make(Shape, len(x.shape)-len(s)), s...)
		}
		off := len(s) - len(x.shape)
		for i, d := range x.shape {
			s[off+i] = max(s[off+i], d)
		}
	}
	for i := range s {
		s[i] = max(s[i], 1)
	}
	fit := make([]*Node, len(in))
	for i, x := range in {
		off := len(s) - len(x.shape)
		for j, d := range x.shape {
			if d != 1 && d != s[off+j] {
				panic(&ShapeError{ops[op].name, shapesOf(in), "the shapes do not broadcast together"})
			}
		}
		fit[i] = BroadcastTo(x, s...)
	}
	return newNode(op, Attr{}, fit...)
}

// Reshape gives the same elements another shape of the same size; at most one
// length may be -1, which is worked out.
func Reshape(x *Node, shape ...int) *Node {
	s, rest, at := slices.Clone(shape), 1, -1
	for i, d := range s {
		if d == -1 && at < 0 {
			at = i
		} else {
			rest *= d
		}
	}
	if at >= 0 && rest > 0 {
		s[at] = x.shape.Size() / rest
	}
	if x.shape.Equal(s) {
		return x
	}
	return newNode(OpReshape, Attr{Hi: s}, x)
}

// Transpose moves axis perm[i] of x to place i.
func Transpose(x *Node, perm ...int) *Node {
	return newNode(OpTranspose, Attr{Axes: slices.Clone(perm)}, x)
}

// BroadcastTo repeats x to shape: axes align at the right, and a missing axis or
// one of length 1 is repeated.
func BroadcastTo(x *Node, shape ...int) *Node {
	if x.shape.Equal(shape) {
		return x
	}
	return newNode(OpBroadcast, Attr{Hi: slices.Clone(shape)}, x)
}

// Pad puts lo zeros before, hi after, and interior between the elements of each axis.
func Pad(x *Node, lo, hi, interior []int) *Node {
	return newNode(OpPad, Attr{Lo: slices.Clone(lo), Hi: slices.Clone(hi), Step: slices.Clone(interior)}, x)
}

// Slice takes start, start+stride, … below limit along each axis.
func Slice(x *Node, start, limit, stride []int) *Node {
	return newNode(OpSlice, Attr{Lo: slices.Clone(start), Hi: slices.Clone(limit), Step: slices.Clone(stride)}, x)
}

// Concat joins xs along one axis.
func Concat(axis int, xs ...*Node) *Node {
	return newNode(OpConcat, Attr{Axes: []int{axis}}, slices.Clone(xs)...)
}

// Sum adds over the given axes, or over all if none is given, and drops them.
func Sum(x *Node, axes ...int) *Node { return reduce(OpSum, x, axes) }

// ReduceMax returns the largest element over the given axes, or over all, dropping them.
func ReduceMax(x *Node, axes ...int) *Node { return reduce(OpReduceMax, x, axes) }

func reduce(op Op, x *Node, axes []int) *Node {
	axes = slices.Clone(axes)
	if len(axes) == 0 {
		for i := range x.shape {
			axes = append(axes, i)
		}
	}
	return newNode(op, Attr{Axes: axes}, x)
}

// Mean returns the average over the given axes, or over all, dropping them.
func Mean(x *Node, axes ...int) *Node {
	y := Sum(x, axes...)
	return Scale(y, float64(y.shape.Size())/float64(x.shape.Size()))
}

// MatMul returns the matrix product: a (M,K), b (K,N) → (M,N).
func MatMul(a, b *Node) *Node { return MatMulT(a, b, false, false) }

// MatMulT returns the product of a, or its transpose, by b, or its transpose.
func MatMulT(a, b *Node, transA, transB bool) *Node {
	return newNode(OpMatMul, Attr{TransA: transA, TransB: transB}, a, b)
}

// Scale returns v·x.
func Scale(x *Node, v float64) *Node { return Mul(x, Const(v)) }

// AddScalar returns x + v.
func AddScalar(x *Node, v float64) *Node { return Add(x, Const(v)) }

// Square returns x².
func Square(x *Node) *Node { return Mul(x, x) }

// ReLU returns max(x, 0); its slope at 0 is 0.
func ReLU(x *Node) *Node { return Max(x, Const(0)) }

// LeakyReLU returns x where x > 0, else slope·x.
func LeakyReLU(x *Node, slope float64) *Node {
	return Select(Greater(x, Const(0)), x, Scale(x, slope))
}

// sumTo returns the adjoint of BroadcastTo: it adds over what was repeated.
func sumTo(x *Node, s Shape) *Node {
	off := len(x.shape) - len(s)
	var axes []int
	for i, d := range x.shape {
		if i < off || s[i-off] != d {
			axes = append(axes, i)
		}
	}
	if len(axes) > 0 {
		x = Sum(x, axes...)
	}
	return Reshape(x, s...)
}

// restore repeats y along the axes that a reduction of an operand of shape s dropped.
func restore(y *Node, axes []int, s Shape) *Node {
	kept := s.Clone()
	for _, ax := range axes {
		kept[ax] = 1
	}
	return BroadcastTo(Reshape(y, kept...), s...)
}

func inversePerm(p []int) []int {
	q := make([]int, len(p))
	for i, a := range p {
		q[a] = i
	}
	return q
}
