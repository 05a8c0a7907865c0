package graph

import (
	"fmt"
	"math"
	"slices"
)

// Op is a primitive: a row of the table in this file.
type Op uint8

// The primitives. Each has a row in the table below.
const (
	OpInput Op = iota
	OpState
	OpConst
	OpUniform
	OpNormal

	OpNeg
	OpExp
	OpLog
	OpTanh
	OpSigmoid
	OpSoftplus
	OpSqrt
	OpAbs
	OpSign
	OpStop

	OpAdd
	OpSub
	OpMul
	OpDiv
	OpMax
	OpMin
	OpGreater
	OpEqual
	OpSelect

	OpReshape
	OpTranspose
	OpBroadcast
	OpPad
	OpSlice
	OpConcat
	OpGather
	OpScatterAdd

	OpSum
	OpReduceMax

	OpMatMul
	OpConv2D
	OpConv2DInputGrad
	OpConv2DFilterGrad

	numOps
)

// An opDef is the row of one primitive. A new primitive is a constant above and a row below; TestOpTable fails while a
// column is empty.
type opDef struct {
	name  string // in printed graphs and in errors
	hlo   string // the name in StableHLO
	arity int    // the number of operands; -1 = any
	keyed bool   // whether the first operand is a random key, int32
	// infer returns the shape of the result. It may complete the attributes. For operands that do not fit it calls fail
	// with the requirement; fail does not return.
	infer func(in []Shape, a *Attr, fail func(string)) Shape
	// eval computes the value in float64, which defines the primitive. It is nil only for inputs and states.
	eval func(n *Node, in []Value) Value
	// vjp computes the vector-Jacobian product: from the result y and its cotangent ct it sets the cotangent of each
	// operand in out. An entry that stays nil means zero.
	vjp func(y, ct *Node, in []*Node, out []*Node)
}

var ops [numOps]opDef

// String returns the name of the primitive in printed graphs.
func (op Op) String() string {
	if op < numOps {
		return ops[op].name
	}
	return fmt.Sprintf("op(%d)", uint8(op))
}

// Ops returns all primitives, in the order of the table.
func Ops() []Op {
	all := make([]Op, numOps)
	for i := range all {
		all[i] = Op(i)
	}
	return all
}

// Elementwise reports whether the primitive maps operands of one shape to a result of that shape, element by element.
func (op Op) Elementwise() bool { return op >= OpNeg && op <= OpSelect }

// zeroVJP sets no cotangents: the primitive is locally constant.
func zeroVJP(_, _ *Node, _, _ []*Node) {}

