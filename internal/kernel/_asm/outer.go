package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// outer writes outerMxN for 1 to 6 rows and 8 or 16 columns.
func outer(g *gen) {
	for _, cols := range []int{16, 8} {
		for mr := 1; mr <= maxRows; mr++ {
			outerTile(g, mr, cols)
		}
	}
}

func outerTile(g *gen, mr, cols int) {
	g.begin(fmt.Sprintf("outer%dx%d", mr, cols))
	a := g.Dereference(g.Param("a"))
	c := newTile(g, mr, cols)
	pa, b, n := g.load(a.Field("A")), g.load(a.Field("B")), g.load(a.Field("P"))
	ldb, offs := g.load(a.Field("LdB")), g.load(a.Field("AOffs"))
	g.SHLQ(U8(2), ldb)
	g.TESTQ(offs, offs)
	g.JNZ(LabelRef("gather"))

	// Rows of A at a fixed stride, two p a turn.
	lda := g.load(a.Field("LdA"))
	g.SHLQ(U8(2), lda)
	step := func() {
		c.step(func(i int) Mem { return Mem{Base: pa, Disp: 4 * i} }, Mem{Base: b})
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

	// Rows of A from a table of offsets.
	g.Label("gather")
	zero := g.load(a.Field("Zero"))
	gather := func(d int) {
		r := g.GP64()
		g.MOVLQSX(Mem{Base: offs, Disp: 4 * d}, r)
		g.TESTQ(r, r)
		g.LEAQ(Mem{Base: pa, Index: r, Scale: 4}, r) // leaves the flags alone
		g.CMOVQLT(zero, r)
		c.step(func(i int) Mem { return Mem{Base: r, Disp: 4 * i} }, Mem{Base: b})
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
	ldc := g.load(a.Field("LdC"))
	ptrs := make([]reg.GPVirtual, mr)
	for i := range ptrs {
		ptrs[i] = g.GP64()
		if i == 0 {
			g.MOVQ(g.addr(a.Field("C")), ptrs[0])
		} else {
			g.LEAQ(Mem{Base: ptrs[i-1], Index: ldc, Scale: 4}, ptrs[i])
		}
	}
	c.store(ptrs, g.addr(a.Field("Accumulate")))
	g.end()
}
