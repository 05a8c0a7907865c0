//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// outer16NEON computes tiles of mr rows and 16 columns, and outer8NEON those of 8 columns; they ignore a.Cols.
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
			b.B, b.C, b.Cols = elem(a.B, j/PanelCols*a.LdPanel), elem(a.C, j), min(a.Cols-j, PanelCols)
			outerPanel(mr, &b)
		}
	}
}

// outerPanel computes one panel.
func outerPanel(mr int, a *OuterArgs) {
	switch a.Cols {
	case 16:
		outer16NEON(mr, a)
	case 8:
		outer8NEON(mr, a)
	default:
		outerPartial(mr, a)
	}
}

// outerPartial computes a panel with fewer columns than the assembly writes: into a tile on the stack, from which it copies the
// columns to C.
func outerPartial(mr int, a *OuterArgs) {
	var tile [MaxRows * PanelCols]float32
	b := *a
	b.C, b.LdC, b.Tiles, b.Accumulate = &tile[0], PanelCols, 1, false
	for q := range max(1, a.Tiles) {
		b.A = elem(a.A, q*mr)
		if a.Cols <= 8 {
			outer8NEON(mr, &b)
		} else {
			outer16NEON(mr, &b)
		}
		for i := range mr {
			store(unsafe.Slice(elem(a.C, (q*mr+i)*a.LdC), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
		}
	}
}
