package cpu

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/kernel"
)

// A winoFilter computes the gradient of a convolution with respect to its kernel in Winograd's form. For each component of two
// taps and each tile of two results, the gradient g of the result takes the place of the kernel:
//
//	dw₀ = d₀g₀ + d₁g₁   dw₁ = d₁g₀ + d₂g₁
//
// The same nine products give the four taps of two components. They are added over all tiles of all images first and combined
// once afterwards, by winoSum. For a component of one tap, the products are those of single pixels.
//
// The images are divided among lanes. The products of large kernels are also divided among parts.
type winoFilter struct {
	x, gy, lanes *buffer
	images       int
	xLen, gyLen  int // the number of elements of an image
	ci, co       int
	size         int // the size of all products of a lane in float32
	products     []*filterProduct
	grads        []*rowTable // the rows of gy, each table for some of the products
	parts        int
	unitImages   int // the number of images of a unit
	gradOffset   int // the offset of the rows of gy in scratch memory
	zero         []float32
}

// A filterProduct is one of the products of a pair of components.
type filterProduct struct {
	source *rowTable
	grad   int // the index of the rows of gy with which they are multiplied
}

// A rowTable is a list of rows of channels. Each row is a combination of the same number of pixels of an image: its terms.
type rowTable struct {
	count int // the number of rows of an image
	terms int
	offs  []int32 // (images of a unit, count, terms)
}

// A filterFactor describes a product of a component. For tile t its factors are a source pixel and a sum of result pixels.
type filterFactor struct {
	kind        int  // products of equal kinds use the same rows of gy
	diff        bool // whether the source pixel one step further is subtracted
	sourcePixel func(tile int) int
	grads       []int // the results of the tile whose gradients are added
	span        int   // the number of results of a tile
}

// filterFactors returns the products of a component.
func filterFactors(s phase) []filterFactor {
	if len(s.taps) == 1 {
		return []filterFactor{{3, false, func(t int) int { return s.step*t + s.first }, []int{0}, 1}}
	}
	var fs []filterFactor
	for m, grads := range [][]int{{0}, {0, 1}, {1}} {
		f, _ := s.factor(m)
		fs = append(fs, filterFactor{m, f.diff, func(t int) int { return s.sourcePixel(f, t) }, grads, 2})
	}
	return fs
}

// countFactors returns the number of products of the components of one axis for a row of tiles.
func countFactors(phases []phase) int {
	n := 0
	for _, s := range phases {
		n += len(filterFactors(s))
	}
	return n
}

// A unit has about filterRows rows of a product, which stay in the L2 cache together with the sums of the product. The sums of a
// lane have at most laneFloats float32. Larger sums, which no cache holds, are divided among parts of two products, and are
// read less often.
const (
	filterRows = 128
	laneFloats = 1 << 19
)

// lowerWinoFilter returns the root for a gradient with respect to a kernel, or nil. It adds the stage of the products.
func (c *compiler) lowerWinoFilter(n *graph.Node, s *stage) root {
	x, gy := n.In()[0], n.In()[1]
	xs, ys, ws, cfg := x.Shape(), gy.Shape(), n.Shape(), n.Attr().Conv
	dn, ok := polyphase(cfg, 0, xs[1], ws[0], false)
	ac, ok2 := polyphase(cfg, 1, xs[2], ws[1], false)
	if !ok || !ok2 {
		return nil
	}
	wf := &winoFilter{
		images: xs[0], xLen: xs[1:].Size(), gyLen: ys[1:].Size(), ci: ws[2], co: ws[3], parts: 1,
	}
	if !c.config.form.usesWinograd(wf.isCheaper(ys, ws, dn, ac)) {
		return nil
	}
	wf.zero = newAligned(max(wf.ci, wf.co))
	rows := filterRows
	lanes, size := min(wf.images, maxLanes), countFactors(dn)*countFactors(ac)*wf.ci*wf.co
	switch {
	case c.parent != nil: // a shard belongs to one lane
		lanes = 1
	case size > laneFloats:
		lanes, rows = 1, 2*filterRows
	case ws.Size() > 1<<16:
		lanes, wf.parts = min(wf.images, 4), 2
	}
	tiles := (ys[1] + 1) / 2 * ((ys[2] + 1) / 2)
	wf.unitImages = min(wf.images, (rows+tiles-1)/tiles)
	out := &winoSum{out: c.bufs[n], tapFloats: wf.ci * wf.co}
	wf.addProducts(out, xs, ys, ws, dn, ac)
	if size > laneFloats && c.parent == nil {
		wf.parts = (len(wf.products) + 1) / 2
	}
	wf.lanes = &buffer{size: lanes * wf.size}
	out.lanes, out.n, out.laneFloats = wf.lanes, lanes, wf.size
	rows = 0
	for _, p := range wf.products {
		rows = max(rows, wf.unitImages*p.source.count)
	}
	wf.gradOffset = kernel.PackedLen(rows, wf.ci)
	c.reserveScratch(wf.gradOffset + kernel.PackedLen(rows, wf.co) + overreadFloats)
	tasks := lanes * wf.parts
	pre := &stage{
		name: "filter products", tasks: tasks, cost: float64(s.matFlops) / 32 / float64(tasks),
		writes: []*buffer{wf.lanes}, node: infoOf(n), matFlops: s.matFlops,
	}
	s.matFlops = 0 // the stage pre has them
	for _, p := range wf.products {
		pre.executed += 2 * int64(wf.images*p.source.count) * int64(wf.ci*wf.co)
	}
	wf.x, wf.gy = c.operand(x, pre), c.operand(gy, pre)
	pre.run = func(w *worker, task int) { wf.sumPartial(w, task/wf.parts, task%wf.parts, lanes) }
	c.stages = append(c.stages, pre)
	s.reads = append(s.reads, wf.lanes)
	return out
}

