package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// A conv computes a convolution, or its adjoint with respect to the image (the transposed convolution), in bands of output
// rows. Both are sums over taps, the positions of the kernel, of the channels of a source pixel times a matrix. They differ in
// the source pixel that a tap reads. The adjoint with stride s is a set of s·s convolutions, one for each output row and
// column modulo s, each with a part of the taps, so that no zero is multiplied. The source is read in place, by a table of
// offsets that is the same for all images.
type conv struct {
	src, out       *buffer
	images         int
	srcLen, outLen int // the number of elements of an image
	band           int // the number of elements of a band; an image has a whole number of bands
	k, n           int // the numbers of input and output channels
	windows        []*window
	zero           []float32 // what a tap outside the image reads
	flops          int
}

// A window is a set of output pixels that use the same taps.
type window struct {
	taps    []tap
	pixels  []pixel
	srcOffs []int32       // the source offsets of all tiles, (tiles, taps, 6)
	dstOffs []int32       // the output offsets of all tiles, (tiles, 6)
	bands   [][]bandTiles // the tiles of each band
	weights *buffer       // packed
	// planeOffs is not nil if there are few input channels. Then the source is copied to planes in scratch memory, and
	// planeOffs holds the offset at which each tap and channel finds the first pixel of a band.
	planeOffs []int32
	planes    planes
	runs      []tileRun // the tiles of an output row, for planes
}

// bandTiles is a run of tiles of a band.
type bandTiles struct {
	tileRun
	tile int // the index of the first tile in the tables
}

// A tap is a position in the kernel.
type tap struct{ p, q int }

// A pixel is a position in an image.
type pixel struct{ y, x int }

// fewChannels is the largest number of channels for which the special methods are used: planes for few input channels, and
// inner products for few output channels.
const fewChannels = 4

// lowerConv returns the root for a convolution or its adjoint with respect to the image.
func (c *compiler) lowerConv(n *graph.Node, s *stage) root {
	src, w := n.In()[0], n.In()[1]
	si, so, ws := src.Shape(), n.Shape(), w.Shape()
	adjoint := n.Op() == graph.OpConv2DInputGrad
	cv := &conv{
		src: c.operand(src, s), out: c.bufs[n], images: so[0],
		srcLen: si[1:].Size(), outLen: so[1:].Size(), k: si[3], n: so[3],
	}
	rows := bandRows(so)
	cv.band = rows * so[2] * so[3]
	wb := c.bufs[base(w)]
	for _, win := range outputWindows(n) {
		cv.windows = append(cv.windows, win)
		cv.flops += 2 * len(win.pixels) * len(win.taps) * cv.k * cv.n
		switch {
		case len(win.taps) == 0:
		case cv.n <= fewChannels && cv.k >= 8:
			win.weights = c.packed(packKey{wb, fmt.Sprint(n.Op(), " columns ", ws, win.taps)}, cv.n*len(win.taps)*cv.k, s, infoOf(w),
				func(dst, src []float32) { packColumns(dst, src, win.taps, ws, adjoint) })
		default:
			if cv.k <= fewChannels && !adjoint {
				win.planes = newPlanes(si, ws, so, n.Attr().Conv, rows)
				win.planeOffs = win.planes.offsets()
				win.runs = mergedTileRuns(so[2])
				c.reserveScratch(win.planes.size())
			}
			win.weights = c.packed(packKey{wb, fmt.Sprint(n.Op(), " panels ", ws, win.taps)}, kernel.PackedLen(len(win.taps)*cv.k, cv.n), s, infoOf(w),
				func(dst, src []float32) { packTaps(dst, src, win.taps, ws, adjoint) })
		}
		win.buildTables(n, rows)
	}
	cv.flops *= cv.images
	cv.zero = newAligned(cv.k)
	s.cost = float64(cv.flops) / 16
	return cv
}

// outputWindows returns the windows: one of a convolution, and one of its adjoint for each row and column modulo the stride.
func outputWindows(n *graph.Node) []*window {
	ws, so, st := n.In()[1].Shape(), n.Shape(), n.Attr().Conv.Stride
	phases := [2]int{1, 1}
	if n.Op() == graph.OpConv2DInputGrad {
		phases = st
	}
	var out []*window
	for py := range min(phases[0], so[1]) {
		for px := range min(phases[1], so[2]) {
			w := &window{}
			for y := py; y < so[1]; y += phases[0] {
				for x := px; x < so[2]; x += phases[1] {
					w.pixels = append(w.pixels, pixel{y, x})
				}
			}
			for p := range ws[0] {
				for q := range ws[1] {
					_, _, ok := sourcePixel(n, pixel{py, px}, tap{p, q})
					if ok {
						w.taps = append(w.taps, tap{p, q})
					}
				}
			}
			out = append(out, w)
		}
	}
	return out
}

