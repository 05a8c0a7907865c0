package kernel

import "unsafe"

// CombineArgs are the operands of Combine. All lengths are in float32 elements.
type CombineArgs struct {
	Base *float32
	Offs *int32   // (Rows, Terms): the offset of term i of row r from Base; negative = Zero
	Zero *float32 // N zeros, which are read in place of a pixel outside the image; may be nil if no offset is negative
	Dst  *float32 // (⌈N/16⌉, Rows, 16)

	Rows, N int
	Terms   int     // 1, 2 or 4
	Sign    float32 // s, 1 or −1
}

// Combine computes combinations of rows of N elements, in panels,
//
//	Dst[j/16][r][j%16] = x₀[j]                                    with one term,
//	                     x₀[j] + s·x₁[j]                          with two,
//	                     (x₀[j] + s·x₁[j]) + s·(x₂[j] + s·x₃[j])  with four,
//
// where xᵢ = Base + Offs[r·Terms+i]. These are the operands of a Winograd convolution: with s = −1 from an image, with s = 1
// from a gradient of the result.
//
// The assembly gives the same bits as combineGeneric. Nothing outside the rows is read. Columns N and above of the last panel
// are not written.
func Combine(a *CombineArgs) { combine(a) }

func combineGeneric(a *CombineArgs) {
	s := a.Sign
	for r := range a.Rows {
		var x [4][]float32
		for i := range a.Terms {
			x[i] = rowOrZero(a.Base, *elem(a.Offs, r*a.Terms+i), a.Zero, a.N)
		}
		for j := range a.N {
			v := x[0][j]
			if a.Terms > 1 {
				v += s * x[1][j]
			}
			if a.Terms > 2 {
				v += s * (x[2][j] + s*x[3][j])
			}
			*elem(a.Dst, (j/PanelCols*a.Rows+r)*PanelCols+j%PanelCols) = v
		}
	}
}

// InverseArgs are the operands of Inverse. All lengths are in float32 elements.
type InverseArgs struct {
	M     *float32 // (9, Tiles, N): the nine products, with the distance Step
	Step  int
	C     *float32
	COffs *int32   // (Tiles, 4): the offsets of the pixels of a tile from C; negative = Spare
	Spare *float32 // N elements, which are written in place of a pixel outside the image; may be nil if no offset is negative

	Tiles, N int
}

// Inverse computes the 2×2 pixels y = Aᵀ·m·A of each tile from its nine products, a 3×3 matrix m of rows of N elements. It is
// the last step of Winograd's F(2×2, 2×2) (Lavin & Gray, arXiv:1509.09308, eq. 8):
//
//	y = [1 1  0] m [1  0]
//	    [0 1 −1]   [1  1]
//	               [0 −1]
//
// Columns are combined first. The assembly gives the same bits as inverseGeneric. Nothing outside the rows is read or written.
func Inverse(a *InverseArgs) { inverse(a) }

func inverseGeneric(a *InverseArgs) {
	for t := range a.Tiles {
		var m [9][]float32
		for p := range m {
			m[p] = unsafe.Slice(elem(a.M, p*a.Step+t*a.N), a.N)
		}
		var y [4][]float32
		for i := range y {
			y[i] = rowOrZero(a.C, *elem(a.COffs, 4*t+i), a.Spare, a.N)
		}
		for j := range a.N {
			l0, r0 := m[0][j]+m[1][j], m[1][j]-m[2][j]
			l1, r1 := m[3][j]+m[4][j], m[4][j]-m[5][j]
			l2, r2 := m[6][j]+m[7][j], m[7][j]-m[8][j]
			y[0][j], y[1][j], y[2][j], y[3][j] = l0+l1, r0+r1, l1-l2, r1-r2
		}
	}
}
