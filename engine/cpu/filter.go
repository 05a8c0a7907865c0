package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// filterGrad computes the gradient of a convolution in its kernel, a sum over
// all pixels of all images. The images are dealt to a fixed number of lanes,
// each with a sum of its own; adding the lanes is the anchor that a loop follows.
type filterGrad struct {
	x, gy, lanes *buffer
	images       int
	xLen, gyLen  int // elements of an image
	taps, ci, co int
	outPixels    int
	groups       int     // sets of taps, each a task of its own
	imagesPerSum int     // images summed in one go, so that few pixels are enough work for a tile
	pack         bool    // gy, because a panel of its wide rows falls into few sets of L1
	tapOffs      []int32 // (taps, together·pix): offsets into x under each tap; negative outside
	zero         []float32
	planes       planes
	planeOffs    []int32 // (tiles, output rows, 6): of taps and channels in the planes
	dstOffs      []int32 // of rows of the kernel; see rowOffsets
}

// maxLanes is the most lanes; more would cost memory and the time to add them.
const maxLanes = 8

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
	if c.parent != nil { // a shard is part of a lane
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
	s.matFlops = 0 // adding the lanes is not a product
	fg.x, fg.gy = c.operand(x, pre), c.operand(gy, pre)
	pre.run = func(w *worker, task int) { fg.sumPartial(w, task/fg.groups, task%fg.groups, lanes) }
	c.stages = append(c.stages, pre)
	s.reads = append(s.reads, fg.lanes)
	return &laneSum{lanes: fg.lanes, out: c.bufs[n], size: size, n: lanes}
}

// longSum is about how many products an element should add up before it is stored.
const minSumLength = 256

// offsets lists where each tap reads x for each output pixel of some images, (taps,
// images·pixels); negative outside the image.
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

// byPlanes reports whether there are few input channels, so that laying out
// what is under each tap costs less than short tiles would.
func (fg *filterGrad) usesPlanes() bool { return fg.ci <= fewChannels }

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

// imagesByTap adds the sums over n images for the taps of a group.
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

// tapOffsets returns the table of rows that Rows wants: a tile is some taps and
// channels, and what it calls taps are the output rows.
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

// laneSum adds the lanes of a filter gradient in their order.
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