// isCheaper reports whether this form needs fewer vector operations for an image than the direct one.
func (wf *winoFilter) isCheaper(ys, ws graph.Shape, dn, ac []phase) bool {
	direct := ys[1] * ys[2] * ws.Size() / 8
	own := 0
	for _, d := range dn {
		for _, a := range ac {
			rows, products := 1, 1
			for ax, s := range []phase{d, a} {
				if len(s.taps) == 2 {
					rows, products = rows*((ys[1+ax]+1)/2), products*3
				} else {
					rows *= ys[1+ax]
				}
			}
			own += rows * products * (wf.ci*wf.co + costGather*(wf.ci+wf.co)) / 8
		}
	}
	return own < direct && min(wf.ci, wf.co) >= minWinoChannels
}

// addProducts sets the products, ordered by the rows of gy that they use, and adds to out the products of each tap.
func (wf *winoFilter) addProducts(out *winoSum, xs, ys, ws graph.Shape, dn, ac []phase) {
	out.terms = make([][]signedProduct, ws[0]*ws[1])
	grads := map[[2]int]int{}
	for kinds := range 16 {
		for _, d := range dn {
			for _, a := range ac {
				for _, fd := range filterFactors(d) {
					for _, fa := range filterFactors(a) {
						if fd.kind*4+fa.kind != kinds {
							continue
						}
						key := [2]int{fd.kind, fa.kind}
						if _, ok := grads[key]; !ok {
							grads[key] = len(wf.grads)
							wf.grads = append(wf.grads, wf.newRowTable(ys, ys, fd, fa, func(i, j int) []int32 {
								var o []int32
								for _, p := range fd.grads {
									for _, q := range fa.grads {
										o = append(o, pixelOffset(ys, i*fd.span+p, j*fa.span+q))
									}
								}
								return o
							}))
						}
						out.addTerms(d, a, fd.kind, fa.kind, ws[1], wf.size)
						wf.size += wf.ci * wf.co
						wf.products = append(wf.products, &filterProduct{grad: grads[key], source: wf.newRowTable(xs, ys, fd, fa, func(i, j int) []int32 {
							y, x := fd.sourcePixel(i), fa.sourcePixel(j)
							o := []int32{pixelOffset(xs, y, x)}
							if fa.diff {
								o = append(o, pixelOffset(xs, y, x+a.step))
							}
							if fd.diff {
								o = append(o, pixelOffset(xs, y+d.step, x))
							}
							if fa.diff && fd.diff {
								o = append(o, pixelOffset(xs, y+d.step, x+a.step))
							}
							return o
						})})
					}
				}
			}
		}
	}
}

// newRowTable returns the table of the terms of each tile, for the images of a unit. The images have shape s, and at returns the
// offsets of the terms of a tile.
func (wf *winoFilter) newRowTable(s, ys graph.Shape, fd, fa filterFactor, at func(i, j int) []int32) *rowTable {
	g := &rowTable{}
	rows, cols := (ys[1]+fd.span-1)/fd.span, (ys[2]+fa.span-1)/fa.span
	g.count = rows * cols
	for img := range wf.unitImages {
		for i := range rows {
			for j := range cols {
				o := at(i, j)
				for k := range o {
					if o[k] >= 0 {
						o[k] += int32(img * s[1:].Size())
					}
				}
				g.offs, g.terms = append(g.offs, o...), len(o)
			}
		}
	}
	return g
}

