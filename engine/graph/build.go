package graph

import (
	"slices"

	"github.com/imago-ml/imago/engine/tensor"
)

// Input returns an input of the given name, type and shape. The caller gives its value to each run.
func Input(name string, dt tensor.DType, shape ...int) *Node {
	n := newNode(OpInput, Attr{Name: name, Hi: slices.Clone(shape)})
	n.dtype = dt
	return n
}

// State returns a float32 state of the given name and shape, which persists between runs: a parameter, a moving average, a
// counter. Functions that are compiled with one backend.State share it. An Update of a Func gives it a new value.
func State(name string, shape ...int) *Node {
	return newNode(OpState, Attr{Name: name, Hi: slices.Clone(shape)})
}

// Const returns the scalar v, rounded to float32.
func Const(v float64) *Node { return ConstOf([]float32{float32(v)}) }

// ConstOf returns a constant array with the given elements, in row-major order. It panics with a *ShapeError if their number
// does not match the shape.
func ConstOf(data []float32, shape ...int) *Node {
	n := newNode(OpConst, Attr{Data: slices.Clone(data), Hi: slices.Clone(shape)})
	if len(data) != n.shape.Size() {
		panic(&ShapeError{"const", []Shape{n.shape}, "the number of elements does not match"})
	}
	return n
}

// Uniform returns numbers drawn from U[0, 1). They depend on the key, an int32[4] node with rng.Key.Words, and on the name
// of the stream, and are the same for equal keys and names. Draws with different names are independent.
func Uniform(key *Node, stream string, shape ...int) *Node {
	return newNode(OpUniform, Attr{Name: stream, Hi: slices.Clone(shape)}, key)
}

// Normal returns numbers drawn from N(0, 1). See Uniform.
func Normal(key *Node, stream string, shape ...int) *Node {
	return newNode(OpNormal, Attr{Name: stream, Hi: slices.Clone(shape)}, key)
}

// Neg returns −x.
func Neg(x *Node) *Node { return newNode(OpNeg, Attr{}, x) }

// Exp returns eˣ.
func Exp(x *Node) *Node { return newNode(OpExp, Attr{}, x) }

// Log returns ln x.
func Log(x *Node) *Node { return newNode(OpLog, Attr{}, x) }

// Tanh returns the hyperbolic tangent of x.
func Tanh(x *Node) *Node { return newNode(OpTanh, Attr{}, x) }

// Sigmoid returns 1/(1+e⁻ˣ).
func Sigmoid(x *Node) *Node { return newNode(OpSigmoid, Attr{}, x) }

// Softplus returns ln(1+eˣ), without overflow for large x.
func Softplus(x *Node) *Node { return newNode(OpSoftplus, Attr{}, x) }

// Sqrt returns √x.
func Sqrt(x *Node) *Node { return newNode(OpSqrt, Attr{}, x) }

// Abs returns |x|. Its gradient at 0 is 0.
func Abs(x *Node) *Node { return newNode(OpAbs, Attr{}, x) }

// Sign returns −1, 0 or 1: the sign of x. Its gradient is 0.
func Sign(x *Node) *Node { return newNode(OpSign, Attr{}, x) }

// StopGradient returns x. Grad takes it as a constant.
func StopGradient(x *Node) *Node { return newNode(OpStop, Attr{}, x) }

// The builders with two and three operands broadcast as NumPy does: they repeat axes of length 1 and missing leading axes.

// Add returns a + b.
func Add(a, b *Node) *Node { return broadcastOp(OpAdd, a, b) }

// Sub returns a − b.
func Sub(a, b *Node) *Node { return broadcastOp(OpSub, a, b) }

// Mul returns a·b, element by element. See MatMul for matrix products.
func Mul(a, b *Node) *Node { return broadcastOp(OpMul, a, b) }

// Div returns a/b.
func Div(a, b *Node) *Node { return broadcastOp(OpDiv, a, b) }

// Max returns the larger of a and b, and NaN if one of them is NaN. If they are equal, the gradient goes to b.
func Max(a, b *Node) *Node { return broadcastOp(OpMax, a, b) }

