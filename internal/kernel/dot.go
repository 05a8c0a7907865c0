package kernel

import "unsafe"

// DotArgs are the operands of Dot; they are those of RowsArgs for one column.
type DotArgs struct {
	Base *float32 // A: where offset 0 points
	Offs *int32   // (Tiles, Taps, MaxRows): start of row i of tap t, at t*MaxRows+i; negative = Zero
	Zero *float32 // K zeros, read in place of a row outside the image; may be nil if no offset is negative
	W    *float32 // (Taps, K), contiguous

	C     *float32
	COffs *int32 // (Tiles, MaxRows): where result i stands, from C

	Taps, K    int  // ≥ 0 each; an empty sum is 0
	Tiles      int  // tiles of mr results, one after the other; 0 means 1
	Accumulate bool // add to C rather than overwrite it
}

// Dot computes tiles of mr inner products (1 … MaxRows): one output channel of a
// convolution, or one column of a matrix product,
//
//	C[COffs[i]] (+)= Σ_t Σ_k A_{t,i}[k] · W[t·K+k]
//
// where A_{t,i} = Base + Offs[t·MaxRows+i]; the next tile finds its offsets
// Taps·MaxRows and MaxRows further. Rows would use one column of sixteen;
// Dot runs its vectors along k instead. The assembly sums in 16 partial sums, so
// it rounds differently from dotGeneric, but a result does not depend on mr or Tiles.
// It reads nothing outside its operands.
func Dot(mr int, a *DotArgs) { dot(mr, a) }

func dotGeneric(mr int, a *DotArgs) {
	for tile := range max(1, a.Tiles) {
		offs, coffs := at(a.Offs, tile*a.Taps*MaxRows), at(a.COffs, tile*MaxRows)
		for i := range mr {
			var s float32
			for t := range a.Taps {
				r := row(a.Base, *at(offs, t*MaxRows+i), a.Zero, a.K)
				w := unsafe.Slice(at(a.W, t*a.K), len(r))
				for k, v := range r {
					s += v * w[k]
				}
			}
			c := at(a.C, int(*at(coffs, i)))
			if a.Accumulate {
				s += *c
			}
			*c = s
		}
	}
}
