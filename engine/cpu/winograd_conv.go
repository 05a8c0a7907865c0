package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// A winoConv computes a convolution, or its adjoint with respect to the image, in Winograd's form. It works in units of a few
// images, or of a few rows of tiles of one image.
//
// The products read the pixels of the source, and three planes of differences of pixels with the distance of one step: down,
// across, and both. For each unit, the planes are computed in scratch memory by subtracting rows. The products find their rows
// in the planes, or in the source, by tables of offsets, as a direct convolution does. Their results, nine numbers for each
// tile and channel, go to scratch memory too. kernel.Inverse combines them to the result.
type winoConv struct {
	src, out, w        *buffer
	images             int
	srcLen, outLen     int    // the number of elements of an image
	k, n               int    // the numbers of input and output channels
	h, wd              int    // the height and width of the source
	diffStep           [2]int // the distance of the two pixels of a difference, down and across
	diffLeft, diffCols int    // the first column of the differences across, and the number of columns
	windows            []*winoWindow
	unitImages         int // the number of images of a unit
	unitsPerImage      int // the number of units of an image, if unitImages is 1
	units              []*winoUnit
	zero               []float32
	dstOffs            []int32 // of the rows of a product: see rowOffsets
	products           int     // the size of the nine products of a unit in float32
	planes             int     // the size of its planes in float32
	flops              int
}

// A winoWindow is the set of result pixels that use the same components.
type winoWindow struct {
	down, across []phase // the result is the sum over all pairs
	size, tiles  [2]int
	resultPixel  func(i, j int) (y, x int) // returns the pixel of row i and column j of the window
	products     []*winoProduct
}

// A winoProduct is one of the nine products, over the pairs of components that read planes, or over those that read pixels.
type winoProduct struct {
	index      int  // 0 … 8
	pixels     bool // whether the pairs read pixels; otherwise they read planes
	pairs      []winoPair
	w, rows    int  // the offset of the panels in the packed kernel, and their number of rows
	accumulate bool // whether the product is added to an earlier one with the same index
}

// A winoPair is a pair of components, with their factors in a product.
type winoPair struct {
	plane          int
	down, across   phase
	fDown, fAcross factor
}

// The planes: the pixels and their differences.
const (
	pixels = 0
	across = 1
	down   = 2
	both   = down | across
)

// A winoUnit holds the tables of a unit.
type winoUnit struct {
	rows    []planeRow // of the planes of an image
	planes  int        // the size of the planes of an image in float32
	images  int
	windows []unitWindow // of each window
	step    int          // the distance of the nine products in float32
}

// A planeRow is one row of a plane.
type planeRow struct {
	plane, row int
	offset     int // in the planes of an image
	downOffset int // of plane both: the offset of the row of down from which it is computed
}

// A unitWindow is the part of a window that belongs to a unit.
type unitWindow struct {
	count   int       // the number of 2×2 tiles
	runs    []tileRun // the tiles of the matrix products
	srcOffs [][]int32 // the source offsets of each product, (tiles, pairs, 6)
	dstOffs []int32   // the output offsets, (count, 4)
}

// lowerWinoConv returns the root for a convolution or its adjoint with respect to the image, or nil.
func (c *compiler) lowerWinoConv(n *graph.Node, s *stage) root {
	src, w := n.In()[0], n.In()[1]
	so := n.Shape()
	wc := newWinoConv(n)
	if wc == nil || !c.config.form.usesWinograd(wc.isCheaper(c.parent != nil)) {
		return nil
	}
	wc.out = c.bufs[n]
	wc.chooseUnits(so, c.parent != nil)
	k := wc.packing(w.Shape(), n.Op() == graph.OpConv2DInputGrad)
	wc.src = c.operand(src, s)
	c.scratch = max(c.scratch, k.scratch())
	wc.w = c.packedTasks(k.key(c.bufs[base(w)]), k.size, k.tasks(), s, infoOf(w), func(wk *worker, task int, dst, w []float32) {
		k.pack(dst, w, wk.scratch[:k.scratch()], task)
	})
	wc.zero = newAligned(wc.k)
	for _, u := range wc.units {
		wc.planes = max(wc.planes, u.images*u.planes)
		wc.products = max(wc.products, 9*u.step)
	}
	c.reserveScratch(wc.products + wc.planes + wc.n)
	s.cost = float64(wc.flops) / 16
	s.executed = int64(wc.flops)
	return wc
}

