package kernel

import "unsafe"

// RowsArgs are the operands of Rows. All lengths and strides are in float32 elements.
type RowsArgs struct {
	Base *float32 // A: the address of offset 0
	Offs *int32   // (Tiles, Taps, MaxRows): the offset of row i of tap t is at t*MaxRows+i; negative = Zero
	Zero *float32 // K zeros, which are read in place of a row outside the image; may be nil if no offset is negative
	W    *float32 // panels of PanelCols columns, each (Taps*K, LdW)
	// LdW is the distance of the rows of a panel and LdPanel that of the panels: PanelCols and Taps*K*PanelCols for packed
	// panels, n and PanelCols for a row-major matrix with n columns. LdPanel is not used if there is one panel.
	LdW, LdPanel int

	C     *float32
	COffs *int32 // (Tiles, MaxRows): the offset of row i of the result from C

	Taps, K    int  // ≥ 0 each; an empty sum is 0
	Cols       int  // ≥ 1; the number of columns of the result
	Tiles      int  // the number of tiles of mr rows; 0 means 1
	Accumulate bool // add to C rather than overwrite it
}

// Rows computes tiles of mr rows (1 … MaxRows) and Cols columns,
//
//	C_i[j] (+)= Σ_t Σ_k A_{t,i}[k] · W[j/16·LdPanel + (t·K+k)·LdW + j%16]
//
// where A_{t,i} = Base + Offs[t·MaxRows+i] and C_i = C + COffs[i]. The offsets of the next tile follow after Taps·MaxRows and
// MaxRows numbers. With one tap this is a matrix product. With Kh·Kw taps it is a convolution that reads its NHWC input in
// place: the table of offsets replaces im2col.
//
// An element is one chain of additions, over t and within it over k, with fused multiply-adds in the assembly. It does not
// depend on mr, Cols or Tiles, and therefore not on the tiling of a matrix. C must not overlap the operands.
//
// The assembly reads whole vectors of W: PanelCols columns of each row, or 8 if at most 8 remain. Therefore up to 15 float32
// after the last row must be readable. Nothing outside the tiles is written.
//
// With AVX2, tiles of 16 columns and 4 to 6 rows run near the peak of the processor, with 3 rows at ¾ of it, 2 rows at ½ and 1
// row at ¼, so 8 remaining rows should be two tiles of 4. Tiles of 8 columns reach ¾ of the peak. With AVX-512, tiles of 32
// columns run near the peak from 2 rows on, and tiles of 16 columns from 4 rows on.
func Rows(mr int, a *RowsArgs) { rows(mr, a) }

func rowsGeneric(mr int, a *RowsArgs) {
	for tile := range max(1, a.Tiles) {
		offs, coffs := elem(a.Offs, tile*a.Taps*MaxRows), elem(a.COffs, tile*MaxRows)
		for i := range mr {
			for j := 0; j < a.Cols; j += PanelCols {
				var acc [PanelCols]float32
				s := acc[:min(PanelCols, a.Cols-j)]
				for t := range a.Taps {
					r := rowOrZero(a.Base, *elem(offs, t*MaxRows+i), a.Zero, a.K)
					for k, v := range r {
						w := unsafe.Slice(elem(a.W, j/PanelCols*a.LdPanel+(t*a.K+k)*a.LdW), len(s))
						for j := range s {
							s[j] += v * w[j]
						}
					}
				}
				store(unsafe.Slice(elem(a.C, int(*elem(coffs, i))+j), len(s)), s, a.Accumulate)
			}
		}
	}
}

// store copies s to c, or adds it to c if accumulate is true.
func store(c, s []float32, accumulate bool) {
	if !accumulate {
		copy(c, s)
		return
	}
	for j, v := range s {
		c[j] += v
	}
}
