package browser

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// An activation is what a kernel applies to its sums.
type activation int

// The activations.
const (
	linear activation = iota
	relu
	leaky // x for x > 0, else slope·x
)

// An activated is a product with the activation that nothing but it reads the product of.
type activated struct {
	*product
	act   activation
	slope float32
}

// activated returns the product that n is the activation of, or is itself, or nil.
func (l *lowerer) activated(n *graph.Node) *activated {
	y, act, slope, reads := n, linear, float32(0), 0
	switch n.Op() {
	case graph.OpMax:
		if isNumber(n.In()[1], 0) {
			y, act, reads = n.In()[0], relu, 1
		}
	case graph.OpSelect: // of a > 0, a and slope·a
		greater, a, scaled := n.In()[0], n.In()[1], n.In()[2]
		if greater.Op() == graph.OpGreater && greater.In()[0] == a && isNumber(greater.In()[1], 0) && scaled.Op() == graph.OpMul && scaled.In()[0] == a {
			if c := l.folded.constant(scaled.In()[1]); c != nil && isNumber(scaled.In()[1], c[0]) {
				y, act, slope, reads = a, leaky, c[0], 3
			}
		}
	}
	if reads > 0 {
		if l.uses[y] > reads {
			return nil
		}
		for y.Op() == graph.OpReshape && l.uses[y.In()[0]] == 1 {
			y = y.In()[0]
		}
	}
	p := productOf(y)
	if p == nil || p.bias != nil && l.uses[p.node] > 1 {
		return nil
	}
	return &activated{p, act, slope}
}

// isNumber reports whether n is a constant, all of whose elements are v.
func isNumber(n *graph.Node, v float32) bool {
	if n.Op() == graph.OpBroadcast {
		n = n.In()[0]
	}
	return n.Op() == graph.OpConst && len(n.Attr().Data) == 1 && n.Attr().Data[0] == v
}

// A pass is one run of a kernel over pixels of the result: those with a residue of the stride of a transposed convolution,
// all of another product.
type pass struct {
	rows, cols   int
	x            int   // address of the pixel of x that offset 0 of a tap is at
	xRow, xCol   int   // distance in x of pixels one row and one column apart in the pass
	y            int   // address of the first pixel of the result
	yRow, yCol   int   // likewise in the result
	taps         []int // offset of each tap in x
	kernelOffset []int // of each tap in the kernel
}

// product emits the steps of a product, whose activation is n.
func (l *lowerer) product(n *graph.Node, a *activated) (*value, error) {
	g := a.geometry()
	x, err := l.image(a.node.In()[0], g.x, g.halo)
	if err != nil {
		return nil, err
	}
	lanes := l.lanes(g)
	padded := (a.channels + 3) &^ 3
	out := l.resultImage(n, g, padded)
	v := &value{at: -1, image: out}
	if out.halo == (halo{}) && (out.col == a.channels || g.y[1]*g.y[2] == 1) {
		v.at = out.base
	}
	bias := l.scratch
	if a.bias != nil {
		bias = l.load(a.channels, loadCopy, l.index[constantState(a.bias).Name()])
	}
	for _, p := range g.passes(x, out) {
		blocks := (a.channels + lanes - 1) / lanes
		w := l.load(blocks*lanes*max(1, len(p.taps))*g.x[3], loadPack, l.index[a.kernel.Name()],
			slices.Concat([]int{a.channels, g.x[3], g.outStride, g.inStride, lanes}, p.kernelOffset)...)
		taps := l.offsets(p.taps)
		at := 0
		for _, t := range tiles(p.cols, lanes/4) {
			k := l.kernelOf(kernel{pixels: t.width, vectors: lanes / 4, xCol: 4 * p.xCol, act: a.act, even: g.x[3]%4 == 0})
			l.emit(stepProduct, k, 4*(p.x+at*p.xCol), 4*w, 4*bias, 4*(p.y+at*p.yCol), p.rows, t.count, blocks, g.x[3], taps, len(p.taps), 4*p.xRow, 4*p.yRow, 4*p.yCol, slopeBits(a.slope))
			at += t.width * t.count
		}
	}
	return v, nil
}

// constantState returns the state that a constant is, perhaps broadcast.
func constantState(n *graph.Node) *graph.Node {
	if n.Op() == graph.OpBroadcast {
		return n.In()[0]
	}
	return n
}

// lanes returns the number of channels that a kernel computes at once. Stores of a last block that is not full may only
// overwrite what comes after a single pixel.
func (l *lowerer) lanes(g *geometry) int {
	c := g.y[3]
	if g.y[1]*g.y[2] == 1 {
		switch {
		case c > 16:
			return 32
		case c > 8:
			return 16
		case c > 4:
			return 8
		}
		return 4
	}
	if (c+3)&^3%8 == 0 {
		return 8
	}
	return 4
}

// A tile is a number of neighbouring groups of columns, each of a width.
type tile struct{ width, count int }

// widest is the number of pixels of the widest kernel, by its number of vectors: its sums, weights and pixel must fit into 16
// registers.
var widest = map[int]int{1: 8, 2: 6, 4: 1, 8: 1}

// tiles divides columns into groups as equal as they can be.
func tiles(cols, vectors int) []tile {
	groups := (cols + widest[vectors] - 1) / widest[vectors]
	narrow, wider := cols/groups, cols%groups
	var t []tile
	if wider > 0 {
		t = append(t, tile{narrow + 1, wider})
	}
	return append(t, tile{narrow, groups - wider})
}

