package graph

import (
	"fmt"
	"math"
	"slices"
)

// The shape rules of the table in ops.go.

// inferFromAttr returns the shape in Hi, and removes it from the attributes.
func inferFromAttr(_ []Shape, a *Attr, _ func(string)) Shape {
	s := Shape(a.Hi)
	a.Hi = nil
	return s
}

func inferRandom(in []Shape, a *Attr, fail func(string)) Shape {
	if !in[0].Equal(Shape{4}) {
		fail("a key has four words: want [4]")
	}
	return inferFromAttr(in, a, fail)
}

func inferSame(in []Shape, _ *Attr, fail func(string)) Shape {
	for _, s := range in[1:] {
		if !s.Equal(in[0]) {
			fail("want operands of one shape")
		}
	}
	return in[0]
}

func inferReshape(in []Shape, a *Attr, fail func(string)) Shape {
	s := inferFromAttr(in, a, fail)
	if s.Size() != in[0].Size() {
		fail(fmt.Sprintf("%v has %d elements, want %d", s, s.Size(), in[0].Size()))
	}
	return s
}

func inferTranspose(in []Shape, a *Attr, fail func(string)) Shape {
	sorted := slices.Sorted(slices.Values(a.Axes))
	for i, ax := range sorted {
		if len(sorted) != len(in[0]) || ax != i {
			fail(fmt.Sprintf("%v is not a permutation of %d axes", a.Axes, len(in[0])))
		}
	}
	if len(sorted) != len(in[0]) {
		fail(fmt.Sprintf("%v is not a permutation of %d axes", a.Axes, len(in[0])))
	}
	s := make(Shape, len(a.Axes))
	for i, ax := range a.Axes {
		s[i] = in[0][ax]
	}
	return s
}

func inferBroadcast(in []Shape, a *Attr, fail func(string)) Shape {
	s := inferFromAttr(in, a, fail)
	offset := len(s) - len(in[0])
	if offset < 0 {
		fail(fmt.Sprintf("has more axes than %v", s))
	}
	for i, d := range in[0] {
		if d != 1 && d != s[offset+i] {
			fail(fmt.Sprintf("axis %d of length %d does not broadcast to %v", i, d, s))
		}
	}
	return s
}

func inferPad(in []Shape, a *Attr, fail func(string)) Shape {
	r := len(in[0])
	if len(a.Lo) != r || len(a.Hi) != r || len(a.Step) != r {
		fail(fmt.Sprintf("want %d numbers in each of lo, hi and interior", r))
	}
	s := make(Shape, r)
	for i, d := range in[0] {
		if a.Lo[i] < 0 || a.Hi[i] < 0 || a.Step[i] < 0 {
			fail(fmt.Sprintf("axis %d: negative padding", i))
		}
		if max(a.Lo[i], a.Hi[i], a.Step[i]) > math.MaxInt32 { // the sum below could overflow
			fail(fmt.Sprintf("axis %d: padding of more than %d", i, math.MaxInt32))
		}
		s[i] = a.Lo[i] + d + (d-1)*a.Step[i] + a.Hi[i]
	}
	return s
}

func inferSlice(in []Shape, a *Attr, fail func(string)) Shape {
	r := len(in[0])
	if len(a.Lo) != r || len(a.Hi) != r || len(a.Step) != r {
		fail(fmt.Sprintf("want %d numbers in each of start, limit and stride", r))
	}
	s := make(Shape, r)
	for i, d := range in[0] {
		if a.Lo[i] < 0 || a.Hi[i] > d || a.Lo[i] >= a.Hi[i] || a.Step[i] < 1 {
			fail(fmt.Sprintf("axis %d: [%d:%d:%d] is not inside [0:%d]", i, a.Lo[i], a.Hi[i], a.Step[i], d))
		}
		if a.Step[i] > math.MaxInt32 { // the gradient pads by as much
			fail(fmt.Sprintf("axis %d: stride of more than %d", i, math.MaxInt32))
		}
		s[i] = (a.Hi[i]-a.Lo[i]-1)/a.Step[i] + 1
	}
	return s
}

func inferConcat(in []Shape, a *Attr, fail func(string)) Shape {
	if len(in) == 0 || len(a.Axes) != 1 || a.Axes[0] < 0 || a.Axes[0] >= len(in[0]) {
		fail(fmt.Sprintf("want operands and one of their axes, not %v", a.Axes))
	}
	s, ax := in[0].Clone(), a.Axes[0]
	for _, o := range in[1:] {
		if len(o) != len(s) {
			fail("want operands of one rank")
		}
		for i, d := range o {
			if i != ax && d != s[i] {
				fail(fmt.Sprintf("want operands that differ only in axis %d", ax))
			}
		}
		s[ax] += o[ax]
	}
	return s
}

func inferReduce(in []Shape, a *Attr, fail func(string)) Shape {
	a.Axes = slices.Sorted(slices.Values(a.Axes))
	var s = Shape{}
	for i, ax := range a.Axes {
		if ax < 0 || ax >= len(in[0]) || i > 0 && a.Axes[i-1] == ax {
			fail(fmt.Sprintf("axes %v are not different axes of a rank %d operand", a.Axes, len(in[0])))
		}
	}
	for i, d := range in[0] {
		if !slices.Contains(a.Axes, i) {
			s = append(s, d)
		}
	}
	return s
}

func inferMatMul(in []Shape, a *Attr, fail func(string)) Shape {
	lead := len(in[0]) - 2
	if lead < 0 || len(in[1]) != lead+2 || !in[0][:lead].Equal(in[1][:lead]) {
		fail("want two matrices, or two arrays of matrices with equal leading axes")
	}
	m, k := in[0][lead], in[0][lead+1]
	if a.TransA {
		m, k = k, m
	}
	k2, n := in[1][lead], in[1][lead+1]
	if a.TransB {
		k2, n = n, k2
	}
	if k != k2 {
		fail(fmt.Sprintf("inner lengths %d and %d differ", k, k2))
	}
	return append(in[0][:lead].Clone(), m, n)
}
