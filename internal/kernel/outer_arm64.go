//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// outerNNEON computes tiles of mr rows and N whole columns, whatever a.Cols says.
//
//go:noescape
func outer16NEON(mr int, a *OuterArgs)

//go:noescape
func outer8NEON(mr int, a *OuterArgs)

func outer(mr int, a *OuterArgs) {
	switch {
	case !cpuid.NEON():
		outerGeneric(mr, a)
	case a.Cols <= PanelCols:
		outerPanel(mr, a)
	default:
		b := *a
		for j := 0; j < a.Cols; j += PanelCols {
			b.B, b.C, b.Cols = at(a.B, j/PanelCols*a.LdPanel), at(a.C, j), min(a.Cols-j, PanelCols)
			outerPanel(mr, &b)
		}
	}
}

func outerPanel(mr int, a *OuterArgs) {
	switch a.Cols {
	case 16:
		outer16NEON(mr, a)
	case 8:
		outer8NEON(mr, a)
	default:
		outerRagged(mr, a)
	}
}

// outerRagged lets the assembly write whole vectors to a tile of its own, from
// which the columns there are go to C.
func outerRagged(mr int, a *OuterArgs) {
	var tile [MaxRows * PanelCols]float32
	b := *a
	b.C, b.LdC, b.Tiles, b.Accumulate = &tile[0], PanelCols, 1, false
	for q := range max(1, a.Tiles) {
		b.A = at(a.A, q*mr)
		if a.Cols <= 8 {
			outer8NEON(mr, &b)
		} else {
			outer16NEON(mr, &b)
		}
		for i := range mr {
			put(unsafe.Slice(at(a.C, (q*mr+i)*a.LdC), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
		}
	}
}
