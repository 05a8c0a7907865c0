//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/imago-ml/imago/internal/cpuid"
)

// outerMxN computes tiles of M rows and N columns with AVX2; it ignores a.Cols. outerMx16z computes one panel with AVX-512, and
// outerMx32z two. The last panel has the columns that a.Cols leaves.

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

//go:noescape
func outer1x32z(a *OuterArgs)

//go:noescape
func outer2x32z(a *OuterArgs)

//go:noescape
func outer3x32z(a *OuterArgs)

//go:noescape
func outer4x32z(a *OuterArgs)

//go:noescape
func outer5x32z(a *OuterArgs)

//go:noescape
func outer6x32z(a *OuterArgs)

//go:noescape
func outer1x16z(a *OuterArgs)

//go:noescape
func outer2x16z(a *OuterArgs)

//go:noescape
func outer3x16z(a *OuterArgs)

//go:noescape
func outer4x16z(a *OuterArgs)

//go:noescape
func outer5x16z(a *OuterArgs)

//go:noescape
func outer6x16z(a *OuterArgs)

func outer(mr int, a *OuterArgs) {
	switch {
	case cpuid.AVX512():
		outerAVX512(mr, a)
	case cpuid.AVX2FMA():
		outerAVX2(mr, a)
	default:
		outerGeneric(mr, a)
	}
}

// outerAVX512 computes two panels at a time. The last panel may have fewer columns.
func outerAVX512(mr int, a *OuterArgs) {
	if a.Cols > PanelCols && a.Cols <= 2*PanelCols {
		outerBy32z(mr, a)
		return
	}
	if a.Cols <= PanelCols {
		outerPanel512(mr, a)
		return
	}
	b := *a
	for j := 0; j < a.Cols; j += 2 * PanelCols {
		b.B, b.C, b.Cols = elem(a.B, j/PanelCols*a.LdPanel), elem(a.C, j), min(a.Cols-j, 2*PanelCols)
		if b.Cols > PanelCols {
			outerBy32z(mr, &b)
		} else {
			outerPanel512(mr, &b)
		}
	}
}

// outerPanel512 computes one panel with AVX-512.
func outerPanel512(mr int, a *OuterArgs) {
	if a.Cols == 8 { // half of a vector of 16 would not be used
		outerBy8(mr, a)
	} else {
		outerBy16z(mr, a)
	}
}

// outerAVX2 computes the columns panel by panel.
func outerAVX2(mr int, a *OuterArgs) {
	if a.Cols <= PanelCols {
		outerPanel(mr, a)
		return
	}
	b := *a
	for j := 0; j < a.Cols; j += PanelCols {
		b.B, b.C, b.Cols = elem(a.B, j/PanelCols*a.LdPanel), elem(a.C, j), min(a.Cols-j, PanelCols)
		outerPanel(mr, &b)
	}
}

// outerPanel computes one panel with AVX2.
func outerPanel(mr int, a *OuterArgs) {
	switch a.Cols {
	case 16:
		outerBy16(mr, a)
	case 8:
		outerBy8(mr, a)
	default:
		outerPartial(mr, a)
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

func outerBy32z(mr int, a *OuterArgs) {
	switch mr {
	case 6:
		outer6x32z(a)
	case 5:
		outer5x32z(a)
	case 4:
		outer4x32z(a)
	case 3:
		outer3x32z(a)
	case 2:
		outer2x32z(a)
	case 1:
		outer1x32z(a)
	}
}

func outerBy16z(mr int, a *OuterArgs) {
	switch mr {
	case 6:
		outer6x16z(a)
	case 5:
		outer5x16z(a)
	case 4:
		outer4x16z(a)
	case 3:
		outer3x16z(a)
	case 2:
		outer2x16z(a)
	case 1:
		outer1x16z(a)
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
			outerBy8(mr, &b)
		} else {
			outerBy16(mr, &b)
		}
		for i := range mr {
			store(unsafe.Slice(elem(a.C, (q*mr+i)*a.LdC), a.Cols), tile[i*PanelCols:][:a.Cols], a.Accumulate)
		}
	}
}
