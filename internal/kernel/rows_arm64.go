//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// rowsNNEON computes tiles of mr rows and N whole columns, whatever a.Cols says.
//
// Counted, not measured: a tile is mr·N/4 chains of additions, and a core needs 4
// for each of its pipes when a fused addition takes 4 cycles. So with 2 pipes tiles
// of 16 columns are at the peak from 2 rows on and those of 8 from 4; with 4 pipes
// 16 columns are from 4 rows on, with 3 rows at ¾, 2 at ½, 1 at ¼, and 6 rows of 8
// columns at ¾. Loads and other instructions fit beside that: see the generator.
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
			b.W, b.C, b.Cols = at(a.W, j/PanelCols*a.LdPanel), at(a.C, j), min(a.Cols-j, PanelCols)
			rowsPanel(mr, &b)
		}
	}
}

func rowsPanel(mr int, a *RowsArgs) {
	switch a.Cols {
	case 16:
		rows16NEON(mr, a)
	case 8:
		rows8NEON(mr, a)
	default:
		rowsRagged(mr, a)
	}
}

// tileOffs are the rows of a tile on the stack.
var tileOffs = [MaxRows]int32{0, 16, 32, 48, 64, 80}

// rowsRagged lets the assembly write whole vectors to a tile of its own, from
// which the columns there are go to C.
func rowsRagged(mr int, a *RowsArgs) {
	var tile [MaxRows * PanelCols]float32
	b := *a
	b.C, b.COffs, b.Tiles, b.Accumulate = &tile[0], &tileOffs[0], 1, false
	for t := range max(1, a.Tiles) {
		b.Offs = at(a.Offs, t*a.Taps*MaxRows)
		coffs := at(a.COffs, t*MaxRows)
		if a.Cols <= 8 {
			rows8NEON(mr, &b)
		} else {
			rows16NEON(mr, &b)
		}
		for i := range mr {
			put(unsafe.Slice(at(a.C, int(*at(coffs, i))), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
		}
	}
}
