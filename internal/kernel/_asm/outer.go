package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// outer writes the functions of Outer.
func outer(g *gen) {
	eachTile(func(name string, mr int, k tileKind) { outerTile(g, "outer"+name, mr, k) })
}

// outerTile writes one of them.
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

	// walk loops over p, two in each iteration. The argument of one is the index of the row in the table, if there is one.
	walk := func(name string, table reg.Register, one func(d int)) {
		g.SUBQ(U8(2), n)
		g.JLT(LabelRef("last" + name))
		g.Label("two" + name)
		one(0)
		one(1)
		if table != nil {
			g.ADDQ(U8(8), table)
		}
		g.SUBQ(U8(2), n)
		g.JGE(LabelRef("two" + name))
		g.Label("last" + name)
		g.ADDQ(U8(2), n)
		g.JLE(LabelRef("sum"))
		one(0)
	}

	g.Label("tile")
	c.clear()
	g.MOVQ(g.addr(a.Field("B")), b)
	g.MOVQ(g.addr(a.Field("P")), n)
	offs := g.load(a.Field("AOffs"))
	g.TESTQ(offs, offs)
	g.JNZ(LabelRef("gather"))

	// Rows of A at a fixed stride.
	lda := g.load(a.Field("LdA"))
	g.SHLQ(U8(2), lda)
	listed := g.load(a.Field("BOffs"))
	g.TESTQ(listed, listed)
	g.JNZ(LabelRef("listed"))
	fixed := func(int) {
		c.step(func(i int) Mem { return Mem{Base: pa, Disp: 4 * i} }, b)
		g.ADDQ(lda, pa)
		g.ADDQ(ldb, b)
	}
	walk("", nil, fixed)
	g.JMP(LabelRef("sum"))

	// Rows of A at a fixed stride, and rows of B from a table of offsets.
	g.Label("listed")
	pick := func(d int) {
		r := g.GP64()
		g.MOVLQSX(Mem{Base: listed, Disp: 4 * d}, r)
		g.LEAQ(Mem{Base: b, Index: r, Scale: 4}, r)
		c.step(func(i int) Mem { return Mem{Base: pa, Disp: 4 * i} }, r)
		g.ADDQ(lda, pa)
	}
	walk("Listed", listed, pick)
	g.JMP(LabelRef("sum"))

	// Rows of A from a table of offsets.
	g.Label("gather")
	zero := g.load(a.Field("Zero"))
	gather := func(d int) {
		r := g.GP64()
		g.MOVLQSX(Mem{Base: offs, Disp: 4 * d}, r)
		g.TESTQ(r, r)
		g.LEAQ(Mem{Base: pa, Index: r, Scale: 4}, r) // does not change the flags
		g.CMOVQLT(zero, r)
		c.step(func(i int) Mem { return Mem{Base: r, Disp: 4 * i} }, b)
		g.ADDQ(ldb, b)
	}
	walk("Gather", offs, gather)

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
