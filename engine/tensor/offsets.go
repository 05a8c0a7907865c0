package tensor

import "iter"

// Offsets yields where the elements of an array lie, in the order of its rows: the sum of the indices of each, times the
// strides of their axes. An array without axes has one element, at 0.
func Offsets(shape Shape, strides []int) iter.Seq[int] {
	return func(yield func(int) bool) {
		index, at := make([]int, len(shape)), 0
		for range shape.Size() {
			if !yield(at) {
				return
			}
			for axis := len(index) - 1; axis >= 0; axis-- {
				at += strides[axis]
				if index[axis]++; index[axis] < shape[axis] {
					break
				}
				at -= index[axis] * strides[axis]
				index[axis] = 0
			}
		}
	}
}
