//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// rowsMxN computes tiles of M rows and N whole columns, whatever a.Cols says, with
// AVX2; rowsMx16z one panel with AVX-512 and rowsMx32z two, the last as wide as
// a.Cols says.

//go:noescape
func rows1x16(a *RowsArgs)

//go:noescape
func rows2x16(a *RowsArgs)

//go:noescape
func rows3x16(a *RowsArgs)

//go:noescape
func rows4x16(a *RowsArgs)

//go:noescape
func rows5x16(a *RowsArgs)

//go:noescape
func rows6x16(a *RowsArgs)

//go:noescape
func rows1x8(a *RowsArgs)

//go:noescape
func rows2x8(a *RowsArgs)

//go:noescape
func rows3x8(a *RowsArgs)

//go:noescape
func rows4x8(a *RowsArgs)

//go:noescape
func rows5x8(a *RowsArgs)

//go:noescape
func rows6x8(a *RowsArgs)

//go:noescape
func rows1x32z(a *RowsArgs)

//go:noescape
func rows2x32z(a *RowsArgs)

//go:noescape
func rows3x32z(a *RowsArgs)

//go:noescape
func rows4x32z(a *RowsArgs)

//go:noescape
func rows5x32z(a *RowsArgs)

//go:noescape
func rows6x32z(a *RowsArgs)

//go:noescape
func rows1x16z(a *RowsArgs)

//go:noescape
func rows2x16z(a *RowsArgs)

//go:noescape
func rows3x16z(a *RowsArgs)

//go:noescape
func rows4x16z(a *RowsArgs)

//go:noescape
func rows5x16z(a *RowsArgs)

//go:noescape
func rows6x16z(a *RowsArgs)

func rows(mr int, a *RowsArgs) {
	switch {
	case cpuid.AVX512():
		rowsAVX512(mr, a)
	case cpuid.AVX2FMA():
		rowsAVX2(mr, a)
	default:
		rowsGeneric(mr, a)
	}
}

// rowsAVX512 takes two panels at a time; a last panel may be ragged.
func rowsAVX512(mr int, a *RowsArgs) {
	if a.Cols > PanelCols && a.Cols <= 2*PanelCols {
		rowsBy32z(mr, a)
		return
	}
	if a.Cols <= PanelCols {
		rowsPanel512(mr, a)
		return
	}
	b := *a
	for j := 0; j < a.Cols; j += 2 * PanelCols {
		b.W, b.C, b.Cols = at(a.W, j/PanelCols*a.LdPanel), at(a.C, j), min(a.Cols-j, 2*PanelCols)
		if b.Cols > PanelCols {
			rowsBy32z(mr, &b)
		} else {
			rowsPanel512(mr, &b)
		}
	}
}

func rowsPanel512(mr int, a *RowsArgs) {
	if a.Cols == 8 { // half of a vector of 16 would be idle
		rowsBy8(mr, a)
	} else {
		rowsBy16z(mr, a)
	}
}

func rowsAVX2(mr int, a *RowsArgs) {
	if a.Cols <= PanelCols {
		rowsPanel(mr, a)
		return
	}
	b := *a
	for j := 0; j < a.Cols; j += PanelCols {
		b.W, b.C, b.Cols = at(a.W, j/PanelCols*a.LdPanel), at(a.C, j), min(a.Cols-j, PanelCols)
		rowsPanel(mr, &b)
	}
}

func rowsPanel(mr int, a *RowsArgs) {
	switch a.Cols {
	case 16:
		rowsBy16(mr, a)
	case 8:
		rowsBy8(mr, a)
	default:
		rowsRagged(mr, a)
	}
}

func rowsBy16(mr int, a *RowsArgs) {
	switch mr {
	case 6:
		rows6x16(a)
	case 5:
		rows5x16(a)
	case 4:
		rows4x16(a)
	case 3:
		rows3x16(a)
	case 2:
		rows2x16(a)
	case 1:
		rows1x16(a)
	}
}

func rowsBy8(mr int, a *RowsArgs) {
	switch mr {
	case 6:
		rows6x8(a)
	case 5:
		rows5x8(a)
	case 4:
		rows4x8(a)
	case 3:
		rows3x8(a)
	case 2:
		rows2x8(a)
	case 1:
		rows1x8(a)
	}
}

func rowsBy32z(mr int, a *RowsArgs) {
	switch mr {
	case 6:
		rows6x32z(a)
	case 5:
		rows5x32z(a)
	case 4:
		rows4x32z(a)
	case 3:
		rows3x32z(a)
	case 2:
		rows2x32z(a)
	case 1:
		rows1x32z(a)
	}
}

func rowsBy16z(mr int, a *RowsArgs) {
	switch mr {
	case 6:
		rows6x16z(a)
	case 5:
		rows5x16z(a)
	case 4:
		rows4x16z(a)
	case 3:
		rows3x16z(a)
	case 2:
		rows2x16z(a)
	case 1:
		rows1x16z(a)
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
			rowsBy8(mr, &b)
		} else {
			rowsBy16(mr, &b)
		}
		for i := range mr {
			put(unsafe.Slice(at(a.C, int(*at(coffs, i))), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
		}
	}
}
