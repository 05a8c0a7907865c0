// Package kernel holds the float32 inner loops of package cpu: tiles of matrix products, packing, element-wise functions,
// reductions and random numbers. The caller passes slices, or pointers and strides, and the kernel writes its result to the
// destination:
//
//	kernel.Exp(dst, x)    // dst = eˣ, element by element
//	kernel.Rows(6, &args) // tiles of six rows of a matrix product
//
// A kernel x has these files. x.go contains xGeneric, the loop in plain Go that defines the result. x_amd64.go and x_amd64.s
// are the assembly for x86: AVX2 and AVX-512, chosen at run time, with the same bits. Sums are AVX2 alone, for
// wider vectors would add in another order, and random numbers and packing too. x_arm64.go and x_arm64.s are the assembly for
// arm64 (NEON). x_noasm.go calls xGeneric on other processors and with the build tag purego (random, wino and pixels also on
// arm64). The generators in _asm and _neon write the assembly; go generate runs them.
//
// Every kernel promises:
//   - It does not allocate, starts no goroutine and has no global state.
//   - The result depends on the arguments alone: an implementation gives the same bits in every call and on every thread.
//   - The assembly and xGeneric agree up to rounding, and to the bit only where the comment of the function says so.
//
// Kernels do not check pointers; their callers in package cpu do. The package must not know graphs, shapes or threads.
package kernel

//go:generate sh -c "cd _asm && go run . -out .."
//go:generate go run ./_neon -out .

import (
	"unsafe"
)

const (
	// MaxRows is the largest number of rows of a tile of Rows, Outer or Dot, and the stride of the offset tables of Rows and
	// Dot.
	MaxRows = 6
	// PanelCols is the number of columns of a packed panel.
	PanelCols = 16
)

// elem returns the address of element i after p. The caller makes sure that it lies within the slice of p.
func elem[T float32 | int32](p *T, i int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), i*4))
}

// rowOrZero returns the n float32 from base + off on, or from zero on if off is negative.
func rowOrZero(base *float32, off int32, zero *float32, n int) []float32 {
	if off < 0 {
		return unsafe.Slice(zero, n)
	}
	return unsafe.Slice(elem(base, int(off)), n)
}