// Min returns the smaller of a and b, and NaN if one of them is NaN. If they are equal, the gradient goes to b.
func Min(a, b *Node) *Node { return broadcastOp(OpMin, a, b) }

// Greater returns 1 where a > b, and 0 elsewhere. Its gradient is 0.
func Greater(a, b *Node) *Node { return broadcastOp(OpGreater, a, b) }

// Equal returns 1 where a = b, and 0 elsewhere. Its gradient is 0.
func Equal(a, b *Node) *Node { return broadcastOp(OpEqual, a, b) }

// Select returns a where cond is not 0, and b elsewhere.
func Select(cond, a, b *Node) *Node { return broadcastOp(OpSelect, cond, a, b) }

// broadcastOp returns an element-wise op of operands that are broadcast to a common shape.
func broadcastOp(op Op, in ...*Node) *Node {
	s, ok := broadcastShape(shapesOf(in)...)
	if !ok {
		panic(&ShapeError{ops[op].name, shapesOf(in), "the shapes do not broadcast together"})
	}
	operands := make([]*Node, len(in))
	for i, x := range in {
		operands[i] = BroadcastTo(x, s...)
	}
	return newNode(op, Attr{}, operands...)
}

// broadcastShape returns the shape to which shapes broadcast. ok is false if they do not.
func broadcastShape(in ...Shape) (s Shape, ok bool) {
	for _, x := range in {
		if len(x) > len(s) {
			s = append(make(Shape, len(x)-len(s)), s...)
		}
		offset := len(s) - len(x)
		for i, d := range x {
			s[offset+i] = max(s[offset+i], d)
		}
	}
	for i := range s {
		s[i] = max(s[i], 1)
	}
	for _, x := range in {
		for i, d := range x {
			if d != 1 && d != s[len(s)-len(x)+i] {
				return nil, false
			}
		}
	}
	return s, true
}

// Reshape returns the elements of x, in row-major order, in another shape of the same size. One length may be -1: it is
// computed from the others.
func Reshape(x *Node, shape ...int) *Node {
	s, size, unknown := slices.Clone(shape), 1, -1
	for i, d := range s {
		if d == -1 && unknown < 0 {
			unknown = i
		} else {
			size *= d
		}
	}
	if unknown >= 0 && size > 0 {
		s[unknown] = x.shape.Size() / size
	}
	if x.shape.Equal(s) {
		return x
	}
	return newNode(OpReshape, Attr{Hi: s}, x)
}

// Transpose returns x with its axes permuted: axis i of the result is axis perm[i] of x.
func Transpose(x *Node, perm ...int) *Node {
	return newNode(OpTranspose, Attr{Axes: slices.Clone(perm)}, x)
}

// BroadcastTo returns x repeated to shape. The shapes are aligned at the last axis; a missing axis, or one of length 1, is
// repeated.
func BroadcastTo(x *Node, shape ...int) *Node {
	if x.shape.Equal(shape) {
		return x
	}
	return newNode(OpBroadcast, Attr{Hi: slices.Clone(shape)}, x)
}

// Pad returns x with lo zeros before, hi zeros after, and interior zeros between the elements of each axis.
func Pad(x *Node, lo, hi, interior []int) *Node {
	return newNode(OpPad, Attr{Lo: slices.Clone(lo), Hi: slices.Clone(hi), Step: slices.Clone(interior)}, x)
}

// Slice returns the elements start, start+stride, … below limit of each axis.
func Slice(x *Node, start, limit, stride []int) *Node {
	return newNode(OpSlice, Attr{Lo: slices.Clone(start), Hi: slices.Clone(limit), Step: slices.Clone(stride)}, x)
}

// Concat returns xs, joined along one axis. Their other axes have the same lengths.
func Concat(axis int, xs ...*Node) *Node {
	return newNode(OpConcat, Attr{Axes: []int{axis}}, slices.Clone(xs)...)
}

