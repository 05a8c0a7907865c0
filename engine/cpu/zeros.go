package cpu

import (
	"sync/atomic"
	"unsafe"

	"github.com/imago-ml/imago/internal/kernel"
)

// A zeroSkipper lets a matrix product skip zeros of its left operand, which is an input: four fifths of the pixels of a batch
// of digits are background. For every tile of rows it lists the columns in which at least one row is not 0, and copies these
// columns side by side. The other columns would add 0 to each sum, so the results have the same bits, unless the right
// operand is not finite.
//
// If most tiles of a task are dense, the next tasks do not search for zeros, so that images without zeros cost little.
type zeroSkipper struct {
	a         *buffer
	transA    bool
	lda       int
	k, ldb    int
	skipTasks atomic.Int32 // the number of next tasks that do not search
}

const (
	tileRows      = kernel.MaxRows
	denseFraction = 0.75 // a tile is dense if more than this fraction of its columns is not 0: listing them then does not pay
	// minSparseColumns is the smallest number of columns of the right operand for which a search pays.
	minSparseColumns = 64
	denseTasks       = 256
)

// scratch returns the size of the scratch memory in float32: for the columns of a tile, and for their offsets.
func (z *zeroSkipper) scratch() int { return (tileRows + 1) * z.k }

// skipsSearch reports whether a task does not search for zeros.
func (z *zeroSkipper) skipsSearch() bool { return z.skipTasks.Load() > 0 && z.skipTasks.Add(-1) >= 0 }

// listNonzeros returns the columns of mr rows from row i on in which at least one row is not 0, (n, tileRows), and their offsets
// in the right operand, (n). Both are in scratch. If mr is below tileRows, the columns have other numbers after row mr.
func (z *zeroSkipper) listNonzeros(scratch []float32, i, mr int) (tile *float32, from []uint32) {
	t := bitsOf(scratch)
	from = t[tileRows*z.k:][:z.k]
	n := 0
	if z.transA {
		n = z.listColumns(t, from, i)
	} else {
		n = z.listRows(t, from, i, mr)
	}
	return &scratch[0], from[:n]
}

// bitsOf returns the elements of x, and those after x up to its capacity, as words. Words are compared and copied faster than
// float32.
func bitsOf(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), cap(x))
}

// listRows returns the number of columns of listNonzeros for a left operand that is not transposed.
func (z *zeroSkipper) listRows(tile, from []uint32, i, mr int) int {
	a := bitsOf(z.a.data)
	row := func(r int) []uint32 {
		if r >= mr {
			r = 0
		}
		return a[(i+r)*z.lda:][:len(from)]
	}
	r0, r1, r2, r3, r4, r5 := row(0), row(1), row(2), row(3), row(4), row(5)
	n := 0
	for k := range from {
		v0, v1, v2, v3, v4, v5 := r0[k], r1[k], r2[k], r3[k], r4[k], r5[k]
		if (v0|v1|v2|v3|v4|v5)<<1 != 0 { // −0 is 0
			t := (*[tileRows]uint32)(tile[n*tileRows:])
			t[0], t[1], t[2], t[3], t[4], t[5] = v0, v1, v2, v3, v4, v5
			from[n] = uint32(k * z.ldb)
			n++
		}
	}
	return n
}

// listColumns returns the number of columns of listNonzeros for a transposed left operand. It may read after the end of the
// buffer. Branches on pixels would often be mispredicted, so it writes every column, and the next one overwrites a column of
// zeros.
func (z *zeroSkipper) listColumns(tile, from []uint32, i int) int {
	a, n := bitsOf(z.a.data), 0
	for k := range from {
		v := (*[tileRows]uint32)(a[k*z.lda+i:])
		t := (*[tileRows]uint32)(tile[n*tileRows:])
		v0, v1, v2, v3, v4, v5 := v[0], v[1], v[2], v[3], v[4], v[5]
		t[0], t[1], t[2], t[3], t[4], t[5] = v0, v1, v2, v3, v4, v5
		from[n] = uint32(k * z.ldb)
		nonzero := 0
		if (v0|v1|v2|v3|v4|v5)<<1 != 0 {
			nonzero = 1
		}
		n += nonzero
	}
	return n
}

// runSparse computes rows [r0, r1) of C, and skips zeros of A.
func (mm *matmul) runSparse(w *worker, r0, r1 int) {
	z := mm.sparse
	if z.skipsSearch() {
		mm.runDense(w, 0, r0, r1)
		return
	}
	dense, tiles := 0, 0
	for i := r0; i < r1; {
		run := nextTileRun(r1 - i)
		for range run.tiles {
			tile, from := z.listNonzeros(w.scratch, i, run.mr)
			tiles++
			if float64(len(from)) > denseFraction*float64(z.k) {
				dense++
				mm.runDense(w, 0, i, i+run.mr)
			} else {
				w.outer = kernel.OuterArgs{A: tile, LdA: tileRows, B: mm.b.ptr(0), LdPanel: mm.panelStride, BOffs: (*int32)(unsafe.Pointer(unsafe.SliceData(from))),
					C: mm.out.ptr(i * mm.n), LdC: mm.n, P: len(from), Cols: mm.n}
				kernel.Outer(run.mr, &w.outer)
			}
			i += run.mr
		}
	}
	if 2*dense > tiles {
		z.skipTasks.Store(denseTasks)
	}
}
