package kernel

import "unsafe"

// RowsArgs are the operands of Rows; every length and stride counts float32
// elements, not bytes.
type RowsArgs struct {
	Base *float32 // A: where offset 0 points
	Offs *int32   // (Taps, MaxRows): start of row i of tap t, at t*MaxRows+i; negative = Zero
	Zero *float32 // K zeros, read in place of a row outside the image; may be nil if no offset is negative
	W    *float32 // (Taps*K, LdW): packed panel (LdW = PanelCols) or any row-major matrix
	LdW  int

	C     *float32
	COffs *int32 // (mr): where row i of the result starts, from C

	Taps, K    int  // ≥ 0 each; an empty sum is 0
	Cols       int  // columns of the tile, 1 … PanelCols
	Accumulate bool // add to C rather than overwrite it
}

// Rows computes a tile of mr rows (1 … MaxRows) by Cols columns,
//
//	C_i[j] (+)= Σ_t Σ_k A_{t,i}[k] · W[(t·K+k)·LdW + j]
//
// where A_{t,i} = Base + Offs[t·MaxRows+i] and C_i = C + COffs[i]. With one tap
// it is the tile of a matrix product, with Kh·Kw taps that of a convolution which
// reads its NHWC input in place: the table of offsets plays the part of im2col.
//
// An element is one chain of additions, t outer and k inner, each fused with its
// product in the assembly; it does not depend on mr or Cols, so neither does it
// on how a matrix is cut into tiles. C must not overlap the operands.
//
// The assembly reads whole vectors of W: PanelCols columns of each row, 8 if
// Cols ≤ 8. So up to 15 float32 after the last row must be readable memory, of
// any content. Nothing outside the tile is written. Tiles of 16 columns and 4 to 6
// rows run near the peak of the processor, 3 rows at ¾ of it, 2 at ½, 1 at ¼: cut 8
// leftover rows as 4+4. 8 columns run at ¾ at best.
func Rows(mr int, a *RowsArgs) { rows(mr, a) }

func rowsGeneric(mr int, a *RowsArgs) {
	for i := range mr {
		var acc [PanelCols]float32
		s := acc[:a.Cols]
		for t := range a.Taps {
			r := row(a.Base, *at(a.Offs, t*MaxRows+i), a.Zero, a.K)
			for k, v := range r {
				w := unsafe.Slice(at(a.W, (t*a.K+k)*a.LdW), len(s))
				for j := range s {
					s[j] += v * w[j]
				}
			}
		}
		put(unsafe.Slice(at(a.C, int(*at(a.COffs, i))), len(s)), s, a.Accumulate)
	}
}

// put writes s to c, or adds it.
func put(c, s []float32, accumulate bool) {
	if !accumulate {
		copy(c, s)
		return
	}
	for j, v := range s {
		c[j] += v
	}
}
