package kernel

import "unsafe"

// RowsArgs are the operands of Rows; every length and stride counts float32
// elements, not bytes.
type RowsArgs struct {
	Base *float32 // A: where offset 0 points
	Offs *int32   // (Tiles, Taps, MaxRows): start of row i of tap t, at t*MaxRows+i; negative = Zero
	Zero *float32 // K zeros, read in place of a row outside the image; may be nil if no offset is negative
	W    *float32 // panels of PanelCols columns, (Taps*K, LdW) each
	// LdW is from row to row of a panel, LdPanel from panel to panel: PanelCols and
	// Taps*K*PanelCols of packed panels, n and PanelCols of a row-major matrix.
	// LdPanel is not used where one panel is enough.
	LdW, LdPanel int

	C     *float32
	COffs *int32 // (Tiles, MaxRows): where row i of the result starts, from C

	Taps, K    int  // ≥ 0 each; an empty sum is 0
	Cols       int  // ≥ 1; columns of the result
	Tiles      int  // tiles of mr rows, one after the other; 0 means 1
	Accumulate bool // add to C rather than overwrite it
}

// Rows computes tiles of mr rows (1 … MaxRows) by Cols columns,
//
//	C_i[j] (+)= Σ_t Σ_k A_{t,i}[k] · W[j/16·LdPanel + (t·K+k)·LdW + j%16]
//
// where A_{t,i} = Base + Offs[t·MaxRows+i] and C_i = C + COffs[i]; the next tile
// finds its offsets Taps·MaxRows and MaxRows further. With one tap it is a matrix
// product, with Kh·Kw taps a convolution that reads its NHWC input in place: the
// table of offsets plays the part of im2col.
//
// An element is one chain of additions, t outer and k inner, each fused with its
// product in the assembly; it does not depend on mr, Cols or Tiles, so neither
// does it on how a matrix is cut into tiles. C must not overlap the operands.
//
// The assembly reads whole vectors of W: PanelCols columns of each row, or 8 if no
// more than 8 are left. So up to 15 float32 after the last row must be readable
// memory, of any content. Nothing outside the tiles is written. With AVX2, tiles
// of 16 columns and 4 to 6 rows run near the peak of the processor, 3 rows at ¾ of
// it, 2 at ½, 1 at ¼: cut 8 leftover rows as 4+4. 8 columns run at ¾ at best. With
// AVX-512, 32 columns run near the peak from 2 rows on, 16 from 4.
func Rows(mr int, a *RowsArgs) { rows(mr, a) }

func rowsGeneric(mr int, a *RowsArgs) {
	for tile := range max(1, a.Tiles) {
		offs, coffs := at(a.Offs, tile*a.Taps*MaxRows), at(a.COffs, tile*MaxRows)
		for i := range mr {
			for j := 0; j < a.Cols; j += PanelCols {
				var acc [PanelCols]float32
				s := acc[:min(PanelCols, a.Cols-j)]
				for t := range a.Taps {
					r := row(a.Base, *at(offs, t*MaxRows+i), a.Zero, a.K)
					for k, v := range r {
						w := unsafe.Slice(at(a.W, j/PanelCols*a.LdPanel+(t*a.K+k)*a.LdW), len(s))
						for j := range s {
							s[j] += v * w[j]
						}
					}
				}
				put(unsafe.Slice(at(a.C, int(*at(coffs, i))+j), len(s)), s, a.Accumulate)
			}
		}
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
