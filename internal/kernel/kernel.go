// Package kernel holds the float32 inner loops of package cpu: matrix tiles,
// packing, element-wise functions, reductions, random numbers.
//
// A kernel is six files: x.go holds xGeneric, the loop in plain Go that defines
// the result; x_amd64.go and x_amd64.s are the assembly for x86 (AVX2, and tiles
// with AVX-512, chosen at run time), x_arm64.go and x_arm64.s that for arm64 (NEON);
// x_noasm.go forwards x to xGeneric elsewhere (random: on arm64 too) and under the
// purego tag. The assembly is written by the generators in _asm and _neon; go
// generate runs them.
//
// What every kernel promises:
//   - no allocation, no goroutine, no global state;
//   - the result depends on the arguments alone: the same implementation gives
//     the same bits on every call, on every thread;
//   - the assembly and its Go twin agree to rounding, not to the bit, unless the
//     function's comment says more.
//
// Kernels that take pointers do not check them: their callers in package cpu do.
// The package knows nothing of graphs, shapes or threads.
package kernel

//go:generate sh -c "cd _asm && go run . -out .."
//go:generate go run ./_neon -out .

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

const (
	// MaxRows is the most rows a tile of Rows, Outer or Dot has, and the stride
	// of the offset tables of Rows and Dot.
	MaxRows = 6
	// PanelCols is the most columns a tile has, and the width of a packed panel.
	PanelCols = 16
)

// ForceGeneric turns the assembly off (on = true) until the function it returns
// is called. It is for tests; no kernel may be running at the time.
func ForceGeneric(on bool) (restore func()) { return cpuid.ForceGeneric(on) }

// at returns p + i elements. Pointers that come from Go slices stay inside them,
// which is the caller's duty.
func at[T float32 | int32](p *T, i int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), i*4))
}

// row returns the n float32 from base + off on, or from zero on if off < 0.
func row(base *float32, off int32, zero *float32, n int) []float32 {
	if off < 0 {
		return unsafe.Slice(zero, n)
	}
	return unsafe.Slice(at(base, int(off)), n)
}
