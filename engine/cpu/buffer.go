package cpu

import (
	"unsafe"

	"github.com/imago-ml/imago/engine/tensor"
)

// guard is how many float32 after a buffer a kernel may read (internal/kernel:
// up to 15); lineFloats is a cache line.
const (
	overreadFloats = 16
	lineFloats     = 16
)

// A buffer is where a value lives: in the arena, where plan puts it, or in
// memory of its own (a state, a constant, an input).
type buffer struct {
	size  int
	shape tensor.Shape // states only
	data  []float32
	i32   []int32 // random keys, instead of data
	fixed bool    // has memory of its own
	// alias is the buffer whose memory this one shares, being written over it: the
	// value of a state before an update.
	alias *buffer
	// The first and the last level in which the buffer is in use, and where in the
	// arena it lies; plan sets them.
	first, last, offset int
}

// aligned returns n zeros on a cache line, with readable memory behind them.
func newAligned(n int) []float32 {
	s := make([]float32, n+overreadFloats+lineFloats)
	off := 0
	if r := uintptr(unsafe.Pointer(&s[0])) % (4 * lineFloats); r != 0 {
		off = int(4*lineFloats-r) / 4
	}
	return s[off : off+n : off+n+overreadFloats]
}

// home returns the buffer that has the memory.
func (b *buffer) owner() *buffer {
	for b.alias != nil {
		b = b.alias
	}
	return b
}

// ptr returns the address of element i, which may be the first element of the guard.
func (b *buffer) ptr(i int) *float32 { return &b.data[:cap(b.data)][i] }