func init() { // not a var literal: vjp → Mul → newNode → ops is an initialization cycle
	ops = [numOps]opDef{
		// Leaves. The caller gives an input to each run; a state persists between runs.
		OpInput: {name: "input", hlo: "func.arg", infer: inferFromAttr, vjp: zeroVJP},
		OpState: {name: "state", hlo: "func.arg", infer: inferFromAttr, vjp: zeroVJP},
		OpConst: {name: "const", hlo: "stablehlo.constant", infer: inferFromAttr, eval: evalConst, vjp: zeroVJP},
		// Uniform: u ~ U[0,1) at rng key.Split(name). Normal: x ~ N(0,1).
		OpUniform: {name: "uniform", hlo: "custom.philox_uniform", arity: 1, keyed: true, infer: inferRandom, eval: evalUniform, vjp: zeroVJP},
		OpNormal:  {name: "normal", hlo: "custom.philox_normal", arity: 1, keyed: true, infer: inferRandom, eval: evalNormal, vjp: zeroVJP},

		// y = −x
		OpNeg: {name: "neg", hlo: "stablehlo.negate", arity: 1, infer: inferSame,
			eval: evalUnary(func(x float64) float64 { return -x }),
			vjp:  func(_, ct *Node, _, out []*Node) { out[0] = Neg(ct) }},
		// y = eˣ, dy = y
		OpExp: {name: "exp", hlo: "stablehlo.exponential", arity: 1, infer: inferSame, eval: evalUnary(math.Exp),
			vjp: func(y, ct *Node, _, out []*Node) { out[0] = Mul(ct, y) }},
		// y = ln x, dy = 1/x
		OpLog: {name: "log", hlo: "stablehlo.log", arity: 1, infer: inferSame, eval: evalUnary(math.Log),
			vjp: func(_, ct *Node, in, out []*Node) { out[0] = Div(ct, in[0]) }},
		// dy = 1 − y²
		OpTanh: {name: "tanh", hlo: "stablehlo.tanh", arity: 1, infer: inferSame, eval: evalUnary(math.Tanh),
			vjp: func(y, ct *Node, _, out []*Node) { out[0] = Mul(ct, Sub(Const(1), Square(y))) }},
		// y = 1/(1+e⁻ˣ), dy = y(1−y)
		OpSigmoid: {name: "sigmoid", hlo: "stablehlo.logistic", arity: 1, infer: inferSame, eval: evalUnary(sigmoid),
			vjp: func(y, ct *Node, _, out []*Node) { out[0] = Mul(ct, Mul(y, Sub(Const(1), y))) }},
		// y = ln(1+eˣ), dy = sigmoid(x)
		OpSoftplus: {name: "softplus", hlo: "composite.softplus", arity: 1, infer: inferSame,
			eval: evalUnary(func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }),
			vjp:  func(_, ct *Node, in, out []*Node) { out[0] = Mul(ct, Sigmoid(in[0])) }},
		// dy = 1/(2y)
		OpSqrt: {name: "sqrt", hlo: "stablehlo.sqrt", arity: 1, infer: inferSame, eval: evalUnary(math.Sqrt),
			vjp: func(y, ct *Node, _, out []*Node) { out[0] = Div(Scale(ct, 0.5), y) }},
		// dy = sign(x), 0 at 0
		OpAbs: {name: "abs", hlo: "stablehlo.abs", arity: 1, infer: inferSame, eval: evalUnary(math.Abs),
			vjp: func(_, ct *Node, in, out []*Node) { out[0] = Mul(ct, Sign(in[0])) }},
		// y = −1, 0 or 1
		OpSign: {name: "sign", hlo: "stablehlo.sign", arity: 1, infer: inferSame, eval: evalUnary(sign), vjp: zeroVJP},
		// y = x, with the derivative 0
		OpStop: {name: "stop", hlo: "stablehlo.optimization_barrier", arity: 1, infer: inferSame,
			eval: evalUnary(func(x float64) float64 { return x }), vjp: zeroVJP},

		OpAdd: {name: "add", hlo: "stablehlo.add", arity: 2, infer: inferSame,
			eval: evalBinary(func(a, b float64) float64 { return a + b }),
			vjp:  func(_, ct *Node, _, out []*Node) { out[0], out[1] = ct, ct }},
		OpSub: {name: "sub", hlo: "stablehlo.subtract", arity: 2, infer: inferSame,
			eval: evalBinary(func(a, b float64) float64 { return a - b }),
			vjp:  func(_, ct *Node, _, out []*Node) { out[0], out[1] = ct, Neg(ct) }},
		OpMul: {name: "mul", hlo: "stablehlo.multiply", arity: 2, infer: inferSame,
			eval: evalBinary(func(a, b float64) float64 { return a * b }),
			vjp:  func(_, ct *Node, in, out []*Node) { out[0], out[1] = Mul(ct, in[1]), Mul(ct, in[0]) }},
		// y = a/b, dy/db = −y/b
		OpDiv: {name: "div", hlo: "stablehlo.divide", arity: 2, infer: inferSame,
			eval: evalBinary(func(a, b float64) float64 { return a / b }),
			vjp: func(y, ct *Node, in, out []*Node) {
				out[0] = Div(ct, in[1])
				out[1] = Neg(Mul(out[0], y))
			}},
		// The gradient of a tie goes to b, so that relu(x) = max(x, 0) has slope 0 at 0.
		// It reads y and not a, so that the operand of a ReLU need not be kept in memory.
		OpMax: {name: "max", hlo: "stablehlo.maximum", arity: 2, infer: inferSame, eval: evalBinary(maxNaN),
			vjp: func(y, ct *Node, in, out []*Node) {
				a := Greater(y, in[1])
				out[0], out[1] = Select(a, ct, Const(0)), Select(a, Const(0), ct)
			}},
		OpMin: {name: "min", hlo: "stablehlo.minimum", arity: 2, infer: inferSame,
			eval: evalBinary(func(a, b float64) float64 { return -maxNaN(-a, -b) }),
			vjp: func(y, ct *Node, in, out []*Node) {
				a := Greater(in[1], y)
				out[0], out[1] = Select(a, ct, Const(0)), Select(a, Const(0), ct)
			}},
		// y = 1 where a > b, and 0 elsewhere
		OpGreater: {name: "greater", hlo: "stablehlo.compare GT", arity: 2, infer: inferSame,
			eval: evalBinary(func(a, b float64) float64 { return boolToFloat(a > b) }), vjp: zeroVJP},
		OpEqual: {name: "equal", hlo: "stablehlo.compare EQ", arity: 2, infer: inferSame,
			eval: evalBinary(func(a, b float64) float64 { return boolToFloat(a == b) }), vjp: zeroVJP},
		// y = b where a is not 0, and c elsewhere
		OpSelect: {name: "select", hlo: "stablehlo.select", arity: 3, infer: inferSame, eval: evalSelect,
			vjp: func(_, ct *Node, in, out []*Node) {
				out[1], out[2] = Select(in[0], ct, Const(0)), Select(in[0], Const(0), ct)
			}},

		OpReshape: {name: "reshape", hlo: "stablehlo.reshape", arity: 1, infer: inferReshape,
			eval: func(_ *Node, in []Value) Value { return slices.Clone(in[0]) },
			vjp:  func(_, ct *Node, in, out []*Node) { out[0] = Reshape(ct, in[0].shape...) }},
		// y[i_perm[0], i_perm[1], …] = x[i_0, i_1, …]
		OpTranspose: {name: "transpose", hlo: "stablehlo.transpose", arity: 1, infer: inferTranspose, eval: evalTranspose,
			vjp: func(y, ct *Node, _, out []*Node) { out[0] = Transpose(ct, inversePerm(y.attr.Axes)...) }},
		// Shapes are aligned at the last axis. A missing axis, or one of length 1, is repeated.
		OpBroadcast: {name: "broadcast", hlo: "stablehlo.broadcast_in_dim", arity: 1, infer: inferBroadcast, eval: evalBroadcast,
			vjp: func(_, ct *Node, in, out []*Node) { out[0] = sumToShape(ct, in[0].shape) }},
		// Lo zeros before, Hi zeros after and Step zeros between the elements of each axis.
		OpPad: {name: "pad", hlo: "stablehlo.pad", arity: 1, infer: inferPad, eval: evalPad,
			vjp: func(y, ct *Node, in, out []*Node) {
				a, limit, stride := y.attr, make([]int, len(y.shape)), make([]int, len(y.shape))
				for i, d := range in[0].shape {
					stride[i] = a.Step[i] + 1
					limit[i] = a.Lo[i] + (d-1)*stride[i] + 1
				}
				out[0] = Slice(ct, a.Lo, limit, stride)
			}},
		// The elements Lo, Lo+Step, … below Hi of each axis.
		OpSlice: {name: "slice", hlo: "stablehlo.slice", arity: 1, infer: inferSlice, eval: evalSlice,
			vjp: func(y, ct *Node, in, out []*Node) {
				a, hi, between := y.attr, make([]int, len(y.shape)), make([]int, len(y.shape))
				for i, d := range y.shape {
					between[i] = a.Step[i] - 1
					hi[i] = in[0].shape[i] - a.Lo[i] - (d-1)*a.Step[i] - 1
				}
				out[0] = Pad(ct, a.Lo, hi, between)
			}},
		OpConcat: {name: "concat", hlo: "stablehlo.concatenate", arity: -1, infer: inferConcat, eval: evalConcat,
			vjp: func(y, ct *Node, in, out []*Node) {
				ax, at := y.attr.Axes[0], 0
				for i, x := range in {
					lo, hi, one := make([]int, len(y.shape)), slices.Clone(y.shape), make([]int, len(y.shape))
					for j := range one {
						one[j] = 1
					}
					lo[ax], hi[ax] = at, at+x.shape[ax]
					out[i] = Slice(ct, lo, hi, one)
					at += x.shape[ax]
				}
			}},
		// The rows of a table that ids name: y[i…] = table[ids[i…]], and 0 for an id that is no row. The gradients of each of
		// gather and scatter_add are the other; see gather.go. Ids have no gradient.
		OpGather: {name: "gather", hlo: "stablehlo.gather", arity: 2, infer: inferGather, eval: evalGather,
			vjp: func(_, ct *Node, in, out []*Node) { out[0] = ScatterAdd(ct, in[1], in[0].shape[0]) }},
		OpScatterAdd: {name: "scatter_add", hlo: "stablehlo.scatter add", arity: 2, infer: inferScatterAdd, eval: evalScatterAdd,
			vjp: func(_, ct *Node, in, out []*Node) { out[0] = Gather(ct, in[1]) }},

		// The axes are removed from the shape.
		OpSum: {name: "sum", hlo: "stablehlo.reduce add", arity: 1, infer: inferReduce, eval: evalSum,
			vjp: func(y, ct *Node, in, out []*Node) { out[0] = expandReduced(ct, y.attr.Axes, in[0].shape) }},
		// Ties share the gradient equally.
		OpReduceMax: {name: "max_reduce", hlo: "stablehlo.reduce maximum", arity: 1, infer: inferReduce, eval: evalReduceMax,
			vjp: func(y, ct *Node, in, out []*Node) {
				isMax := Equal(in[0], expandReduced(y, y.attr.Axes, in[0].shape))
				share := Div(ct, Sum(isMax, y.attr.Axes...))
				out[0] = Mul(isMax, expandReduced(share, y.attr.Axes, in[0].shape))
			}},

		// y = A·B, with A transposed if TransA is set, and B if TransB is set; one product for each index of the leading axes.
		OpMatMul: {name: "matmul", hlo: "stablehlo.dot_general", arity: 2, infer: inferMatMul, eval: evalMatMul,
			vjp: func(y, ct *Node, in, out []*Node) {
				a, b, ta, tb := in[0], in[1], y.attr.TransA, y.attr.TransB
				if ta {
					out[0] = MatMulT(b, ct, tb, true)
				} else {
					out[0] = MatMulT(ct, b, false, !tb)
				}
				if tb {
					out[1] = MatMulT(ct, a, true, ta)
				} else {
					out[1] = MatMulT(a, ct, !ta, false)
				}
			}},
		// The gradients of each of the three convolutions are the other two; see conv.go.
		OpConv2D: {name: "conv2d", hlo: "stablehlo.convolution", arity: 2, infer: inferConv2D, eval: evalConv2D,
			vjp: func(y, ct *Node, in, out []*Node) {
				out[0] = Conv2DInputGrad(ct, in[1], in[0].shape, y.attr.Conv)
				out[1] = Conv2DFilterGrad(in[0], ct, in[1].shape, y.attr.Conv)
			}},
		OpConv2DInputGrad: {name: "conv2d_input_grad", hlo: "stablehlo.convolution", arity: 2, infer: inferConv2DInputGrad, eval: evalConv2DInputGrad,
			vjp: func(y, ct *Node, in, out []*Node) {
				out[0] = Conv2D(ct, in[1], y.attr.Conv)
				out[1] = Conv2DFilterGrad(ct, in[0], in[1].shape, y.attr.Conv)
			}},
		OpConv2DFilterGrad: {name: "conv2d_filter_grad", hlo: "stablehlo.convolution", arity: 2, infer: inferConv2DFilterGrad, eval: evalConv2DFilterGrad,
			vjp: func(y, ct *Node, in, out []*Node) {
				out[0] = Conv2DInputGrad(in[1], ct, in[0].shape, y.attr.Conv)
				out[1] = Conv2D(in[0], ct, y.attr.Conv)
			}},
	}
}
