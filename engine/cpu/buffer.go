package cpu

import (
	"unsafe"

	"github.com/imago-ml/imago/engine/tensor"
)

// overreadFloats is the number of float32 after a buffer that must be readable: kernels read up to 15 of them. lineFloats is
// the size of a cache line in float32.
const (
	overreadFloats = 16
	lineFloats     = 16
)

// A buffer is the memory of a value: in the arena, at an offset that plan chooses, or memory of its own (for a state, a
// constant or an input).
type buffer struct {
	size  int
	shape tensor.Shape // only of states
	data  []float32
	i32   []int32 // of a random key, instead of data
	fixed bool    // whether the buffer has memory of its own
	// alias is the buffer that this one overwrites, and whose memory it uses: the value of a state before an update.
	alias *buffer
	// The first and the last level in which the buffer is in use, and its offset in the arena. plan sets them.
	first, last, offset int
}

// newAligned returns n zeros that start at a cache line, with overreadFloats of readable memory after them.
func newAligned(n int) []float32 {
	s := make([]float32, n+overreadFloats+lineFloats)
	skip := 0
	if r := uintptr(unsafe.Pointer(&s[0])) % (4 * lineFloats); r != 0 {
		skip = int(4*lineFloats-r) / 4
	}
	return s[skip : skip+n : skip+n+overreadFloats]
}

// owner returns the buffer whose memory b uses.
func (b *buffer) owner() *buffer {
	for b.alias != nil {
		b = b.alias
	}
	return b
}

// ptr returns the address of element i. It may be the first element after the buffer.
func (b *buffer) ptr(i int) *float32 { return &b.data[:cap(b.data)][i] }
