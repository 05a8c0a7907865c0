package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// A filterGrad computes the gradient of a convolution with respect to its kernel, which is a sum over all pixels of all
// images. The images are divided among a fixed number of lanes, each with its own sum. The root of the group, a laneSum,
// adds the lanes.
type filterGrad struct {
	x, gy, lanes *buffer
	images       int
	xLen, gyLen  int // the number of elements of an image
	taps, ci, co int
	outPixels    int
	groups       int     // the number of groups of taps, each a task of its own
	imagesPerSum int     // the number of images that are summed at a time, so that a tile has enough pixels
	pack         bool    // whether gy is packed: a panel of wide rows would use few sets of the L1 cache
	tapOffs      []int32 // of tapSourceOffsets
	zero         []float32
	planes       planes
	planeOffs    []int32 // of planeTileOffsets, (tiles, output rows, 6)
	dstOffs      []int32 // of the rows of the kernel: see rowOffsets
}

// maxLanes is the largest number of lanes. More lanes would cost memory, and time to add them.
const maxLanes = 8

// lowerFilterGrad returns the root for the gradient with respect to a kernel, and adds the stage of the partial sums.
func (c *compiler) lowerFilterGrad(n *graph.Node, s *stage) root {
	x, gy := n.In()[0], n.In()[1]
	xs, ys, ws := x.Shape(), gy.Shape(), n.Shape()
	size := ws.Size()
	fg := &filterGrad{
		images: xs[0], xLen: xs[1:].Size(), gyLen: ys[1:].Size(),
		taps: ws[0] * ws[1], ci: ws[2], co: ws[3], outPixels: ys[1] * ys[2], groups: 1,
		zero: newAligned(kernel.MaxRows),
	}
	cfg := n.Attr().Conv
	lanes := min(fg.images, maxLanes)
	if c.parent != nil { // a shard belongs to one lane
		lanes = 1
	}
	if fg.usesPlanes() {
		fg.planes = newPlanes(xs, ws, ys, cfg, ys[1])
		c.reserveScratch(fg.planes.size())
		fg.planeOffs, fg.dstOffs = fg.planeTileOffsets(), rowOffsets(fg.co)
	} else {
		fg.imagesPerSum = max(1, min(minSumLength/fg.outPixels, fg.images))
		fg.tapOffs = tapSourceOffsets(xs, ws, ys, cfg, fg.imagesPerSum)
		if fg.pack = fg.co >= 256; fg.pack {
			c.reserveScratch(kernel.PackedLen(fg.imagesPerSum*fg.outPixels, fg.co))
		}
		if size > 1<<16 && c.parent == nil {
			lanes, fg.groups = min(fg.images, 2), fg.taps
		}
	}
	fg.lanes = &buffer{size: lanes * size}
	flops := 2 * float64(fg.images) * float64(fg.outPixels) * float64(size)
	pre := &stage{
		name: "filter partial sums", tasks: lanes * fg.groups, cost: flops / 16 / float64(lanes*fg.groups),
		writes: []*buffer{fg.lanes}, node: infoOf(n), matFlops: s.matFlops,
	}
	s.matFlops = 0 // the stage pre has them
	fg.x, fg.gy = c.operand(x, pre), c.operand(gy, pre)
	pre.run = func(w *worker, task int) { fg.sumPartial(w, task/fg.groups, task%fg.groups, lanes) }
	c.stages = append(c.stages, pre)
	s.reads = append(s.reads, fg.lanes)
	return &laneSum{lanes: fg.lanes, out: c.bufs[n], size: size, n: lanes}
}

// minSumLength is the approximate number of products that a result should add up before it is stored.
const minSumLength = 256

// tapSourceOffsets returns the offset in x that each tap reads for each output pixel of some images, (taps, images·pixels). It
// is negative outside an image.
func tapSourceOffsets(x, w, y graph.Shape, cfg graph.ConvConfig, images int) []int32 {
	var from []int32
	for p := range w[0] {
		for q := range w[1] {
			for img := range images {
				for i := range y[1] {
					for j := range y[2] {
						row, col := coveredPixel(x, w, cfg, pixel{i, j}, tap{p, q})
						at := pixelOffset(x, row, col)
						if at >= 0 {
							at += int32(img * x[1:].Size())
						}
						from = append(from, at)
					}
				}
			}
		}
	}
	return from
}

// usesPlanes reports whether there are few input channels. Copying the source to planes then costs less than small tiles.
func (fg *filterGrad) usesPlanes() bool { return fg.ci <= fewChannels }