// packing returns the packed kernel, and sets the offsets of the matrices of all products in it.
func (wc *winoConv) packing(ws graph.Shape, adjoint bool) *winoKernel {
	k := &winoKernel{shape: ws, adjoint: adjoint}
	task := map[tap]int{} // by the first taps of a pair
	for _, win := range wc.windows {
		for _, p := range win.products {
			p.w, p.rows = k.size, len(p.pairs)*wc.k
			for i, pair := range p.pairs {
				first := tap{pair.down.taps[0], pair.across.taps[0]}
				if _, ok := task[first]; !ok {
					task[first] = len(k.pairs)
					k.pairs = append(k.pairs, nil)
				}
				sum := productWeights(pair.fDown, pair.fAcross)
				sum.offset, sum.rows = k.size+i*wc.k*kernel.PanelCols, p.rows
				k.pairs[task[first]] = append(k.pairs[task[first]], sum)
			}
			k.size += kernel.PackedLen(p.rows, wc.n)
		}
	}
	return k
}

// newWinoConv returns the winoConv of n, without its units, or nil if n does not have this form.
func newWinoConv(n *graph.Node) *winoConv {
	si, so, ws, cfg := n.In()[0].Shape(), n.Shape(), n.In()[1].Shape(), n.Attr().Conv
	adjoint := n.Op() == graph.OpConv2DInputGrad
	image := si
	if adjoint {
		image = so
	}
	var axes [2][]phase
	for ax := range axes {
		var ok bool
		if axes[ax], ok = polyphase(cfg, ax, image[1+ax], ws[ax], adjoint); !ok {
			return nil
		}
	}
	wc := &winoConv{
		images: so[0], srcLen: si[1:].Size(), outLen: so[1:].Size(), k: si[3], n: so[3], h: si[1], wd: si[2],
		diffStep: [2]int{axes[0][0].step, axes[1][0].step},
	}
	if !adjoint {
		wc.addWindow(axes[0], axes[1], so, [2]int{}, [2]int{1, 1})
	} else {
		for p := range axes[0] {
			for q := range axes[1] {
				wc.addWindow(axes[0][p:p+1], axes[1][q:q+1], so, [2]int{p, q}, cfg.Stride)
			}
		}
	}
	wc.dstOffs = rowOffsets(wc.n)
	wc.findDiffColumns()
	return wc
}

// addWindow adds the window of the result pixels first, first + stride, … with components dn down and ac across.
func (wc *winoConv) addWindow(dn, ac []phase, so graph.Shape, first, stride [2]int) {
	win := &winoWindow{down: dn, across: ac}
	for ax := range 2 {
		win.size[ax] = (so[1+ax] - first[ax] + stride[ax] - 1) / stride[ax]
		win.tiles[ax] = (win.size[ax] + 1) / 2
	}
	win.resultPixel = func(i, j int) (y, x int) { return first[0] + i*stride[0], first[1] + j*stride[1] }
	for place := range 9 {
		var planes, raw *winoProduct
		for _, d := range dn {
			fd, ok := d.factor(place / 3)
			if !ok {
				continue
			}
			for _, a := range ac {
				fa, ok := a.factor(place % 3)
				if !ok {
					continue
				}
				plane := pixels
				if fd.diff {
					plane |= down
				}
				if fa.diff {
					plane |= across
				}
				p := &planes
				if plane == pixels {
					p = &raw
				}
				if *p == nil {
					*p = &winoProduct{index: place, pixels: plane == pixels, accumulate: planes != nil || raw != nil}
					win.products = append(win.products, *p)
				}
				(*p).pairs = append((*p).pairs, winoPair{plane, d, a, fd, fa})
			}
		}
	}
	wc.windows = append(wc.windows, win)
}