// kernelOf returns the index of a kernel.
func (l *lowerer) kernelOf(k kernel) int {
	i, ok := l.kernel[k]
	if !ok {
		i = len(l.kernels)
		l.kernel[k] = i
		l.kernels = append(l.kernels, k)
	}
	return i
}

// offsets returns the place of the offsets of taps, in bytes, among the words of the program.
func (l *lowerer) offsets(taps []int) int {
	at := len(l.words)
	for _, t := range taps {
		l.words = append(l.words, 4*t)
	}
	return at
}

// resultImage returns where a product writes its result: with the zeros around it that the products need which read it.
func (l *lowerer) resultImage(n *graph.Node, g *geometry, padded int) *image {
	if g.y[1]*g.y[2] == 1 {
		return &image{base: l.allocate(padded), row: padded, col: padded, shape: g.y}
	}
	var h halo
	for _, u := range l.users[n] {
		if p := productOf(u); p != nil && p.node.In()[0] == n {
			h = h.union((&activated{product: p}).geometry().halo)
		}
	}
	return l.newImage(g.y, h, padded)
}

// A geometry is a product as a convolution of images: a matrix product is one of 1×1, whose pixels are its rows.
type geometry struct {
	x, y                graph.Shape // (1,H,W,C)
	kernel              [2]int      // its rows and columns
	stride, lo          [2]int      // of the convolution or of the one it is the transpose of
	transposed          bool
	inStride, outStride int  // in the kernel: of the channels of x, of those of the result
	halo                halo // that x needs
}

// geometry returns the geometry of a product.
func (a *activated) geometry() *geometry {
	in, k := a.node.In()[0].Shape(), a.kernel.Shape()
	if a.node.Op() == graph.OpMatMul {
		g := &geometry{x: graph.Shape{1, 1, in[0], in[1]}, y: graph.Shape{1, 1, in[0], a.channels}, kernel: [2]int{1, 1}, stride: [2]int{1, 1}, inStride: k[1], outStride: 1}
		if a.node.Attr().TransB {
			g.inStride, g.outStride = 1, k[1]
		}
		return g
	}
	g := &geometry{x: in, y: a.node.Shape(), kernel: [2]int{k[0], k[1]}, stride: a.node.Attr().Conv.Stride, inStride: k[3], outStride: 1}
	long, short := g.x, g.y // the images of the convolution
	if g.transposed = a.node.Op() == graph.OpConv2DInputGrad; g.transposed {
		g.inStride, g.outStride = 1, k[3]
		long, short = g.y, g.x
	}
	var before, after [2]int
	for axis := range 2 {
		_, g.lo[axis], _ = a.node.Attr().Conv.Window(axis, long[1+axis], k[axis])
		s, lo := g.stride[axis], g.lo[axis]
		if !g.transposed {
			before[axis] = lo
			after[axis] = max(0, (short[1+axis]-1)*s+k[axis]-1-lo-(long[1+axis]-1))
			continue
		}
		for i := range long[1+axis] {
			for p := range k[axis] {
				if (i+lo-p)%s == 0 {
					j := (i + lo - p) / s
					before[axis], after[axis] = max(before[axis], -j), max(after[axis], j-short[1+axis]+1)
				}
			}
		}
	}
	g.halo = halo{before[0], after[0], before[1], after[1]}
	return g
}

// passes returns the passes from x to y.
func (g *geometry) passes(x, y *image) []pass {
	var all []pass
	if !g.transposed {
		p := pass{rows: g.y[1], cols: g.y[2], x: x.base, xRow: g.stride[0] * x.row, xCol: g.stride[1] * x.col, y: y.base, yRow: y.row, yCol: y.col}
		for r := range g.kernel[0] {
			for c := range g.kernel[1] {
				p.taps = append(p.taps, (r-g.lo[0])*x.row+(c-g.lo[1])*x.col)
				p.kernelOffset = append(p.kernelOffset, g.tap(r, c))
			}
		}
		return append(all, p)
	}
	for a := range min(g.stride[0], g.y[1]) {
		for b := range min(g.stride[1], g.y[2]) {
			p := pass{rows: (g.y[1] - a + g.stride[0] - 1) / g.stride[0], cols: (g.y[2] - b + g.stride[1] - 1) / g.stride[1],
				x: x.base, xRow: x.row, xCol: x.col, y: y.base + a*y.row + b*y.col, yRow: g.stride[0] * y.row, yCol: g.stride[1] * y.col}
			for r := range g.kernel[0] {
				for c := range g.kernel[1] {
					if (a+g.lo[0]-r)%g.stride[0] == 0 && (b+g.lo[1]-c)%g.stride[1] == 0 {
						p.taps = append(p.taps, (a+g.lo[0]-r)/g.stride[0]*x.row+(b+g.lo[1]-c)/g.stride[1]*x.col)
						p.kernelOffset = append(p.kernelOffset, g.tap(r, c))
					}
				}
			}
			all = append(all, p)
		}
	}
	return all
}

// tap returns the offset of a tap in the kernel.
func (g *geometry) tap(r, c int) int {
	channels := g.x[3] * g.y[3]
	return (r*g.kernel[1] + c) * channels
}
