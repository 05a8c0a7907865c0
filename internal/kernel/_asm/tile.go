package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const maxRows = 6 // kernel.MaxRows

// A tileKind is a width of tiles. There is a function for each number of rows.
type tileKind struct {
	suffix  string
	vectors int // the number of vectors of a row
	lanes   int // the number of lanes of a vector: 8, or 16 with AVX-512
}

var tileKinds = []tileKind{{"x16", 2, 8}, {"x8", 1, 8}, {"x32z", 2, 16}, {"x16z", 1, 16}}

// eachTile calls write for each kind and number of rows, with the suffix of the function.
func eachTile(write func(name string, mr int, k tileKind)) {
	for _, k := range tileKinds {
		for mr := 1; mr <= maxRows; mr++ {
			write(fmt.Sprint(mr, k.suffix), mr, k)
		}
	}
}

// A tile is mr rows of vector accumulators.
type tile struct {
	tileKind
	g   *gen
	mr  int
	acc []reg.VecVirtual
	// panel is the distance of the second panel in bytes, for vectors of 16. The second vector of 8 follows the first.
	panel reg.Register
	// mask selects the columns of the last vector of 16.
	mask reg.OpmaskVirtual
}

// newTile returns a tile. It loads panel from the argument LdPanel if the tile has two panels, and computes mask from Cols.
func newTile(g *gen, a gotypes.Component, mr int, k tileKind) tile {
	t := tile{tileKind: k, g: g, mr: mr}
	for range mr * k.vectors {
		t.acc = append(t.acc, g.vec(k.lanes))
	}
	if k.vectors == 2 && k.lanes == 16 {
		t.panel = g.load(a.Field("LdPanel"))
		g.SHLQ(U8(2), t.panel)
	}
	if k.lanes == 16 {
		cols, ones := g.load(a.Field("Cols")), g.GP64()
		g.SUBQ(U8(16*(k.vectors-1)), cols)
		g.MOVQ(I32(-1), ones)
		g.BZHIQ(cols, ones, ones)
		t.mask = g.K()
		g.KMOVW(ones.As32(), t.mask)
	}
	return t
}

// clear sets the accumulators to 0.
func (t tile) clear() {
	for _, r := range t.acc {
		t.g.clear(r)
	}
}

// vector returns the address of vector v of a row of panels that starts at base.
func (t tile) vector(base reg.Register, v int) Mem {
	switch {
	case v == 0:
		return Mem{Base: base}
	case t.lanes == 16:
		return Mem{Base: base, Index: t.panel, Scale: 1}
	}
	return Mem{Base: base, Disp: 32}
}

// step adds the product of a column, whose element i is at a(i), and the row of panels at b. It broadcasts two elements at a
// time, so that 16 registers suffice for 12 accumulators. Vectors of 16 multiply with broadcasts from memory, where these are
// not the bottleneck.
func (t tile) step(a func(i int) Mem, b reg.Register) {
	g := t.g
	bv := make([]reg.VecVirtual, t.vectors)
	for v := range bv {
		bv[v] = g.vec(t.lanes)
		if t.lanes == 16 && v == t.vectors-1 {
			g.VMOVUPS_Z(t.vector(b, v), t.mask, bv[v])
		} else {
			g.VMOVUPS(t.vector(b, v), bv[v])
		}
	}
	if t.lanes == 16 && t.vectors == 1 {
		for i := range t.mr {
			g.VFMADD231PS_BCST(a(i), bv[0], t.acc[i])
		}
		return
	}
	for i := 0; i < t.mr; i += 2 {
		pair := min(2, t.mr-i)
		var av [2]reg.VecVirtual
		for j := range pair {
			av[j] = g.vec(t.lanes)
			g.VBROADCASTSS(a(i+j), av[j])
		}
		for j := range pair {
			for v := range bv {
				g.VFMADD231PS(bv[v], av[j], t.acc[(i+j)*t.vectors+v])
			}
		}
	}
}

// store writes the tile to its rows c, or adds it to them if Accumulate is set. Vectors of 16 are masked.
func (t tile) store(a gotypes.Component, c []reg.GPVirtual) {
	g := t.g
	at := func(r int) Mem { return Mem{Base: c[r/t.vectors], Disp: r % t.vectors * 4 * t.lanes} }
	if t.lanes == 8 {
		g.CMPB(g.addr(a.Field("Accumulate")), U8(0))
		g.JEQ(LabelRef("store"))
		for i, r := range t.acc {
			g.VADDPS(at(i), r, r)
		}
		g.Label("store")
		for i, r := range t.acc {
			g.VMOVUPS(r, at(i))
		}
		return
	}
	last := func(r int) bool { return r%t.vectors == t.vectors-1 }
	g.CMPB(g.addr(a.Field("Accumulate")), U8(0))
	g.JEQ(LabelRef("store"))
	for i, r := range t.acc {
		if last(i) {
			old := g.ZMM()
			g.VMOVUPS_Z(at(i), t.mask, old)
			g.VADDPS(old, r, r)
		} else {
			g.VADDPS(at(i), r, r)
		}
	}
	g.Label("store")
	for i, r := range t.acc {
		if last(i) {
			g.VMOVUPS(r, t.mask, at(i))
		} else {
			g.VMOVUPS(r, at(i))
		}
	}
}