// findDiffColumns sets the columns of the differences across.
func (wc *winoConv) findDiffColumns() {
	lo, hi := wc.wd, -wc.diffStep[1]
	for _, win := range wc.windows {
		for _, s := range win.across {
			if len(s.taps) == 2 {
				lo, hi = min(lo, s.first), max(hi, s.step*(2*win.tiles[1]-1)+s.first+1)
			}
		}
	}
	wc.diffLeft = max(lo, -wc.diffStep[1])
	wc.diffCols = max(0, min(hi, wc.wd)-wc.diffLeft)
}

// isCheaper reports whether this form needs fewer vector operations for an image than the direct one. A region packs the kernel
// once for all shards.
func (wc *winoConv) isCheaper(shard bool) bool {
	direct, own, pack := 0, 0, 0
	for _, win := range wc.windows {
		tiles, pairs := win.tiles[0]*win.tiles[1], 0
		for _, p := range win.products {
			pairs += len(p.pairs)
		}
		for _, d := range win.down {
			for _, a := range win.across {
				direct += win.size[0] * win.size[1] * len(d.taps) * len(a.taps) * wc.k * wc.n / 8
			}
		}
		wc.flops += 2 * tiles * pairs * wc.k * wc.n * wc.images
		own += tiles*pairs*wc.k*wc.n/8 + costMove*9*tiles*wc.n/8
		pack += costPack * pairs * wc.k * wc.n / 8
	}
	own += costMove * (3 * wc.h * wc.wd * wc.k) / 8
	if !shard {
		own += pack / wc.images
	}
	return own < direct && min(wc.k, wc.n) >= minWinoChannels
}

// The sizes of a unit. Its scratch memory should fit the L2 cache together with its parts of the source and of the kernel.
const (
	unitRows     = 64      // the number of rows of the matrix products
	unitFloats   = 1 << 17 // the largest size of the scratch memory in float32
	minUnitTasks = 4       // the number of tasks that units of several images leave, except in a shard
)

// chooseUnits chooses the units and computes their tables. Units of several images leave enough of them for some tasks, except
// in a shard, which belongs to one task.
func (wc *winoConv) chooseUnits(so graph.Shape, shard bool) {
	first := wc.windows[0]
	tiles, tall := first.tiles[0]*first.tiles[1], 0
	divisible := true // whether all windows have the same rows of tiles, without partial ones
	for _, win := range wc.windows {
		tall = max(tall, win.tiles[0])
		divisible = divisible && win.size == first.size && win.size[0]%2 == 0
	}
	wc.unitImages, wc.unitsPerImage = 1, 1
	if tiles < unitRows {
		most := wc.images
		if !shard {
			most = (most + minUnitTasks - 1) / minUnitTasks
		}
		wc.unitImages = min(most, (unitRows+tiles-1)/tiles)
	} else if size := 3*wc.h*wc.wd*wc.k + 9*tiles*wc.n; divisible {
		for p := 2; p <= tall && size/wc.unitsPerImage > unitFloats; p++ {
			if tall%p == 0 && tiles/p >= unitRows/2 {
				wc.unitsPerImage = p
			}
		}
	}
	if wc.unitsPerImage > 1 {
		for i := range wc.unitsPerImage {
			wc.units = append(wc.units, wc.newUnit(so, 1, tall*i/wc.unitsPerImage, tall*(i+1)/wc.unitsPerImage))
		}
		return
	}
	wc.units = append(wc.units, wc.newUnit(so, wc.unitImages, 0, tall))
	if rest := wc.images % wc.unitImages; rest > 0 {
		wc.units = append(wc.units, wc.newUnit(so, rest, 0, tall))
	}
}

