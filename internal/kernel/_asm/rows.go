package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const maxRows = 6 // kernel.MaxRows

// rows writes rowsMxN for 1 to 6 rows and 8 or 16 columns.
func rows(g *gen) {
	for _, cols := range []int{16, 8} {
		for mr := 1; mr <= maxRows; mr++ {
			rowsTile(g, mr, cols)
		}
	}
}

// A tile of accumulators: mr rows of nv vectors.
type tile struct {
	g      *gen
	mr, nv int
	acc    []reg.VecVirtual
}

func newTile(g *gen, mr, cols int) tile {
	return tile{g, mr, cols / 8, g.zeros(mr * cols / 8)}
}

// step adds the product of a column of a, whose row i is at a(i), and a row of b.
// The broadcasts go two by two, so that 16 registers are enough for 12
// accumulators.
func (t tile) step(a func(i int) Mem, b Mem) {
	g := t.g
	bv := make([]reg.VecVirtual, t.nv)
	for v := range bv {
		bv[v] = g.YMM()
		g.VMOVUPS(b.Offset(32*v), bv[v])
	}
	for i := 0; i < t.mr; i += 2 {
		pair := min(2, t.mr-i)
		var av [2]reg.VecVirtual
		for j := range pair {
			av[j] = g.YMM()
			g.VBROADCASTSS(a(i+j), av[j])
		}
		for j := range pair {
			for v := range bv {
				g.VFMADD231PS(bv[v], av[j], t.acc[(i+j)*t.nv+v])
			}
		}
	}
}

// store writes the tile to its rows c, adding what is there if the byte at
// accumulate is not 0.
func (t tile) store(c []reg.GPVirtual, accumulate Mem) {
	g := t.g
	g.CMPB(accumulate, U8(0))
	g.JEQ(LabelRef("store"))
	for i, r := range t.acc {
		g.VADDPS(Mem{Base: c[i/t.nv], Disp: i % t.nv * 32}, r, r)
	}
	g.Label("store")
	for i, r := range t.acc {
		g.VMOVUPS(r, Mem{Base: c[i/t.nv], Disp: i % t.nv * 32})
	}
}

// taps is what Rows and Dot share: the walk over taps and row pointers.
type taps struct {
	g          *gen
	a          gotypes.Component
	base, zero reg.Register // both K elements further, so that k runs from −K to 0
	offs, n    reg.Register
	p          []reg.GPVirtual // rows of this tap, K elements further
	k          reg.GPVirtual
}

// begin loads the operands; without taps it goes to label "sum".
func newTaps(g *gen, a gotypes.Component, mr int) *taps {
	t := &taps{g: g, a: a, k: g.GP64()}
	t.n = g.load(a.Field("Taps"))
	g.TESTQ(t.n, t.n)
	g.JLE(LabelRef("sum"))
	t.base, t.zero, t.offs = g.load(a.Field("Base")), g.load(a.Field("Zero")), g.load(a.Field("Offs"))
	g.MOVQ(g.addr(a.Field("K")), t.k)
	g.LEAQ(Mem{Base: t.base, Index: t.k, Scale: 4}, t.base)
	g.LEAQ(Mem{Base: t.zero, Index: t.k, Scale: 4}, t.zero)
	for range mr {
		t.p = append(t.p, g.GP64())
	}
	return t
}

// next starts a tap: row pointers from offsets, k = −K.
func (t *taps) next() {
	g := t.g
	for i, p := range t.p {
		g.MOVLQSX(Mem{Base: t.offs, Disp: 4 * i}, p)
		g.TESTQ(p, p)
		g.LEAQ(Mem{Base: t.base, Index: p, Scale: 4}, p) // leaves the flags alone
		g.CMOVQLT(t.zero, p)
	}
	g.MOVQ(g.addr(t.a.Field("K")), t.k)
	g.NEGQ(t.k)
}

// done ends a tap and goes to the next one, at label "tap".
func (t *taps) done() {
	g := t.g
	g.ADDQ(U8(4*maxRows), t.offs)
	g.DECQ(t.n)
	g.JNZ(LabelRef("tap"))
}

// at is element k+d of row i.
func (t *taps) at(i, d int) Mem {
	return Mem{Base: t.p[i], Index: t.k, Scale: 4, Disp: 4 * d}
}

func rowsTile(g *gen, mr, cols int) {
	g.begin(fmt.Sprintf("rows%dx%d", mr, cols))
	a := g.Dereference(g.Param("a"))
	c := newTile(g, mr, cols)
	t := newTaps(g, a, mr)
	w, ldw := g.load(a.Field("W")), g.load(a.Field("LdW"))
	g.SHLQ(U8(2), ldw)
	step := func(d int) {
		c.step(func(i int) Mem { return t.at(i, d) }, Mem{Base: w})
		g.ADDQ(ldw, w)
	}
	g.Label("tap")
	t.next()
	// Four k a turn while four are left: k is four ahead in the loop.
	const unroll = 4
	g.ADDQ(U8(unroll), t.k)
	g.JGT(LabelRef("few"))
	g.Label("loop")
	for u := range unroll {
		step(u - unroll)
	}
	g.ADDQ(U8(unroll), t.k)
	g.JLE(LabelRef("loop"))
	g.Label("few")
	g.SUBQ(U8(unroll), t.k)
	g.JGE(LabelRef("next"))
	g.Label("one")
	step(0)
	g.INCQ(t.k)
	g.JNZ(LabelRef("one"))
	g.Label("next")
	t.done()
	g.Label("sum")
	cp, coffs := g.load(a.Field("C")), g.load(a.Field("COffs"))
	ptrs := make([]reg.GPVirtual, mr)
	for i := range ptrs {
		ptrs[i] = g.GP64()
		g.MOVLQSX(Mem{Base: coffs, Disp: 4 * i}, ptrs[i])
		g.LEAQ(Mem{Base: cp, Index: ptrs[i], Scale: 4}, ptrs[i])
	}
	c.store(ptrs, g.addr(a.Field("Accumulate")))
	g.end()
}