// countTiles stores a.Tiles on the stack and returns its address.
func (g *gen) countTiles(a gotypes.Component) Mem {
	left, n := g.AllocLocal(8), g.load(a.Field("Tiles"))
	g.MOVQ(n, left)
	return left
}

// nextTile jumps to label "tile" while tiles remain. With a count of 0 there is one tile.
func (g *gen) nextTile(left Mem) {
	g.DECQ(left)
	g.JG(LabelRef("tile"))
}

// pointers returns n registers; row(i, register) sets that of row i.
func (g *gen) pointers(n int, row func(i int, p reg.GPVirtual)) []reg.GPVirtual {
	p := make([]reg.GPVirtual, n)
	for i := range p {
		p[i] = g.GP64()
		row(i, p[i])
	}
	return p
}

// taps is the loop over tiles, taps and row pointers, which Rows and Dot share.
type taps struct {
	g          *gen
	a          gotypes.Component
	base, zero reg.Register // both plus K elements, so that k runs from −K to 0
	offs       reg.Register // of this tap; the offsets of the next tap and tile follow
	n          Mem          // the number of remaining taps
	tiles      Mem          // the number of remaining tiles
	coffs      Mem          // of this tile
	p          []reg.GPVirtual
	k          reg.GPVirtual
}

// newTaps loads the arguments and returns the loop for mr rows.
func newTaps(g *gen, a gotypes.Component, mr int) *taps {
	t := &taps{g: g, a: a, k: g.GP64(), n: g.AllocLocal(8), coffs: g.AllocLocal(8)}
	t.tiles = g.countTiles(a)
	c := g.load(a.Field("COffs"))
	g.MOVQ(c, t.coffs)
	t.base, t.zero, t.offs = g.load(a.Field("Base")), g.load(a.Field("Zero")), g.load(a.Field("Offs"))
	g.MOVQ(g.addr(a.Field("K")), t.k)
	g.LEAQ(Mem{Base: t.base, Index: t.k, Scale: 4}, t.base)
	g.LEAQ(Mem{Base: t.zero, Index: t.k, Scale: 4}, t.zero)
	for range mr {
		t.p = append(t.p, g.GP64())
	}
	return t
}

// begin starts a tile. Without taps it jumps to label "sum".
func (t *taps) begin() {
	n := t.g.load(t.a.Field("Taps"))
	t.g.MOVQ(n, t.n)
	t.g.TESTQ(n, n)
	t.g.JLE(LabelRef("sum"))
}

// next starts a tap: it computes the row pointers from the offsets, and sets k = −K.
func (t *taps) next() {
	g := t.g
	for i, p := range t.p {
		g.MOVLQSX(Mem{Base: t.offs, Disp: 4 * i}, p)
		g.TESTQ(p, p)
		g.LEAQ(Mem{Base: t.base, Index: p, Scale: 4}, p) // does not change the flags
		g.CMOVQLT(t.zero, p)
	}
	g.MOVQ(g.addr(t.a.Field("K")), t.k)
	g.NEGQ(t.k)
}

// done ends a tap, and jumps to label "tap" for the next one.
func (t *taps) done() {
	t.g.ADDQ(U8(4*maxRows), t.offs)
	t.g.DECQ(t.n)
	t.g.JNZ(LabelRef("tap"))
}

// results returns the addresses of the mr results of the tile, and advances coffs.
func (t *taps) results() []reg.GPVirtual {
	g, c, coffs := t.g, t.g.load(t.a.Field("C")), t.g.GP64()
	g.MOVQ(t.coffs, coffs)
	p := g.pointers(len(t.p), func(i int, p reg.GPVirtual) {
		g.MOVLQSX(Mem{Base: coffs, Disp: 4 * i}, p)
		g.LEAQ(Mem{Base: c, Index: p, Scale: 4}, p)
	})
	g.ADDQ(U8(4*maxRows), t.coffs)
	return p
}

// elem returns the address of element k+d of row i.
func (t *taps) elem(i, d int) Mem {
	return Mem{Base: t.p[i], Index: t.k, Scale: 4, Disp: 4 * d}
}
