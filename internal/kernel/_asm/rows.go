package main

import (
	. "github.com/mmcloughlin/avo/operand"
)

// rows writes the functions of Rows.
func rows(g *gen) {
	eachTile(func(name string, mr int, k tileKind) { rowsTile(g, "rows"+name, mr, k) })
}

// rowsTile writes one of them.
func rowsTile(g *gen, name string, mr int, kind tileKind) {
	g.begin(name)
	a := g.Dereference(g.Param("a"))
	t := newTaps(g, a, mr)
	c := newTile(g, a, mr, kind)
	ldw, w := g.load(a.Field("LdW")), g.GP64()
	g.SHLQ(U8(2), ldw)
	step := func(d int) {
		c.step(func(i int) Mem { return t.elem(i, d) }, w)
		g.ADDQ(ldw, w)
	}
	g.Label("tile")
	c.clear()
	g.MOVQ(g.addr(a.Field("W")), w)
	t.begin()
	g.Label("tap")
	t.next()
	// Four k in each iteration while four remain: k is four ahead in the loop.
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
	c.store(a, t.results())
	g.nextTile(t.tiles)
	g.end()
}
