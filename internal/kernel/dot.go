package kernel

import "unsafe"

// DotArgs are the operands of Dot, as in RowsArgs for one column.
type DotArgs struct {
	Base *float32 // A: the address of offset 0
	Offs *int32   // (Tiles, Taps, MaxRows): the offset of row i of tap t is at t*MaxRows+i; negative = Zero
	Zero *float32 // K zeros, which are read in place of a row outside the image; may be nil if no offset is negative
	W    *float32 // (Taps, K), contiguous

	C     *float32
	COffs *int32 // (Tiles, MaxRows): the offset of result i from C

	Taps, K    int  // ≥ 0 each; an empty sum is 0
	Tiles      int  // the number of tiles of mr results; 0 means 1
	Accumulate bool // add to C rather than overwrite it
}

// Dot computes tiles of mr inner products (1 … MaxRows): one output channel of a convolution, or one column of a matrix
// product,
//
//	C[COffs[i]] (+)= Σ_t Σ_k A_{t,i}[k] · W[t·K+k]
//
// where A_{t,i} = Base + Offs[t·MaxRows+i]. The offsets of the next tile follow after Taps·MaxRows and MaxRows numbers. Rows
// would use one of its sixteen columns; the vectors of Dot run along k instead. The assembly adds 16 partial sums, so it
// rounds differently from dotGeneric, but a result does not depend on mr or Tiles. Nothing outside the operands is read.
func Dot(mr int, a *DotArgs) { dot(mr, a) }

func dotGeneric(mr int, a *DotArgs) {
	for tile := range max(1, a.Tiles) {
		offs, coffs := elem(a.Offs, tile*a.Taps*MaxRows), elem(a.COffs, tile*MaxRows)
		for i := range mr {
			var s float32
			for t := range a.Taps {
				r := rowOrZero(a.Base, *elem(offs, t*MaxRows+i), a.Zero, a.K)
				w := unsafe.Slice(elem(a.W, t*a.K), len(r))
				for k, v := range r {
					s += v * w[k]
				}
			}
			c := elem(a.C, int(*elem(coffs, i)))
			if a.Accumulate {
				s += *c
			}
			*c = s
		}
	}
}
