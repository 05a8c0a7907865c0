package cpu

import (
	"sync/atomic"
	"unsafe"

	"github.com/imago-ml/imago/internal/kernel"
)

// zeros lets a product pass over what its left side, an input, has of zeros: four
// fifths of a batch of digits is background. Of every tile of rows it lists the places
// where one of them is not 0, and puts these side by side. What is left out would add
// 0 to each sum, so a result has the same bits, unless the right side is not finite.
//
// Images without zeros are not searched again and again: where most tiles were full,
// the tasks that follow do not look.
type zeroSkipper struct {
	a         *buffer
	transA    bool
	lda       int
	k, ldb    int
	skipTasks atomic.Int32 // tasks that are not to look
}

const (
	tileRows      = kernel.MaxRows
	denseFraction = 0.75 // of its places: as many are no fewer, once they are listed
	// sparseColumns is how many of the right side a list must serve, to be worth it.
	minSparseColumns = 64
	denseTasks       = 256
)

// scratch returns what a worker needs, in float32: a tile, and where it is from.
func (z *zeroSkipper) scratch() int { return (tileRows + 1) * z.k }

// rests says whether a task is not to look.
func (z *zeroSkipper) skipsSearch() bool { return z.skipTasks.Load() > 0 && z.skipTasks.Add(-1) >= 0 }

// list fills the scratch with the places of mr rows from row i on that are not 0 in
// all of them, (n, tileRows), and where in the right side they are, (n). Fewer rows
// are filled up with some others.
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

// bitsOf returns x and what lies in its guard. Words are compared and copied faster than
// floats are.
func bitsOf(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), cap(x))
}

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

// listColumns may read the guard of the buffer. Whether a few pixels of the next image
// are 0 cannot be foreseen, so it does not branch on it: a place that is not to be kept
// is written over.
func (z *zeroSkipper) listColumns(tile, from []uint32, i int) int {
	a, n := bitsOf(z.a.data), 0
	for k := range from {
		v := (*[tileRows]uint32)(a[k*z.lda+i:])
		t := (*[tileRows]uint32)(tile[n*tileRows:])
		v0, v1, v2, v3, v4, v5 := v[0], v[1], v[2], v[3], v[4], v[5]
		t[0], t[1], t[2], t[3], t[4], t[5] = v0, v1, v2, v3, v4, v5
		from[n] = uint32(k * z.ldb)
		kept := 0
		if (v0|v1|v2|v3|v4|v5)<<1 != 0 {
			kept = 1
		}
		n += kept
	}
	return n
}

// runZeros is run of a product that passes over zeros.
func (mm *matmul) runSparse(w *worker, r0, r1 int) {
	z := mm.sparse
	if z.skipsSearch() {
		mm.runDense(w, r0, r1)
		return
	}
	full, tiles := 0, 0
	for i := r0; i < r1; {
		run := nextTileRun(r1 - i)
		for range run.tiles {
			tile, from := z.listNonzeros(w.scratch, i, run.mr)
			tiles++
			if float64(len(from)) > denseFraction*float64(z.k) {
				full++
				mm.runDense(w, i, i+run.mr)
			} else {
				w.outer = kernel.OuterArgs{A: tile, LdA: tileRows, B: mm.b.ptr(0), LdPanel: mm.panelStride, BOffs: (*int32)(unsafe.Pointer(unsafe.SliceData(from))),
					C: mm.out.ptr(i * mm.n), LdC: mm.n, P: len(from), Cols: mm.n}
				kernel.Outer(run.mr, &w.outer)
			}
			i += run.mr
		}
	}
	if 2*full > tiles {
		z.skipTasks.Store(denseTasks)
	}
}