// sourcePixel returns the source pixel that tap t reads for output pixel o. It may lie outside the source. For an adjoint it
// returns ok = false if the tap falls between source pixels.
func sourcePixel(n *graph.Node, o pixel, t tap) (y, x int, ok bool) {
	cfg, ws := n.Attr().Conv, n.In()[1].Shape()
	if n.Op() == graph.OpConv2D {
		y, x = coveredPixel(n.In()[0].Shape(), ws, cfg, o, t)
		return y, x, true
	}
	_, lo0, _ := cfg.Window(0, n.Shape()[1], ws[0])
	_, lo1, _ := cfg.Window(1, n.Shape()[2], ws[1])
	y, x = o.y+lo0-t.p, o.x+lo1-t.q
	if mod(y, cfg.Stride[0]) != 0 || mod(x, cfg.Stride[1]) != 0 {
		return 0, 0, false
	}
	return floorDiv(y, cfg.Stride[0]), floorDiv(x, cfg.Stride[1]), true
}

// coveredPixel returns the pixel of an image of shape x that tap t of a kernel of shape w reads for output pixel o of the
// convolution. It may lie outside the image.
func coveredPixel(x, w graph.Shape, cfg graph.ConvConfig, o pixel, t tap) (row, col int) {
	_, lo0, _ := cfg.Window(0, x[1], w[0])
	_, lo1, _ := cfg.Window(1, x[2], w[1])
	return o.y*cfg.Stride[0] + t.p - lo0, o.x*cfg.Stride[1] + t.q - lo1
}

// pixelOffset returns the offset of pixel (row, col) in an image of shape s, and a negative number outside the image.
func pixelOffset(s graph.Shape, row, col int) int32 {
	if row < 0 || row >= s[1] || col < 0 || col >= s[2] {
		return -1
	}
	return int32((row*s[2] + col) * s[3])
}

func mod(a, b int) int { return ((a % b) + b) % b }

func floorDiv(a, b int) int { return (a - mod(a, b)) / b }

// bandFloats is the largest size of a band, so that the band and its sources stay in the L2 cache. Smaller bands, for L1, cost
// more than they save, because they have more partial tiles and read the weights more often.
const bandFloats = 1 << 15

// bandRows returns the number of output rows of a band. It divides the number of rows, so that all bands are equal.
func bandRows(out graph.Shape) int {
	rows := out[1]
	for rows > 1 && (out[1]%rows != 0 || rows*out[2]*out[3] > bandFloats) {
		rows--
	}
	return rows
}

// buildTables computes the tiles of a window and their offsets, for bands of the given number of rows.
func (w *window) buildTables(n *graph.Node, rows int) {
	so := n.Shape()
	remaining, tiles := w.pixels, 0
	for y := rows; y <= so[1]; y += rows {
		pix := remaining
		for i, o := range remaining {
			if o.y >= y {
				pix = remaining[:i]
				break
			}
		}
		remaining = remaining[len(pix):]
		var band []bandTiles
		first := 0
		for _, r := range tileRuns(len(pix)) {
			band = append(band, bandTiles{r, tiles})
			for range r.tiles {
				w.addTile(n, pix[first:first+r.mr])
				first += r.mr
			}
			tiles += r.tiles
		}
		w.bands = append(w.bands, band)
	}
}

// addTile adds the offsets of a tile of output pixels.
func (w *window) addTile(n *graph.Node, pix []pixel) {
	const most = kernel.MaxRows
	si, so := n.In()[0].Shape(), n.Shape()
	offs, coffs := make([]int32, len(w.taps)*most), make([]int32, most)
	for i, o := range pix {
		coffs[i] = int32((o.y*so[2] + o.x) * so[3])
		for t, tp := range w.taps {
			y, x, _ := sourcePixel(n, o, tp)
			offs[t*most+i] = pixelOffset(si, y, x)
		}
	}
	w.srcOffs, w.dstOffs = append(w.srcOffs, offs...), append(w.dstOffs, coffs...)
}

// packTaps packs the matrices of the taps in panels, (⌈n/16⌉, taps·k, 16). For an adjoint it transposes each matrix.
func packTaps(dst, w []float32, taps []tap, ws graph.Shape, adjoint bool) {
	k, n := ws[2], ws[3]
	if adjoint {
		k, n = n, k
	}
	rows := len(taps) * k
	for t, tp := range taps {
		m := w[(tp.p*ws[1]+tp.q)*ws[2]*ws[3]:]
		for j := 0; j < n; j += kernel.PanelCols {
			d, cols := dst[j*rows+t*k*kernel.PanelCols:], min(kernel.PanelCols, n-j)
			if adjoint {
				kernel.PackBT(d, m[j*ws[3]:], k, cols, ws[3])
			} else {
				kernel.PackB(d, m[j:], k, cols, ws[3])
			}
		}
	}
}

