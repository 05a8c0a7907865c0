// Package tensor holds host arrays: a type, a shape and row-major data.
//
// It does no arithmetic and knows no device, file or graph. A Tensor is how
// numbers cross from files to programs and back.
package tensor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// DType is the type of an element.
type DType uint8

// The element types. Float32 is what programs compute with; Int32 carries
// indices and random keys; Uint8 carries pixels.
const (
	Float32 DType = iota
	Int32
	Uint8
)

// String returns the short name used in printed graphs: f32, i32, u8.
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

// Bytes returns the size of one element.
func (d DType) Bytes() int {
	if d == Uint8 {
		return 1
	}
	return 4
}

// ParseDType returns the inverse of DType.String.
func ParseDType(s string) (DType, error) {
	for _, d := range []DType{Float32, Int32, Uint8} {
		if d.String() == s {
			return d, nil
		}
	}
	return 0, fmt.Errorf("tensor: no element type %q; have f32, i32, u8", s)
}

// Shape is the length of each axis, outermost first. The empty Shape is a scalar.
type Shape []int

// Size returns the number of elements: the product of the axes, 1 for a scalar.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether both shapes have the same axes.
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

// Clone returns an independent copy.
func (s Shape) Clone() Shape { return append(Shape{}, s...) }

// String returns [128,784], or [] for a scalar.
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

// Check reports an axis below one or a product that overflows 2³¹ elements.
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

// A Tensor is a host array. Its zero value is not usable; see New and FromSlice.
type Tensor struct {
	dtype DType
	shape Shape
	f32   []float32
	i32   []int32
	u8    []uint8
}

// New returns a tensor of zeros.
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

// FromSlice returns the tensor over data, which is kept and not copied. It fails
// unless len(data) is the size of shape.
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

// Shape returns the tensor's own shape: do not write to it.
func (t *Tensor) Shape() Shape { return t.shape }

// Size returns the number of elements.
func (t *Tensor) Size() int { return t.shape.Size() }

// F32 returns the data of a Float32 tensor, not a copy; nil for another type.
func (t *Tensor) F32() []float32 { return t.f32 }

// I32 returns the data of an Int32 tensor, not a copy; nil for another type.
func (t *Tensor) I32() []int32 { return t.i32 }

// U8 returns the data of a Uint8 tensor, not a copy; nil for another type.
func (t *Tensor) U8() []uint8 { return t.u8 }

// String describes the tensor without its data: f32[128,784].
func (t *Tensor) String() string { return t.dtype.String() + t.shape.String() }
