package kernel

import "unsafe"

// OuterArgs are the operands of Outer; every stride counts float32 elements.
type OuterArgs struct {
	A     *float32
	AOffs *int32   // (P): where row p of A starts, from A; negative = Zero. nil: row p starts at p*LdA
	LdA   int      // used when AOffs is nil
	Zero  *float32 // MaxRows zeros, read in place of a row outside the image; may be nil if no offset is negative
	B     *float32 // panels of PanelCols columns, (P, LdB) each
	// LdB is from row to row of a panel, LdPanel from panel to panel, as LdW and
	// LdPanel of RowsArgs.
	LdB, LdPanel int
	// BOffs (P) is where row p of a panel starts, from its first; nil: at p*LdB.
	// It goes with an AOffs of nil.
	BOffs *int32
	C     *float32 // (Tiles*mr, LdC)
	LdC   int

	P          int  // ≥ 0; an empty sum is 0
	Cols       int  // ≥ 1; columns of the result
	Tiles      int  // tiles of mr rows, one after the other; 0 means 1
	Accumulate bool // add to C rather than overwrite it
}

// Outer computes tiles of mr rows (1 … MaxRows) by Cols columns as sums of outer
// products,
//
//	C[i·LdC+j] (+)= Σ_p A_p[i] · B[j/16·LdPanel + p·LdB + j%16]
//
// where A_p = A + AOffs[p], or A + p·LdA when AOffs is nil; i runs over the rows
// of all tiles. It is Aᵀ·B, and the gradient of a convolution with respect to its
// filter, where p runs over output pixels and AOffs names the input pixel under a
// tap. With BOffs in place of p·LdB it leaves rows of B out, those that A would
// multiply by 0.
//
// An element is one chain of additions in the order of p, each fused with its
// product in the assembly, whatever mr, Cols and Tiles are. C must not overlap
// the operands.
//
// The assembly reads whole vectors of B: PanelCols columns of each row, or 8 if no
// more than 8 are left. So up to 15 float32 after the last row must be readable
// memory, of any content. Exactly the rows' elements of A are read (none after the
// last tile's), and nothing outside the tiles is written.
func Outer(mr int, a *OuterArgs) { outer(mr, a) }

func outerGeneric(mr int, a *OuterArgs) {
	for i := 0; i < mr*max(1, a.Tiles); i += mr {
		for j := 0; j < a.Cols; j += PanelCols {
			var acc [MaxRows][PanelCols]float32
			n := min(PanelCols, a.Cols-j)
			for p := range a.P {
				var r []float32
				if a.AOffs == nil {
					r = unsafe.Slice(at(a.A, p*a.LdA+i), mr)
				} else {
					r = row(at(a.A, i), *at(a.AOffs, p), a.Zero, mr)
				}
				off := p * a.LdB
				if a.BOffs != nil {
					off = int(*at(a.BOffs, p))
				}
				b := unsafe.Slice(at(a.B, j/PanelCols*a.LdPanel+off), n)
				for q, v := range r {
					s := acc[q][:n]
					for j := range s {
						s[j] += v * b[j]
					}
				}
			}
			for q := range mr {
				put(unsafe.Slice(at(a.C, (i+q)*a.LdC+j), n), acc[q][:n], a.Accumulate)
			}
		}
	}
}