// packColumns packs a vector over taps and input channels for each output channel, (n, taps·k).
func packColumns(dst, w []float32, taps []tap, ws graph.Shape, adjoint bool) {
	n := ws[3]
	if adjoint {
		n = ws[2]
	}
	for c := range n {
		for _, tp := range taps {
			m := w[(tp.p*ws[1]+tp.q)*ws[2]*ws[3]:]
			if adjoint {
				dst = dst[copy(dst, m[c*ws[3]:(c+1)*ws[3]]):]
				continue
			}
			for i := range ws[2] {
				dst[i] = m[i*ws[3]+c]
			}
			dst = dst[ws[2]:]
		}
	}
}

// split returns tasks of whole images.
func (cv *conv) split(align int) []int {
	step := lcm(align, cv.outLen)
	return evenSplit(cv.images*cv.outLen, step, step, 1, max(1, min(256, cv.flops>>16)))
}

func (cv *conv) pieceSize() int { return cv.band }

func (cv *conv) run(w *worker, lo, hi int) {
	for start := lo; start < hi; start += cv.band {
		img := start / cv.outLen
		src, out := img*cv.srcLen, img*cv.outLen
		band := (start - out) / cv.band
		for _, win := range cv.windows {
			pieces := win.bands[band]
			switch {
			case len(win.taps) == 0: // with a stride larger than the kernel, no tap reaches some pixels
				cv.clearPixels(win, pieces, out)
			case win.planeOffs != nil:
				cv.runPlanes(w, win, src, out, band)
			case cv.n <= fewChannels && cv.k >= 8:
				cv.runDots(w, win, pieces, src, out)
			default:
				cv.runRows(w, win, pieces, src, out)
			}
		}
	}
}

// clearPixels sets output pixels to 0.
func (cv *conv) clearPixels(win *window, pieces []bandTiles, out int) {
	for _, p := range pieces {
		for t := range p.tiles {
			for _, c := range win.dstOffs[(p.tile+t)*kernel.MaxRows:][:p.mr] {
				clear(cv.out.data[out+int(c):][:cv.n])
			}
		}
	}
}

// runRows computes output pixels as rows of source channels times packed weights.
func (cv *conv) runRows(w *worker, win *window, pieces []bandTiles, src, out int) {
	taps := len(win.taps)
	w.rows = kernel.RowsArgs{
		Base: cv.src.ptr(src), Zero: &cv.zero[0], W: win.weights.ptr(0), LdW: kernel.PanelCols, LdPanel: taps * cv.k * kernel.PanelCols,
		C: cv.out.ptr(out), Taps: taps, K: cv.k, Cols: cv.n,
	}
	for _, p := range pieces {
		w.rows.Offs, w.rows.COffs, w.rows.Tiles = &win.srcOffs[p.tile*taps*kernel.MaxRows], &win.dstOffs[p.tile*kernel.MaxRows], p.tiles
		kernel.Rows(p.mr, &w.rows)
	}
}

// runDots computes output pixels as inner products, for few output channels.
func (cv *conv) runDots(w *worker, win *window, pieces []bandTiles, src, out int) {
	taps := len(win.taps)
	w.dot = kernel.DotArgs{Base: cv.src.ptr(src), Zero: &cv.zero[0], Taps: taps, K: cv.k}
	for c := range cv.n {
		w.dot.W, w.dot.C = win.weights.ptr(c*taps*cv.k), cv.out.ptr(out+c)
		for _, p := range pieces {
			w.dot.Offs, w.dot.COffs, w.dot.Tiles = &win.srcOffs[p.tile*taps*kernel.MaxRows], &win.dstOffs[p.tile*kernel.MaxRows], p.tiles
			kernel.Dot(p.mr, &w.dot)
		}
	}
}

// runPlanes computes a band by planes of the source, for few input channels.
func (cv *conv) runPlanes(w *worker, win *window, src, out, band int) {
	p := &win.planes
	scratch, width := w.scratch[:p.size()], cv.band/cv.n/p.rows
	p.fill(scratch, cv.src.data[src:src+cv.srcLen], band*p.rows)
	w.outer = kernel.OuterArgs{
		AOffs: &win.planeOffs[0], B: win.weights.ptr(0), LdB: kernel.PanelCols, LdPanel: len(win.planeOffs) * kernel.PanelCols,
		LdC: cv.n, P: len(win.planeOffs), Cols: cv.n,
	}
	for i := range p.rows {
		j := 0
		for _, r := range win.runs {
			w.outer.A, w.outer.C, w.outer.Tiles = &scratch[i*p.pw+j], cv.out.ptr(out+band*cv.band+(i*width+j)*cv.n), r.tiles
			kernel.Outer(r.mr, &w.outer)
			j += r.mr * r.tiles
		}
	}
}
