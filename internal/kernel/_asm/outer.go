package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// outer writes the tiles of Outer.
func outer(g *gen) {
	eachTile(func(name string, mr int, k tileKind) { outerTile(g, "outer"+name, mr, k) })
}

func outerTile(g *gen, name string, mr int, kind tileKind) {
	g.begin(name)
	a := g.Dereference(g.Param("a"))
	tiles, first, result := g.countTiles(a), g.AllocLocal(8), g.AllocLocal(8)
	c := newTile(g, a, mr, kind)
	pa, b, n := g.load(a.Field("A")), g.GP64(), g.GP64()
	g.MOVQ(pa, first)
	pc := g.load(a.Field("C"))
	g.MOVQ(pc, result)
	ldb := g.load(a.Field("LdB"))
	g.SHLQ(U8(2), ldb)

	g.Label("tile")
	c.clear()
	g.MOVQ(g.addr(a.Field("B")), b)
	g.MOVQ(g.addr(a.Field("P")), n)
	offs := g.load(a.Field("AOffs"))
	g.TESTQ(offs, offs)
	g.JNZ(LabelRef("gather"))

	// Rows of A at a fixed stride, two p a turn.
	lda := g.load(a.Field("LdA"))
	g.SHLQ(U8(2), lda)
	listed := g.load(a.Field("BOffs"))
	g.TESTQ(listed, listed)
	g.JNZ(LabelRef("listed"))
	step := func() {
		c.step(func(i int) Mem { return Mem{Base: pa, Disp: 4 * i} }, b)
		g.ADDQ(lda, pa)
		g.ADDQ(ldb, b)
	}
	g.SUBQ(U8(2), n)
	g.JLT(LabelRef("last"))
	g.Label("two")
	step()
	step()
	g.SUBQ(U8(2), n)
	g.JGE(LabelRef("two"))
	g.Label("last")
	g.ADDQ(U8(2), n)
	g.JLE(LabelRef("sum"))
	step()
	g.JMP(LabelRef("sum"))

	// And of B from a table of offsets.
	g.Label("listed")
	pick := func(d int) {
		r := g.GP64()
		g.MOVLQSX(Mem{Base: listed, Disp: 4 * d}, r)
		g.LEAQ(Mem{Base: b, Index: r, Scale: 4}, r)
		c.step(func(i int) Mem { return Mem{Base: pa, Disp: 4 * i} }, r)
		g.ADDQ(lda, pa)
	}
	g.SUBQ(U8(2), n)
	g.JLT(LabelRef("lastListed"))
	g.Label("twoListed")
	pick(0)
	pick(1)
	g.ADDQ(U8(8), listed)
	g.SUBQ(U8(2), n)
	g.JGE(LabelRef("twoListed"))
	g.Label("lastListed")
	g.ADDQ(U8(2), n)
	g.JLE(LabelRef("sum"))
	pick(0)
	g.JMP(LabelRef("sum"))

	// Rows of A from a table of offsets.
	g.Label("gather")
	zero := g.load(a.Field("Zero"))
	gather := func(d int) {
		r := g.GP64()
		g.MOVLQSX(Mem{Base: offs, Disp: 4 * d}, r)
		g.TESTQ(r, r)
		g.LEAQ(Mem{Base: pa, Index: r, Scale: 4}, r) // leaves the flags alone
		g.CMOVQLT(zero, r)
		c.step(func(i int) Mem { return Mem{Base: r, Disp: 4 * i} }, b)
		g.ADDQ(ldb, b)
	}
	g.SUBQ(U8(2), n)
	g.JLT(LabelRef("lastGather"))
	g.Label("twoGather")
	gather(0)
	gather(1)
	g.ADDQ(U8(8), offs)
	g.SUBQ(U8(2), n)
	g.JGE(LabelRef("twoGather"))
	g.Label("lastGather")
	g.ADDQ(U8(2), n)
	g.JLE(LabelRef("sum"))
	gather(0)

	g.Label("sum")
	ldc, at := g.load(a.Field("LdC")), g.GP64()
	g.SHLQ(U8(2), ldc)
	g.MOVQ(result, at)
	c.store(a, g.pointers(mr, func(i int, p reg.GPVirtual) {
		g.MOVQ(at, p)
		g.ADDQ(ldc, at)
	}))
	g.MOVQ(at, result)
	g.MOVQ(first, pa)
	g.ADDQ(U8(4*mr), pa)
	g.MOVQ(pa, first)
	g.nextTile(tiles)
	g.end()
}