// sumPartial computes the sums of a lane for the taps of a group.
func (fg *filterGrad) sumPartial(w *worker, lane, group, lanes int) {
	size := fg.taps * fg.ci * fg.co
	dst := lane * size
	first := fg.images * lane / lanes
	last := fg.images * (lane + 1) / lanes
	if fg.usesPlanes() {
		for img := first; img < last; img++ {
			fg.addImageByPlanes(w, img, dst, img > first)
		}
		return
	}
	for img := first; img < last; img += fg.imagesPerSum {
		fg.addImagesByTap(w, img, min(fg.imagesPerSum, last-img), group, dst, img > first)
	}
}

// addImagesByTap adds the sums over n images for the taps of a group.
func (fg *filterGrad) addImagesByTap(w *worker, img, n, group, dst int, accumulate bool) {
	pix := n * fg.outPixels
	w.outer = kernel.OuterArgs{
		Zero: &fg.zero[0], B: fg.gy.ptr(img * fg.gyLen), LdB: fg.co, LdPanel: kernel.PanelCols,
		LdC: fg.co, P: pix, Cols: fg.co, Accumulate: accumulate,
	}
	if fg.pack {
		kernel.PackB(w.scratch, fg.gy.data[img*fg.gyLen:(img+n)*fg.gyLen], pix, fg.co, fg.co)
		w.outer.B, w.outer.LdB, w.outer.LdPanel = &w.scratch[0], kernel.PanelCols, pix*kernel.PanelCols
	}
	for t := group; t < fg.taps; t += fg.groups {
		w.outer.AOffs = &fg.tapOffs[t*fg.imagesPerSum*fg.outPixels]
		for i := 0; i < fg.ci; {
			r := nextTileRun(fg.ci - i)
			w.outer.A, w.outer.C, w.outer.Tiles = fg.x.ptr(img*fg.xLen+i), fg.lanes.ptr(dst+(t*fg.ci+i)*fg.co), r.tiles
			kernel.Outer(r.mr, &w.outer)
			i += r.mr * r.tiles
		}
	}
}

// planeTileOffsets returns the table of offsets for kernel.Rows. A row of a tile is a tap and a channel, and the argument Taps
// of kernel.Rows is the number of output rows.
func (fg *filterGrad) planeTileOffsets() []int32 {
	var offs []int32
	from := fg.planes.offsets()
	for _, r := range tileRuns(len(from)) {
		for range r.tiles {
			for i := range fg.planes.rows {
				row := make([]int32, kernel.MaxRows)
				for q, at := range from[:r.mr] {
					row[q] = at + int32(i*fg.planes.pw)
				}
				offs = append(offs, row...)
			}
			from = from[r.mr:]
		}
	}
	return offs
}

// addImageByPlanes adds the sums over one image, by planes of the source.
func (fg *filterGrad) addImageByPlanes(w *worker, img, dst int, accumulate bool) {
	scratch := w.scratch[:fg.planes.size()]
	fg.planes.fill(scratch, fg.x.data[img*fg.xLen:(img+1)*fg.xLen], 0)
	w.rows = kernel.RowsArgs{
		Base: &scratch[0], W: fg.gy.ptr(img * fg.gyLen), LdW: fg.co, LdPanel: kernel.PanelCols,
		COffs: &fg.dstOffs[0], Taps: fg.planes.rows, K: fg.outPixels / fg.planes.rows, Cols: fg.co, Accumulate: accumulate,
	}
	tile := 0
	for i := 0; i < fg.taps*fg.ci; {
		r := nextTileRun(fg.taps*fg.ci - i)
		w.rows.Offs, w.rows.C, w.rows.Tiles = &fg.planeOffs[tile*fg.planes.rows*kernel.MaxRows], fg.lanes.ptr(dst+i*fg.co), r.tiles
		kernel.Rows(r.mr, &w.rows)
		i += r.mr * r.tiles
		tile += r.tiles
	}
}

// A laneSum adds n lanes in order.
type laneSum struct {
	lanes, out *buffer
	size, n    int
}

func (a *laneSum) split(align int) []int {
	return evenSplit(a.size, lcm(align, min(blockFloats, a.size)), align, 1<<12, 16)
}

func (*laneSum) pieceSize() int { return 0 }

func (a *laneSum) run(_ *worker, lo, hi int) {
	dst := a.out.data[lo:hi]
	copy(dst, a.lanes.data[lo:hi])
	for i := 1; i < a.n; i++ {
		kernel.AddTo(dst, a.lanes.data[i*a.size+lo:i*a.size+hi])
	}
}
