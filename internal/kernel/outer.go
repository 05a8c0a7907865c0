package kernel

import "unsafe"

// OuterArgs are the operands of Outer; every stride counts float32 elements.
type OuterArgs struct {
	A     *float32
	AOffs *int32   // (P): where row p of A starts, from A; negative = Zero. nil: row p starts at p*LdA
	LdA   int      // used when AOffs is nil
	Zero  *float32 // MaxRows zeros, read in place of a row outside the image; may be nil if no offset is negative
	B     *float32 // (P, LdB)
	LdB   int
	C     *float32 // (mr, LdC)
	LdC   int

	P          int  // ≥ 0; an empty sum is 0
	Cols       int  // columns of the tile, 1 … PanelCols
	Accumulate bool // add to C rather than overwrite it
}

// Outer computes a tile of mr rows (1 … MaxRows) by Cols columns as a sum of
// outer products,
//
//	C[i·LdC+j] (+)= Σ_p A_p[i] · B[p·LdB+j]
//
// where A_p = A + AOffs[p], or A + p·LdA when AOffs is nil. It is the tile of
// Aᵀ·B, and of the gradient of a convolution with respect to its filter, where p
// runs over output pixels and AOffs names the input pixel under a tap.
//
// An element is one chain of additions in the order of p, each fused with its
// product in the assembly, whatever mr and Cols are. C must not overlap the
// operands.
//
// The assembly reads whole vectors of B: PanelCols columns of each row, 8 if
// Cols ≤ 8. So up to 15 float32 after the last row must be readable memory, of
// any content. Exactly mr elements of a row of A are read, and nothing outside
// the tile is written.
func Outer(mr int, a *OuterArgs) { outer(mr, a) }

func outerGeneric(mr int, a *OuterArgs) {
	var acc [MaxRows][PanelCols]float32
	n := a.Cols
	for p := range a.P {
		off := p * a.LdA
		var r []float32
		if a.AOffs == nil {
			r = unsafe.Slice(at(a.A, off), mr)
		} else {
			r = row(a.A, *at(a.AOffs, p), a.Zero, mr)
		}
		b := unsafe.Slice(at(a.B, p*a.LdB), n)
		for i, v := range r {
			s := acc[i][:n]
			for j := range s {
				s[j] += v * b[j]
			}
		}
	}
	for i := range mr {
		put(unsafe.Slice(at(a.C, i*a.LdC), n), acc[i][:n], a.Accumulate)
	}
}
