// Package tensor holds arrays on the host: an element type, a shape and row-major data.
//
// To use it, make a tensor with New or FromSlice and access its elements as a slice:
//
//	x := tensor.New(tensor.Float32, 128, 784) // zeros
//	x.F32()[0] = 1
//	y, err := tensor.FromSlice(pixels, 128, 784) // no copy
//
// Tensors are the operands of compiled programs and the contents of files. The package does no arithmetic, and must not
// know devices, files or graphs.
package tensor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A DType is the type of an element.
type DType uint8

// The element types. Programs compute with Float32. Int32 is for indices and random keys, and Uint8 for pixels.
const (
	Float32 DType = iota
	Int32
	Uint8
)

// String returns the name in printed graphs: f32, i32 or u8.
func (d DType) String() string {
	switch d {
	case Float32:
		return "f32"
	case Int32:
		return "i32"
	case Uint8:
		return "u8"
	}
	return "dtype(" + strconv.Itoa(int(d)) + ")"
}

// Bytes returns the size of one element in bytes.
func (d DType) Bytes() int {
	if d == Uint8 {
		return 1
	}
	return 4
}

// ParseDType returns the type of the name s, as DType.String writes it, or an error that lists the names.
func ParseDType(s string) (DType, error) {
	for _, d := range []DType{Float32, Int32, Uint8} {
		if d.String() == s {
			return d, nil
		}
	}
	return 0, fmt.Errorf("tensor: no element type %q; have f32, i32, u8", s)
}

// A Shape is the list of the lengths of the axes, outermost first. The empty Shape is that of a scalar.
type Shape []int

// Size returns the number of elements: the product of the lengths, and 1 for a scalar.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether both shapes have the same lengths.
func (s Shape) Equal(o Shape) bool {
	if len(s) != len(o) {
		return false
	}
	for i, d := range s {
		if d != o[i] {
			return false
		}
	}
	return true
}

// Clone returns a copy that shares no memory.
func (s Shape) Clone() Shape { return append(Shape{}, s...) }

// String returns the lengths in brackets: [128,784], or [] for a scalar.
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(d))
	}
	b.WriteByte(']')
	return b.String()
}

// Check returns an error if an axis is shorter than 1 or there are more than 2³¹−1 elements.
func (s Shape) Check() error {
	n := 1
	for i, d := range s {
		if d < 1 {
			return fmt.Errorf("tensor: shape %v: axis %d is %d, want at least 1", s, i, d)
		}
		if n > math.MaxInt32/d {
			return fmt.Errorf("tensor: shape %v has more than %d elements", s, math.MaxInt32)
		}
		n *= d
	}
	return nil
}

// A Tensor is an array on the host. The zero value cannot be used: see New and FromSlice.
type Tensor struct {
	dtype DType
	shape Shape
	f32   []float32
	i32   []int32
	u8    []uint8
}

// New returns a tensor of zeros. The lengths of shape must be at least 1; see Shape.Check.
func New(dt DType, shape ...int) *Tensor {
	t := &Tensor{dtype: dt, shape: Shape(shape).Clone()}
	n := t.shape.Size()
	switch dt {
	case Int32:
		t.i32 = make([]int32, n)
	case Uint8:
		t.u8 = make([]uint8, n)
	default:
		t.f32 = make([]float32, n)
	}
	return t
}

// FromSlice returns a tensor with the elements data, which it does not copy: a later change of data changes the tensor. It
// returns an error if the length of data is not the size of shape, or shape is not valid.
func FromSlice[T float32 | int32 | uint8](data []T, shape ...int) (*Tensor, error) {
	s := Shape(shape).Clone()
	if err := s.Check(); err != nil {
		return nil, err
	}
	if len(data) != s.Size() {
		return nil, fmt.Errorf("tensor: %d elements for shape %v, want %d", len(data), s, s.Size())
	}
	t := &Tensor{shape: s}
	switch d := any(data).(type) {
	case []float32:
		t.f32 = d
	case []int32:
		t.dtype, t.i32 = Int32, d
	case []uint8:
		t.dtype, t.u8 = Uint8, d
	}
	return t, nil
}

// DType returns the element type.
func (t *Tensor) DType() DType { return t.dtype }

// Shape returns the shape. The caller must not change it.
func (t *Tensor) Shape() Shape { return t.shape }

// Size returns the number of elements.
func (t *Tensor) Size() int { return t.shape.Size() }

// F32 returns the elements of a Float32 tensor, without a copy, and nil for another type.
func (t *Tensor) F32() []float32 { return t.f32 }

// I32 returns the elements of an Int32 tensor, without a copy, and nil for another type.
func (t *Tensor) I32() []int32 { return t.i32 }

// U8 returns the elements of a Uint8 tensor, without a copy, and nil for another type.
func (t *Tensor) U8() []uint8 { return t.u8 }

// String returns the type and the shape: f32[128,784].
func (t *Tensor) String() string { return t.dtype.String() + t.shape.String() }
