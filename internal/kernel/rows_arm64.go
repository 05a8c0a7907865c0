//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// rows16NEON computes tiles of mr rows and 16 columns, and rows8NEON those of 8 columns; they ignore a.Cols.
//
// Calculated and not measured: a tile has mr·N/4 chains of additions for N columns, and a core needs 4 chains for each pipe if
// a fused multiply-add takes 4 cycles. With 2 pipes, tiles of 16 columns therefore reach the peak from 2 rows on, and tiles of
// 8 columns from 4 rows on. With 4 pipes, tiles of 16 columns reach it from 4 rows on, with 3 rows ¾ of it, with 2 rows ½ and
// with 1 row ¼; tiles of 6 rows and 8 columns reach ¾. The loads fit between the products: see the generator.
//
//go:noescape
func rows16NEON(mr int, a *RowsArgs)

//go:noescape
func rows8NEON(mr int, a *RowsArgs)

func rows(mr int, a *RowsArgs) {
	switch {
	case !cpuid.NEON():
		rowsGeneric(mr, a)
	case a.Cols <= PanelCols:
		rowsPanel(mr, a)
	default:
		b := *a
		for j := 0; j < a.Cols; j += PanelCols {
			b.W, b.C, b.Cols = elem(a.W, j/PanelCols*a.LdPanel), elem(a.C, j), min(a.Cols-j, PanelCols)
			rowsPanel(mr, &b)
		}
	}
}

// rowsPanel computes one panel.
func rowsPanel(mr int, a *RowsArgs) {
	switch a.Cols {
	case 16:
		rows16NEON(mr, a)
	case 8:
		rows8NEON(mr, a)
	default:
		rowsPartial(mr, a)
	}
}

// tileOffs are the offsets of the rows of a tile on the stack.
var tileOffs = [MaxRows]int32{0, 16, 32, 48, 64, 80}

// rowsPartial computes a panel with fewer columns than the assembly writes: into a tile on the stack, from which it copies the
// columns to C.
func rowsPartial(mr int, a *RowsArgs) {
	var tile [MaxRows * PanelCols]float32
	b := *a
	b.C, b.COffs, b.Tiles, b.Accumulate = &tile[0], &tileOffs[0], 1, false
	for t := range max(1, a.Tiles) {
		b.Offs = elem(a.Offs, t*a.Taps*MaxRows)
		coffs := elem(a.COffs, t*MaxRows)
		if a.Cols <= 8 {
			rows8NEON(mr, &b)
		} else {
			rows16NEON(mr, &b)
		}
		for i := range mr {
			store(unsafe.Slice(elem(a.C, int(*elem(coffs, i))), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
		}
	}
}
