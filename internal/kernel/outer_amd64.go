//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// outerMxN computes M rows and N whole columns, whatever a.Cols says.
//
//go:noescape
func outer1x16(a *OuterArgs)

//go:noescape
func outer2x16(a *OuterArgs)

//go:noescape
func outer3x16(a *OuterArgs)

//go:noescape
func outer4x16(a *OuterArgs)

//go:noescape
func outer5x16(a *OuterArgs)

//go:noescape
func outer6x16(a *OuterArgs)

//go:noescape
func outer1x8(a *OuterArgs)

//go:noescape
func outer2x8(a *OuterArgs)

//go:noescape
func outer3x8(a *OuterArgs)

//go:noescape
func outer4x8(a *OuterArgs)

//go:noescape
func outer5x8(a *OuterArgs)

//go:noescape
func outer6x8(a *OuterArgs)

func outer(mr int, a *OuterArgs) {
	switch {
	case !cpuid.AVX2FMA():
		outerGeneric(mr, a)
	case a.Cols == 16:
		outerBy16(mr, a)
	case a.Cols == 8:
		outerBy8(mr, a)
	default:
		outerRagged(mr, a)
	}
}

func outerBy16(mr int, a *OuterArgs) {
	switch mr {
	case 6:
		outer6x16(a)
	case 5:
		outer5x16(a)
	case 4:
		outer4x16(a)
	case 3:
		outer3x16(a)
	case 2:
		outer2x16(a)
	case 1:
		outer1x16(a)
	}
}

func outerBy8(mr int, a *OuterArgs) {
	switch mr {
	case 6:
		outer6x8(a)
	case 5:
		outer5x8(a)
	case 4:
		outer4x8(a)
	case 3:
		outer3x8(a)
	case 2:
		outer2x8(a)
	case 1:
		outer1x8(a)
	}
}

// outerRagged lets the assembly write whole vectors to a tile of its own, from
// which the columns there are go to C.
func outerRagged(mr int, a *OuterArgs) {
	var tile [MaxRows * PanelCols]float32
	b := *a
	b.C, b.LdC, b.Accumulate = &tile[0], PanelCols, false
	if a.Cols <= 8 {
		outerBy8(mr, &b)
	} else {
		outerBy16(mr, &b)
	}
	for i := range mr {
		put(unsafe.Slice(at(a.C, i*a.LdC), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
	}
}
