package tensor

import (
	"slices"
	"testing"
)

// TestOffsets compares the walk with the sum of indices times strides, of transposed, repeated, reversed and empty arrays.
func TestOffsets(t *testing.T) {
	for _, c := range []struct {
		shape         Shape
		strides, want []int
	}{
		{Shape{}, nil, []int{0}},
		{Shape{3}, []int{2}, []int{0, 2, 4}},
		{Shape{2, 3}, []int{3, 1}, []int{0, 1, 2, 3, 4, 5}},
		{Shape{3, 2}, []int{1, 3}, []int{0, 3, 1, 4, 2, 5}},
		{Shape{2, 2, 2}, []int{0, 1, 0}, []int{0, 0, 1, 1, 0, 0, 1, 1}},
		{Shape{3}, []int{-1}, []int{0, -1, -2}},
		{Shape{2, 0}, []int{0, 1}, nil},
	} {
		if got := slices.Collect(Offsets(c.shape, c.strides)); !slices.Equal(got, c.want) {
			t.Errorf("Offsets(%v, %v) = %v, want %v", c.shape, c.strides, got, c.want)
		}
	}
	for at := range Offsets(Shape{4}, []int{1}) {
		if at == 1 {
			break
		}
	}
}