// newUnit returns a unit with the tables of rows [from, to) of tiles.
func (wc *winoConv) newUnit(so graph.Shape, images, from, to int) *winoUnit {
	u := &winoUnit{images: images}
	at := u.planRows(wc, from, to)
	si := graph.Shape{0, wc.h, wc.wd, wc.k}
	// rowAt returns the offset from which the row of a tile is read; it is negative if the row is zero.
	rowAt := func(pair winoPair, img, i, j int) int32 {
		y, x := pair.down.sourcePixel(pair.fDown, i), pair.across.sourcePixel(pair.fAcross, j)
		if pair.plane == pixels {
			if o := pixelOffset(si, y, x); o >= 0 {
				return int32(img*wc.srcLen) + o
			}
			return -1
		}
		left, cols := 0, wc.wd
		if pair.plane != down {
			left, cols = wc.diffLeft, wc.diffCols
		}
		if r, ok := at[[2]int{pair.plane, y}]; ok && x >= left && x < left+cols {
			return int32(img*u.planes + r + (x-left)*wc.k)
		}
		return -1
	}
	most := 0
	for _, win := range wc.windows {
		var tiles []pixel // (image·rows + row, column)
		var part unitWindow
		rows := min(to, win.tiles[0]) - from
		for img := range images {
			for i := from; i < from+rows; i++ {
				for j := range win.tiles[1] {
					tiles = append(tiles, pixel{img*rows + i - from, j})
					for k := range 4 {
						o := int32(-1)
						if y, x := 2*i+k/2, 2*j+k%2; y < win.size[0] && x < win.size[1] {
							y, x = win.resultPixel(y, x)
							o = int32(img*wc.outLen) + pixelOffset(so, y, x)
						}
						part.dstOffs = append(part.dstOffs, o)
					}
				}
			}
		}
		part.count, part.runs = len(tiles), tileRuns(len(tiles))
		most = max(most, part.count)
		for _, p := range win.products {
			var offs []int32
			first := 0
			for _, r := range part.runs {
				for range r.tiles {
					for _, pair := range p.pairs {
						var six [kernel.MaxRows]int32
						for i, t := range tiles[first : first+r.mr] {
							six[i] = rowAt(pair, t.y/rows, from+t.y%rows, t.x)
						}
						offs = append(offs, six[:]...)
					}
					first += r.mr
				}
			}
			part.srcOffs = append(part.srcOffs, offs)
		}
		u.windows = append(u.windows, part)
	}
	// An odd number of cache lines, so that the nine products use different sets of the cache.
	u.step = (most*wc.n+2*lineFloats-1)/(2*lineFloats)*(2*lineFloats) + lineFloats
	return u
}

// planRows adds to u the rows of the planes that rows [from, to) of tiles need. It returns the offset of each in the planes of
// an image, by plane and row.
func (u *winoUnit) planRows(wc *winoConv, from, to int) map[[2]int]int {
	at := map[[2]int]int{}
	need := func(plane, y int) {
		if _, ok := at[[2]int{plane, y}]; ok || y >= wc.h || y < 0 && (plane == across || y+wc.diffStep[0] < 0 || y+wc.diffStep[0] >= wc.h) {
			return // the row is in the list, or it is a difference outside the image
		}
		at[[2]int{plane, y}] = u.planes
		u.rows = append(u.rows, planeRow{plane, y, u.planes, at[[2]int{down, y}]})
		if plane == down {
			u.planes += wc.wd * wc.k
		} else {
			u.planes += wc.diffCols * wc.k
		}
	}
	for _, win := range wc.windows {
		for i := from; i < min(to, win.tiles[0]); i++ {
			for _, p := range win.products {
				for _, pair := range p.pairs {
					y := pair.down.sourcePixel(pair.fDown, i)
					if pair.plane&down != 0 {
						need(down, y) // for both too, which is computed from it
					}
					if pair.plane&across != 0 {
						need(pair.plane, y)
					}
				}
			}
		}
	}
	return at
}

