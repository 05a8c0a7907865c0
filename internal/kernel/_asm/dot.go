package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dot writes dot1 to dot6.
func dot(g *gen) {
	for mr := 1; mr <= maxRows; mr++ {
		dotTile(g, mr)
	}
}

// dotTile writes the function for mr results. Each row has two accumulators, to which vectors of k are added alternately.
func dotTile(g *gen, mr int) {
	g.begin(fmt.Sprintf("dot%d", mr))
	a := g.Dereference(g.Param("a"))
	acc := make([]reg.VecVirtual, 2*mr)
	for i := range acc {
		acc[i] = g.YMM()
	}
	t := newTaps(g, a, mr)

	// w is W plus K elements, as the rows are, so that k indexes both.
	w, mask := g.GP64(), g.YMM()
	g.MOVQ(g.addr(a.Field("K")), t.k)
	g.ANDQ(U8(7), t.k)
	g.NEGQ(t.k)
	table := g.GP64()
	g.LEAQ(g.maskTable(8).Offset(32), table)
	g.VMOVUPS(Mem{Base: table, Index: t.k, Scale: 4}, mask)

	wAt := func(d int) Mem { return Mem{Base: w, Index: t.k, Scale: 4, Disp: 4 * d} }
	step := func(d, set int) {
		wv := g.YMM()
		g.VMOVUPS(wAt(d), wv)
		for i := range mr {
			g.VFMADD231PS(t.elem(i, d), wv, acc[2*i+set])
		}
	}
	g.Label("tile")
	for _, r := range acc {
		g.clear(r)
	}
	g.MOVQ(g.addr(a.Field("W")), w)
	g.MOVQ(g.addr(a.Field("K")), t.k)
	g.LEAQ(Mem{Base: w, Index: t.k, Scale: 4}, w)
	t.begin()
	g.Label("tap")
	t.next()
	g.ADDQ(U8(16), t.k)
	g.JGT(LabelRef("few"))
	g.Label("loop")
	step(-16, 0)
	step(-8, 1)
	g.ADDQ(U8(16), t.k)
	g.JLE(LabelRef("loop"))
	g.Label("few") // 16 − k elements remain, and k ≥ 1
	g.SUBQ(U8(8), t.k)
	g.JGT(LabelRef("tail"))
	step(-8, 0)
	g.ADDQ(U8(8), t.k)
	g.Label("tail") // 8 − k elements remain
	g.SUBQ(U8(8), t.k)
	g.JGE(LabelRef("next"))
	wv := g.YMM()
	g.VMASKMOVPS(wAt(0), mask, wv)
	for i := range mr {
		av := g.YMM()
		g.VMASKMOVPS(t.elem(i, 0), mask, av)
		g.VFMADD231PS(av, wv, acc[2*i+1])
	}
	g.Label("next")
	k := g.GP64()
	g.MOVQ(g.addr(a.Field("K")), k)
	g.LEAQ(Mem{Base: w, Index: k, Scale: 4}, w)
	t.done()

	g.Label("sum")
	var sums []reg.VecVirtual
	for i := range mr {
		g.VADDPS(acc[2*i+1], acc[2*i], acc[2*i])
		sums = append(sums, hsum(g, acc[2*i]))
	}
	ptrs := t.results()
	g.CMPB(g.addr(a.Field("Accumulate")), U8(0))
	g.JEQ(LabelRef("store"))
	for i, s := range sums {
		g.VADDSS(Mem{Base: ptrs[i]}, s, s)
	}
	g.Label("store")
	for i, s := range sums {
		g.VMOVSS(s, Mem{Base: ptrs[i]})
	}
	g.nextTile(t.tiles)
	g.end()
}

// hsum adds the 8 lanes of v in halves: l + l+4, then l + l+2, then l + l+1. It returns a register with the sum in lane 0.
func hsum(g *gen, v reg.VecVirtual) reg.VecVirtual {
	hi, lo := g.XMM(), v.AsX()
	s := g.XMM()
	g.VEXTRACTF128(U8(1), v, hi)
	g.VADDPS(hi, lo, s)
	g.VMOVHLPS(s, s, hi)
	g.VADDPS(hi, s, s)
	g.VMOVSHDUP(s, hi)
	g.VADDSS(hi, s, s)
	return s
}