// sumPartial computes the products of a part, summed over the images of a lane.
func (wf *winoFilter) sumPartial(w *worker, lane, part, lanes int) {
	first, end := wf.images*lane/lanes, wf.images*(lane+1)/lanes
	from, to := len(wf.products)*part/wf.parts, len(wf.products)*(part+1)/wf.parts
	for img := first; img < end; img += wf.unitImages {
		images, grad := min(wf.unitImages, end-img), -1
		for i := from; i < to; i++ {
			p := wf.products[i]
			rows := images * p.source.count
			if p.grad != grad {
				grad = p.grad
				wf.combine(w, wf.grads[grad], wf.gy.ptr(img*wf.gyLen), wf.gradOffset, rows, wf.co, 1)
			}
			wf.combine(w, p.source, wf.x.ptr(img*wf.xLen), 0, rows, wf.ci, -1)
			wf.addProduct(w, lane*wf.size+i*wf.ci*wf.co, rows, img > first)
		}
	}
}

// combine computes rows of a table into the scratch memory from an offset on, in panels.
func (wf *winoFilter) combine(w *worker, g *rowTable, base *float32, offset, rows, n int, sign float32) {
	w.combine = kernel.CombineArgs{
		Base: base, Offs: &g.offs[0], Zero: &wf.zero[0], Dst: &w.scratch[offset], Rows: rows, N: n, Terms: g.terms, Sign: sign,
	}
	kernel.Combine(&w.combine)
}

// addProduct adds the outer products of rows of the source and of gy.
func (wf *winoFilter) addProduct(w *worker, dst, rows int, accumulate bool) {
	w.outer = kernel.OuterArgs{B: &w.scratch[wf.gradOffset], LdA: kernel.PanelCols, LdB: kernel.PanelCols, LdPanel: kernel.PanelCols * rows,
		LdC: wf.co, P: rows, Cols: wf.co, Accumulate: accumulate}
	for i := 0; i < wf.ci; i += kernel.PanelCols {
		for k, end := i, min(i+kernel.PanelCols, wf.ci); k < end; {
			mr := nextTileRun(end - k).mr
			w.outer.A, w.outer.C = &w.scratch[i*rows+k-i], wf.lanes.ptr(dst+k*wf.co)
			kernel.Outer(mr, &w.outer)
			k += mr
		}
	}
}

// A winoSum combines the products of a winoFilter, lane by lane, to the taps of the gradient.
type winoSum struct {
	lanes, out    *buffer
	n, laneFloats int // the number of lanes, and the size of one in float32
	tapFloats     int // the size of a tap in float32
	terms         [][]signedProduct
}

// A signedProduct is a product that is added to a tap or subtracted from it.
type signedProduct struct {
	offset int
	neg    bool
}

// addTerms adds the product at an offset to the terms of the taps that depend on it.
func (a *winoSum) addTerms(dn, ac phase, kindDown, kindAcross, kw, offset int) {
	termsOf := func(s phase, kind int) (taps []int, neg []bool) {
		switch kind {
		case 0:
			return s.taps[:1], []bool{false}
		case 1:
			return s.taps, []bool{false, false}
		case 2:
			return s.taps[1:], []bool{true}
		}
		return s.taps, []bool{false}
	}
	ps, pneg := termsOf(dn, kindDown)
	qs, qneg := termsOf(ac, kindAcross)
	for i, p := range ps {
		for j, q := range qs {
			a.terms[p*kw+q] = append(a.terms[p*kw+q], signedProduct{offset, pneg[i] != qneg[j]})
		}
	}
}

func (a *winoSum) split(align int) []int {
	size := len(a.terms) * a.tapFloats
	return evenSplit(size, lcm(align, min(blockFloats, size)), align, 1<<12, 16)
}

func (*winoSum) pieceSize() int { return 0 }

// run combines in blocks that stay in the L1 cache. The first term of a tap is always added, not subtracted.
func (a *winoSum) run(_ *worker, lo, hi int) {
	for lo < hi {
		in := lo % a.tapFloats
		n := min(hi-lo, a.tapFloats-in, blockFloats)
		dst := a.out.data[lo : lo+n]
		for lane := range a.n {
			for i, t := range a.terms[lo/a.tapFloats] {
				x := a.lanes.data[lane*a.laneFloats+t.offset+in:][:n]
				switch {
				case lane == 0 && i == 0:
					copy(dst, x)
				case t.neg:
					kernel.Sub(dst, dst, x)
				default:
					kernel.AddTo(dst, x)
				}
			}
		}
		lo += n
	}
}
