package cpu

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// conv computes bands of output rows of a convolution or of its adjoint in the
// image. Both are sums over taps of a source pixel's channels times a matrix; what
// differs is which source pixel a tap reads. The adjoint with stride s falls into
// s·s phases, by output row and column modulo s, each with a few of the taps; no
// zero is multiplied. The source is read in place, through a table of offsets that
// is the same for every image.
type conv struct {
	src, out       *buffer
	images         int
	srcLen, outLen int // elements of an image
	band           int // elements of a band; bands make up an image
	k, n           int // channels summed, channels made
	windows        []*window
	zero           []float32 // what a tap outside the image reads
	flops          int
}

// A window is a set of output pixels that use the same taps.
type window struct {
	taps    []tap
	pixels  []pixel
	srcOffs []int32       // (tiles, taps, 6)
	dstOffs []int32       // (tiles, 6)
	bands   [][]bandTiles // the tiles of each band
	weights *buffer
	// from, with few channels to sum, is where each tap and channel finds the first
	// pixel of a band in planes of the source, laid out in scratch; else nil.
	planeOffs []int32
	planes    planes
	runs      []tileRun // of an output row
}

// A piece is a run of tiles of a band.
type bandTiles struct {
	tileRun
	tile int // place of the first in the tables
}

type tap struct{ p, q int } // place in the kernel

type pixel struct{ y, x int }

// fewChannels is up to how many channels the special forms are used: planes
// for channels summed, inner products for channels made.
const fewChannels = 4

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

// windows lists the windows of a convolution (one) or its adjoint (by phase).
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

// under returns the source pixel that tap t reads for output pixel o; ok is false if
// the tap falls between the source pixels of an adjoint. The pixel may lie
// outside the source.
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

// covered returns the pixel of the image x that tap t of a kernel w lies on when a
// convolution makes output pixel o. It may lie outside.
func coveredPixel(x, w graph.Shape, cfg graph.ConvConfig, o pixel, t tap) (row, col int) {
	_, lo0, _ := cfg.Window(0, x[1], w[0])
	_, lo1, _ := cfg.Window(1, x[2], w[1])
	return o.y*cfg.Stride[0] + t.p - lo0, o.x*cfg.Stride[1] + t.q - lo1
}

// offset returns where pixel (row, col) of an image of shape s starts; negative
// outside.
func pixelOffset(s graph.Shape, row, col int) int32 {
	if row < 0 || row >= s[1] || col < 0 || col >= s[2] {
		return -1
	}
	return int32((row*s[2] + col) * s[3])
}

func mod(a, b int) int { return ((a % b) + b) % b }

func floorDiv(a, b int) int { return (a - mod(a, b)) / b }

// bandFloats is the most a band has, so that it and what it is made from stay in
// L2. Smaller bands, for L1, cost more in ragged tiles and in weights read again
// than they save.
const bandFloats = 1 << 15

// bandRows returns how many output rows a band has: a divisor of their number, so that
// all bands are alike.
func bandRows(out graph.Shape) int {
	rows := out[1]
	for rows > 1 && (out[1]%rows != 0 || rows*out[2]*out[3] > bandFloats) {
		rows--
	}
	return rows
}

// table works out the tiles of a window and their offsets.
func (w *window) buildTables(n *graph.Node, rows int) {
	so := n.Shape()
	left, tiles := w.pixels, 0
	for y := rows; y <= so[1]; y += rows {
		pix := left
		for i, o := range left {
			if o.y >= y {
				pix = left[:i]
				break
			}
		}
		left = left[len(pix):]
		var band []bandTiles
		at := 0
		for _, r := range tileRuns(len(pix)) {
			band = append(band, bandTiles{r, tiles})
			for range r.tiles {
				w.addTile(n, pix[at:at+r.mr])
				at += r.mr
			}
			tiles += r.tiles
		}
		w.bands = append(w.bands, band)
	}
}

// tile adds the offsets of a tile.
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

// packTaps lays the taps' matrices out in panels, (⌈n/16⌉, taps·k, 16). For the
// adjoint each tap's matrix is transposed.
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

// packColumns lays out one vector over taps and channels for each channel made,
// (n, taps·k).
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

// split gives each task whole images.
func (cv *conv) split(align int) []int {
	step := lcm(align, cv.outLen)
	return evenSplit(cv.images*cv.outLen, step, step, 1, max(1, min(256, cv.flops>>16)))
}

func (cv *conv) pieceSize() int { return cv.band }

func (cv *conv) run(w *worker, lo, hi int) {
	for at := lo; at < hi; at += cv.band {
		img := at / cv.outLen
		src, out := img*cv.srcLen, img*cv.outLen
		band := (at - out) / cv.band
		for _, win := range cv.windows {
			pieces := win.bands[band]
			switch {
			case len(win.taps) == 0: // a stride larger than the kernel leaves pixels no tap reaches
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

func (cv *conv) clearPixels(win *window, pieces []bandTiles, out int) {
	for _, p := range pieces {
		for t := range p.tiles {
			for _, c := range win.dstOffs[(p.tile+t)*kernel.MaxRows:][:p.mr] {
				clear(cv.out.data[out+int(c):][:cv.n])
			}
		}
	}
}

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

func (cv *conv) runPlanes(w *worker, win *window, src, out, band int) {
	p := &win.planes
	scratch, wide := w.scratch[:p.size()], cv.band/cv.n/p.rows
	p.fill(scratch, cv.src.data[src:src+cv.srcLen], band*p.rows)
	w.outer = kernel.OuterArgs{
		AOffs: &win.planeOffs[0], B: win.weights.ptr(0), LdB: kernel.PanelCols, LdPanel: len(win.planeOffs) * kernel.PanelCols,
		LdC: cv.n, P: len(win.planeOffs), Cols: cv.n,
	}
	for i := range p.rows {
		j := 0
		for _, r := range win.runs {
			w.outer.A, w.outer.C, w.outer.Tiles = &scratch[i*p.pw+j], cv.out.ptr(out+band*cv.band+(i*wide+j)*cv.n), r.tiles
			kernel.Outer(r.mr, &w.outer)
			j += r.mr * r.tiles
		}
	}
}
