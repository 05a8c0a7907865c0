package kernel

import "unsafe"

// CombineArgs are the operands of Combine; every length counts float32 elements.
type CombineArgs struct {
	Base *float32
	Offs *int32   // (Rows, Terms): where term i of row r starts, from Base; negative = Zero
	Zero *float32 // N zeros, read in place of a pixel outside the image; may be nil if no offset is negative
	Dst  *float32 // (⌈N/16⌉, Rows, 16)

	Rows, N int
	Terms   int     // 1, 2 or 4
	Sign    float32 // s below: 1 or −1
}

// Combine gathers rows of N elements and writes their combinations in panels,
//
//	Dst[j/16][r][j%16] = x₀[j]                               of one term,
//	                     x₀[j] + s·x₁[j]                     of two,
//	                     (x₀[j] + s·x₁[j]) + s·(x₂[j] + s·x₃[j])  of four,
//
// where xᵢ = Base + Offs[r·Terms+i]. It is what a Winograd convolution does to its
// operands: with s = −1 to the image, with s = 1 to a gradient of its result.
//
// The assembly gives the bits of its Go twin. It reads nothing outside the rows,
// and leaves the columns of the last panel from N on as they are.
func Combine(a *CombineArgs) { combine(a) }

func combineGeneric(a *CombineArgs) {
	s := a.Sign
	for r := range a.Rows {
		var x [4][]float32
		for i := range a.Terms {
			x[i] = row(a.Base, *at(a.Offs, r*a.Terms+i), a.Zero, a.N)
		}
		for j := range a.N {
			v := x[0][j]
			if a.Terms > 1 {
				v += s * x[1][j]
			}
			if a.Terms > 2 {
				v += s * (x[2][j] + s*x[3][j])
			}
			*at(a.Dst, (j/PanelCols*a.Rows+r)*PanelCols+j%PanelCols) = v
		}
	}
}

// InverseArgs are the operands of Inverse; every length counts float32 elements.
type InverseArgs struct {
	M     *float32 // (9, Tiles, N), Step from one of the nine to the next
	Step  int
	C     *float32
	COffs *int32   // (Tiles, 4): where the pixels of a tile start, from C; negative = Spare
	Spare *float32 // N elements, written in place of a pixel outside the image; may be nil if no offset is negative

	Tiles, N int
}

// Inverse turns the nine products of a tile, a 3×3 matrix m of rows of N elements,
// into its 2×2 pixels y = Aᵀ·m·A, the last step of Winograd's F(2×2, 2×2)
// (Lavin & Gray, arXiv:1509.09308, eq. 8):
//
//	y = [1 1  0] m [1  0]
//	    [0 1 −1]   [1  1]
//	               [0 −1]
//
// Columns are combined first. The assembly gives the bits of its Go twin and
// touches nothing outside the rows.
func Inverse(a *InverseArgs) { inverse(a) }

func inverseGeneric(a *InverseArgs) {
	for t := range a.Tiles {
		var m [9][]float32
		for p := range m {
			m[p] = unsafe.Slice(at(a.M, p*a.Step+t*a.N), a.N)
		}
		var y [4][]float32
		for i := range y {
			y[i] = row(a.C, *at(a.COffs, 4*t+i), a.Spare, a.N)
		}
		for j := range a.N {
			l0, r0 := m[0][j]+m[1][j], m[1][j]-m[2][j]
			l1, r1 := m[3][j]+m[4][j], m[4][j]-m[5][j]
			l2, r2 := m[6][j]+m[7][j], m[7][j]-m[8][j]
			y[0][j], y[1][j], y[2][j], y[3][j] = l0+l1, r0+r1, l1-l2, r1-r2
		}
	}
}