// fillPlanes computes the planes of an image.
func (wc *winoConv) fillPlanes(dst, src []float32, u *winoUnit) {
	width := wc.wd * wc.k
	for _, r := range u.rows {
		switch r.plane {
		case across:
			wc.subtractAcross(dst[r.offset:], src[r.row*width:])
		case both:
			wc.subtractAcross(dst[r.offset:], dst[r.downOffset:])
		case down:
			d, below := dst[r.offset:r.offset+width], (r.row+wc.diffStep[0])*width
			switch {
			case r.row < 0:
				kernel.Neg(d, src[below:])
			case r.row+wc.diffStep[0] >= wc.h:
				copy(d, src[r.row*width:])
			default:
				kernel.Sub(d, src[r.row*width:], src[below:])
			}
		}
	}
}

// subtractAcross computes the differences between the pixels of a row and the pixels one step to the right.
func (wc *winoConv) subtractAcross(dst, row []float32) {
	k, step, end := wc.k, wc.diffStep[1], wc.diffLeft+wc.diffCols
	for x := wc.diffLeft; x < end; {
		d := dst[(x-wc.diffLeft)*k:]
		left, right := x >= 0, x+step >= 0 && x+step < wc.wd
		n := 1
		switch {
		case left && right:
			n = min(end, wc.wd-step) - x
			kernel.Sub(d[:n*k], row[x*k:], row[(x+step)*k:])
		case left:
			n = end - x // up to the last pixel
			copy(d[:n*k], row[x*k:])
		case right:
			kernel.Neg(d[:k], row[(x+step)*k:])
		default:
			clear(d[:k])
		}
		x += n
	}
}

// split returns tasks of whole units.
func (wc *winoConv) split(align int) []int {
	step := lcm(align, wc.unitImages*wc.outLen)
	return evenSplit(wc.images*wc.outLen, step, step, 1, max(1, min(256, wc.flops>>16)))
}

func (wc *winoConv) pieceSize() int { return wc.unitImages * wc.outLen / wc.unitsPerImage }

func (wc *winoConv) run(w *worker, lo, hi int) {
	for size := wc.unitImages * wc.outLen / wc.unitsPerImage; lo < hi; lo += size {
		u := wc.units[0]
		switch {
		case wc.unitsPerImage > 1:
			u = wc.units[lo%wc.outLen/size]
		case hi-lo < size:
			u = wc.units[1]
		}
		img := lo / wc.outLen
		wc.runUnit(w, u, img*wc.srcLen, img*wc.outLen)
	}
}

// runUnit computes the results of a unit, for images that start at these offsets of source and output.
func (wc *winoConv) runUnit(w *worker, u *winoUnit, src, out int) {
	products, planes := w.scratch[:9*u.step], w.scratch[wc.products:]
	spare := &w.scratch[wc.products+wc.planes]
	for img := range u.images {
		wc.fillPlanes(planes[img*u.planes:], wc.src.data[src+img*wc.srcLen:][:wc.srcLen], u)
	}
	for i, win := range wc.windows {
		part := &u.windows[i]
		done := 0 // the number of products that are computed
		for q, p := range win.products {
			for ; done < p.index; done++ { // no component has this product
				clear(products[done*u.step:][:part.count*wc.n])
			}
			done = p.index + 1
			base := wc.src.ptr(src)
			if !p.pixels {
				base = &planes[0]
			}
			w.rows = kernel.RowsArgs{Base: base, Zero: &wc.zero[0], W: wc.w.ptr(p.w), LdW: kernel.PanelCols, LdPanel: p.rows * kernel.PanelCols,
				COffs: &wc.dstOffs[0], Taps: len(p.pairs), K: wc.k, Cols: wc.n, Accumulate: p.accumulate}
			c, offs := p.index*u.step, part.srcOffs[q]
			for _, r := range part.runs {
				w.rows.C, w.rows.Offs, w.rows.Tiles = &products[c], &offs[0], r.tiles
				kernel.Rows(r.mr, &w.rows)
				c, offs = c+r.mr*r.tiles*wc.n, offs[r.tiles*len(p.pairs)*kernel.MaxRows:]
			}
		}
		w.inverse = kernel.InverseArgs{M: &products[0], Step: u.step, C: wc.out.ptr(out), COffs: &part.dstOffs[0], Spare: spare, Tiles: part.count, N: wc.n}
		kernel.Inverse(&w.inverse)
	}
}
