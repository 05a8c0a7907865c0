//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// rowsMxN computes tiles of M rows and N columns with AVX2; it ignores a.Cols. rowsMx16z computes one panel with AVX-512, and
// rowsMx32z two. The last panel has the columns that a.Cols leaves.

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

// rowsAVX512 computes two panels at a time. The last panel may have fewer columns.
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
		b.W, b.C, b.Cols = elem(a.W, j/PanelCols*a.LdPanel), elem(a.C, j), min(a.Cols-j, 2*PanelCols)
		if b.Cols > PanelCols {
			rowsBy32z(mr, &b)
		} else {
			rowsPanel512(mr, &b)
		}
	}
}

// rowsPanel512 computes one panel with AVX-512.
func rowsPanel512(mr int, a *RowsArgs) {
	if a.Cols == 8 { // half of a vector of 16 would not be used
		rowsBy8(mr, a)
	} else {
		rowsBy16z(mr, a)
	}
}

// rowsAVX2 computes the columns panel by panel.
func rowsAVX2(mr int, a *RowsArgs) {
	if a.Cols <= PanelCols {
		rowsPanel(mr, a)
		return
	}
	b := *a
	for j := 0; j < a.Cols; j += PanelCols {
		b.W, b.C, b.Cols = elem(a.W, j/PanelCols*a.LdPanel), elem(a.C, j), min(a.Cols-j, PanelCols)
		rowsPanel(mr, &b)
	}
}

// rowsPanel computes one panel with AVX2.
func rowsPanel(mr int, a *RowsArgs) {
	switch a.Cols {
	case 16:
		rowsBy16(mr, a)
	case 8:
		rowsBy8(mr, a)
	default:
		rowsPartial(mr, a)
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
			rowsBy8(mr, &b)
		} else {
			rowsBy16(mr, &b)
		}
		for i := range mr {
			store(unsafe.Slice(elem(a.C, int(*elem(coffs, i))), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
		}
	}
}