// Sum returns the sum over the given axes, or over all if none is given. It removes these axes from the shape.
func Sum(x *Node, axes ...int) *Node { return reduce(OpSum, x, axes) }

// ReduceMax returns the largest element over the given axes, or over all if none is given. It removes these axes from the
// shape. Equal maxima share the gradient.
func ReduceMax(x *Node, axes ...int) *Node { return reduce(OpReduceMax, x, axes) }

// reduce returns the reduction op over the given axes, or over all.
func reduce(op Op, x *Node, axes []int) *Node {
	axes = slices.Clone(axes)
	if len(axes) == 0 {
		for i := range x.shape {
			axes = append(axes, i)
		}
	}
	return newNode(op, Attr{Axes: axes}, x)
}

// Mean returns the mean over the given axes, or over all if none is given. It removes these axes from the shape.
func Mean(x *Node, axes ...int) *Node {
	y := Sum(x, axes...)
	return Scale(y, float64(y.shape.Size())/float64(x.shape.Size()))
}

// MatMul returns the matrix product: a (M,K), b (K,N) → (M,N). Leading axes count matrices, and broadcast as in NumPy: a
// (…,M,K), b (…,K,N) → (…,M,N).
func MatMul(a, b *Node) *Node { return MatMulT(a, b, false, false) }

// MatMulT returns the matrix product of a, or of aᵀ if transA is true, and b, or bᵀ if transB is true.
func MatMulT(a, b *Node, transA, transB bool) *Node {
	if la, lb := len(a.shape)-2, len(b.shape)-2; la >= 0 && lb >= 0 && !a.shape[:la].Equal(b.shape[:lb]) {
		if lb == 0 && !transA { // the rows of all matrices are those of one
			y := MatMulT(Reshape(a, -1, a.shape[la+1]), b, false, transB)
			return Reshape(y, append(a.shape[:la+1].Clone(), y.shape[1])...)
		}
		lead, ok := broadcastShape(a.shape[:la], b.shape[:lb])
		if !ok {
			panic(&ShapeError{ops[OpMatMul].name, shapesOf([]*Node{a, b}), "the leading axes do not broadcast together"})
		}
		a = BroadcastTo(a, append(lead.Clone(), a.shape[la:]...)...)
		b = BroadcastTo(b, append(lead.Clone(), b.shape[lb:]...)...)
	}
	return newNode(OpMatMul, Attr{TransA: transA, TransB: transB}, a, b)
}

// Scale returns v·x.
func Scale(x *Node, v float64) *Node { return Mul(x, Const(v)) }

// AddScalar returns x + v.
func AddScalar(x *Node, v float64) *Node { return Add(x, Const(v)) }

// Square returns x².
func Square(x *Node) *Node { return Mul(x, x) }

// ReLU returns max(x, 0). Its gradient at 0 is 0.
func ReLU(x *Node) *Node { return Max(x, Const(0)) }

// LeakyReLU returns x where x > 0, and slope·x elsewhere.
func LeakyReLU(x *Node, slope float64) *Node {
	return Select(Greater(x, Const(0)), x, Scale(x, slope))
}

// sumToShape returns x summed over the axes along which BroadcastTo would repeat an array of shape s. It is the adjoint of
// BroadcastTo.
func sumToShape(x *Node, s Shape) *Node {
	offset := len(x.shape) - len(s)
	var axes []int
	for i, d := range x.shape {
		if i < offset || s[i-offset] != d {
			axes = append(axes, i)
		}
	}
	if len(axes) > 0 {
		x = Sum(x, axes...)
	}
	return Reshape(x, s...)
}

// expandReduced returns y, the reduction of an operand of shape s over axes, repeated to shape s.
func expandReduced(y *Node, axes []int, s Shape) *Node {
	kept := s.Clone()
	for _, ax := range axes {
		kept[ax] = 1
	}
	return BroadcastTo(Reshape(y, kept...), s...)
}

// inversePerm returns the permutation q with q[p[i]] = i.
func inversePerm(p []int) []int {
	q := make([]int, len(p))
	for i, a := range p {
		q[a] = i
	}
	return q
}
