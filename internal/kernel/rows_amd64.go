//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// rowsMxN computes M rows and N whole columns, whatever a.Cols says.
//
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

func rows(mr int, a *RowsArgs) {
	switch {
	case !cpuid.AVX2FMA():
		rowsGeneric(mr, a)
	case a.Cols == 16:
		rowsBy16(mr, a)
	case a.Cols == 8:
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

// tileOffs are the rows of a tile on the stack.
var tileOffs = [MaxRows]int32{0, 16, 32, 48, 64, 80}

// rowsRagged lets the assembly write whole vectors to a tile of its own, from
// which the columns there are go to C.
func rowsRagged(mr int, a *RowsArgs) {
	var tile [MaxRows * PanelCols]float32
	b := *a
	b.C, b.COffs, b.Accumulate = &tile[0], &tileOffs[0], false
	if a.Cols <= 8 {
		rowsBy8(mr, &b)
	} else {
		rowsBy16(mr, &b)
	}
	for i := range mr {
		put(unsafe.Slice(at(a.C, int(*at(a.COffs, i))), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
	}
}
