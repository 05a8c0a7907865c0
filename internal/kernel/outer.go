package kernel

import "unsafe"

// OuterArgs are the operands of Outer. All strides are in float32 elements.
type OuterArgs struct {
	A     *float32
	AOffs *int32   // (P): the offset of row p of A; negative = Zero. If it is nil, the offset is p*LdA
	LdA   int      // the stride of A, if AOffs is nil
	Zero  *float32 // MaxRows zeros, which are read in place of a row outside the image; may be nil if no offset is negative
	B     *float32 // panels of PanelCols columns, each (P, LdB)
	// LdB is the distance of the rows of a panel and LdPanel that of the panels, as LdW and LdPanel of RowsArgs.
	LdB, LdPanel int
	// BOffs (P) holds the offset of row p of a panel. If it is nil, the offset is p*LdB. With BOffs, AOffs must be nil.
	BOffs *int32
	C     *float32 // (Tiles*mr, LdC)
	LdC   int

	P          int  // ≥ 0; an empty sum is 0
	Cols       int  // ≥ 1; the number of columns of the result
	Tiles      int  // the number of tiles of mr rows; 0 means 1
	Accumulate bool // add to C rather than overwrite it
}

// Outer computes tiles of mr rows (1 … MaxRows) and Cols columns as sums of outer products,
//
//	C[i·LdC+j] (+)= Σ_p A_p[i] · B[j/16·LdPanel + p·LdB + j%16]
//
// where A_p = A + AOffs[p], or A + p·LdA if AOffs is nil, and i runs over the rows of all tiles. This is Aᵀ·B. It is also the
// gradient of a convolution with respect to its kernel: p then runs over the output pixels, and AOffs holds the offsets of the
// input pixels that a tap reads. With BOffs, rows of B can be left out which A would multiply by 0.
//
// An element is one chain of additions in the order of p, with fused multiply-adds in the assembly. It does not depend on mr,
// Cols or Tiles. C must not overlap the operands.
//
// The assembly reads whole vectors of B: PanelCols columns of each row, or 8 if at most 8 remain. Therefore up to 15 float32
// after the last row must be readable. Of A, only the elements of the rows are read. Nothing outside the tiles is written.
func Outer(mr int, a *OuterArgs) { outer(mr, a) }

func outerGeneric(mr int, a *OuterArgs) {
	for i := 0; i < mr*max(1, a.Tiles); i += mr {
		for j := 0; j < a.Cols; j += PanelCols {
			var acc [MaxRows][PanelCols]float32
			n := min(PanelCols, a.Cols-j)
			for p := range a.P {
				var r []float32
				if a.AOffs == nil {
					r = unsafe.Slice(elem(a.A, p*a.LdA+i), mr)
				} else {
					r = rowOrZero(elem(a.A, i), *elem(a.AOffs, p), a.Zero, mr)
				}
				off := p * a.LdB
				if a.BOffs != nil {
					off = int(*elem(a.BOffs, p))
				}
				b := unsafe.Slice(elem(a.B, j/PanelCols*a.LdPanel+off), n)
				for q, v := range r {
					s := acc[q][:n]
					for j := range s {
						s[j] += v * b[j]
					}
				}
			}
			for q := range mr {
				store(unsafe.Slice(elem(a.C, (i+q)*a.LdC+j), n), acc[q][:n], a.Accumulate)
			}
		}
	}
}
