package kernel

// PackedLen returns the number of elements of a (k, n) matrix after PackB or PackBT: ⌈n/16⌉·16·k.
func PackedLen(k, n int) int { return (n + PanelCols - 1) / PanelCols * PanelCols * k }

// packRows is the number of rows that are packed at a time: few enough that their pages are known to the processor, and many
// enough that what is written of a panel are whole pages.
const packRows = 32

// PackB packs the (k, n) matrix src, whose row r starts at src[r·ld], in panels for Rows. dst is (⌈n/16⌉, k, 16), with zeros in
// the columns after n. len(dst) must be at least PackedLen(k, n).
func PackB(dst, src []float32, k, n, ld int) { PackBRows(dst, src, k, n, ld, 0, k) }

// PackBRows packs rows [from, to) of a matrix as PackB does, and leaves the others of dst as they are.
func PackBRows(dst, src []float32, k, n, ld, from, to int) {
	for ; from < to; from += packRows {
		rows := min(packRows, to-from)
		for j := 0; j < n; j += PanelCols {
			cols := min(PanelCols, n-j)
			panel := dst[j*k+from*PanelCols:][:PanelCols*rows]
			if cols == PanelCols {
				_ = src[j+(from+rows-1)*ld+PanelCols-1] // the last element read
				packPanel(panel, src[from*ld+j:], rows, ld)
				continue
			}
			for r := range rows {
				d := panel[r*PanelCols:][:PanelCols]
				clear(d[copy(d, src[(from+r)*ld+j:][:cols]):])
			}
		}
	}
}

// PackBT packs the transpose of the (n, k) matrix src, whose row j starts at src[j·ld], as PackB does: dst is (⌈n/16⌉, k, 16)
// with dst[p][r][c] = src[(16p+c)·ld + r].
func PackBT(dst, src []float32, k, n, ld int) {
	if k == 0 {
		return
	}
	for j := 0; j < n; j += PanelCols {
		cols := min(PanelCols, n-j)
		panel := dst[j*k : j*k+PanelCols*k]
		c := 0
		for ; c+8 <= cols; c += 8 {
			_ = src[(j+c+7)*ld+k-1] // the last element read
			packT8(panel[c:], src[(j+c)*ld:], k, ld)
		}
		for ; c < cols; c++ {
			packT1(panel[c:], src[(j+c)*ld:], k)
		}
		for r := range k {
			clear(panel[r*PanelCols+cols : (r+1)*PanelCols])
		}
	}
}

// packPanelGeneric copies k rows of 16 elements from stride ld to stride 16.
func packPanelGeneric(dst, src []float32, k, ld int) {
	for r := range k {
		*(*[PanelCols]float32)(dst[r*PanelCols:]) = *(*[PanelCols]float32)(src[r*ld:])
	}
}

// packT8Generic copies 8 rows of length k and stride ld to 8 columns of a panel.
func packT8Generic(dst, src []float32, k, ld int) {
	for c := range 8 {
		packT1(dst[c:], src[c*ld:], k)
	}
}

// packT1 copies k consecutive elements to a column of a panel.
func packT1(dst, src []float32, k int) {
	for r, v := range src[:k] {
		dst[r*PanelCols] = v
	}
}
