package onnx

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A kind is the type of the elements of a value.
type kind uint8

const (
	float   kind = iota // float32, or float16 where Float16 says so
	boolean             // the result of a comparison
	integer             // int64: shapes and the like
)

// The operators that stand for no node of a file.
const (
	opInput = "input"
	opConst = "const"
)

// A value is one value of the model to be written: an operator applied to others. The functions of this file and of
// layout.go make values; they apply what they can at once, such as a transpose to a constant.
type value struct {
	op    string // of ONNX, or opInput, opConst
	in    []*value
	attrs []attribute
	shape []dim
	kind  kind
	name  string    // of an input, and of the weights that a constant is made from
	data  []float32 // of a constant of floats
	ints  []int64   // of a constant of integers
	label string    // the layer that the node belongs to
}

// An attribute is a named setting of an operator: whole numbers, or one number.
type attribute struct {
	name string
	ints []int   // of a list
	i    int     // of one whole number
	f    float32 // of one number
	kind attributeKind
}

type attributeKind uint8

const (
	intAttribute attributeKind = iota
	intsAttribute
	floatAttribute
)

func attrInts(name string, v ...int) attribute {
	return attribute{name: name, ints: v, kind: intsAttribute}
}
func attrInt(name string, v int) attribute { return attribute{name: name, i: v, kind: intAttribute} }
func attrFloat(name string, v float32) attribute {
	return attribute{name: name, f: v, kind: floatAttribute}
}

// constant returns an array of floats.
func constant(name string, data []float32, shape ...int) *value {
	return &value{op: opConst, name: name, data: data, shape: fixed(shape)}
}

// integers returns a list of whole numbers.
func integers(v ...int64) *value {
	return &value{op: opConst, kind: integer, ints: v, shape: fixed([]int{len(v)})}
}

// toIntegers returns a list of whole numbers.
func toIntegers(v []int) *value {
	var list []int64
	for _, n := range v {
		list = append(list, int64(n))
	}
	return integers(list...)
}

// node returns an operator applied to values.
func node(op string, shape []dim, in []*value, attrs ...attribute) *value {
	return &value{op: op, in: in, shape: shape, attrs: attrs}
}

// attr returns the list of an attribute.
func (v *value) attr(name string) []int {
	for _, a := range v.attrs {
		if a.name == name {
			return a.ints
		}
	}
	return nil
}

// isConst reports whether v is an array of floats that is known.
func (v *value) isConst() bool { return v.op == opConst && v.kind == float }

// isScalar reports whether v is a constant of one element, x.
func (v *value) isScalar(x float32) bool { return v.isConst() && len(v.data) == 1 && v.data[0] == x }

// size returns the elements of a constant shape.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// transposedData returns the elements of an array with its axes in another order.
func transposedData(data []float32, shape, perm []int) []float32 {
	return gathered(data, permuted(shape, perm), permuted(graph.Strides(shape), perm))
}

// broadcastData returns the elements of an array repeated to a shape, to which it broadcasts.
func broadcastData(data []float32, from, to []int) []float32 {
	return gathered(data, to, graph.BroadcastStrides(from, to))
}

// gathered returns the elements of data that an array of that shape and those strides has.
func gathered(data []float32, shape, strides []int) []float32 {
	out := make([]float32, 0, size(shape))
	for at := range tensor.Offsets(shape, strides) {
		out = append(out, data[at])
	}
	return out
}

// broadcastShape returns the shape to which shapes broadcast, as NumPy does; ok is false if they do not.
func broadcastShape(shapes ...[]dim) (out []dim, ok bool) {
	for _, s := range shapes {
		for len(out) < len(s) {
			out = append([]dim{{n: 1}}, out...)
		}
	}
	for _, s := range shapes {
		for i, d := range s {
			at := len(out) - len(s) + i
			switch one := (dim{n: 1}); {
			case out[at] == one:
				out[at] = d
			case d != one && d != out[at]:
				return nil, false
			}
		}
	}
	return out, true
}

// elementwise returns an operator applied element by element. An operand that is repeated to the shape of another is not
// repeated: the operators do that themselves.
func elementwise(op string, k kind, shape []dim, in []*value, attrs ...attribute) *value {
	in = slices.Clone(in)
	for i, x := range in {
		if x.op != "Expand" {
			continue
		}
		shapes := [][]dim{x.in[0].shape}
		for j, other := range in {
			if j != i {
				shapes = append(shapes, other.shape)
			}
		}
		if s, ok := broadcastShape(shapes...); ok && slices.Equal(s, shape) {
			in[i] = x.in[0]
		}
	}
	v := node(op, shape, in, attrs...)
	v.kind = k
	return v
}

// cast returns the numbers 0 and 1 of a comparison.
func cast(v *value) *value { return node("Cast", v.shape, []*value{v}, attrInt("to", typeFloat)) }

// isCast reports whether v is the number of a comparison.
func (v *value) isCast() bool { return v.op == "Cast" && v.in[0].kind == boolean }
