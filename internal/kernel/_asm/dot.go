package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dot writes dot1 to dot6, and dot2z to dot6z: a single row has more chains with AVX2.
func dot(g *gen) {
	for mr := 1; mr <= maxRows; mr++ {
		dotTile(g, mr)
	}
	for mr := 2; mr <= maxRows; mr++ {
		dotTile512(g, mr)
	}
}

// dotTile writes the function for mr results. Each row has two accumulators, to which vectors of k are added alternately.
func dotTile(g *gen, mr int) {
	g.lanes = 8
	g.begin(fmt.Sprintf("dot%d", mr))
	a := g.Dereference(g.Param("a"))
	acc := g.zeros(2 * mr)
	t := newTaps(g, a, mr)
	w := g.GP64()
	mask := tapMask(t, w)
	step := func(d, set int) {
		wv := g.YMM()
		g.VMOVUPS(wAt(t, w, d), wv)
		for i := range mr {
			g.VFMADD231PS(t.elem(i, d), wv, acc[2*i+set])
		}
	}
	g.Label("tile")
	for _, r := range acc {
		g.clear(r)
	}
	beginDot(t, w)
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
	g.loadMasked(wAt(t, w, 0), mask, wv)
	for i := range mr {
		av := g.YMM()
		g.loadMasked(t.elem(i, 0), mask, av)
		g.VFMADD231PS(av, wv, acc[2*i+1])
	}
	g.Label("next")
	nextDot(t, w)

	g.Label("sum")
	var sums []reg.VecVirtual
	for i := range mr {
		g.VADDPS(acc[2*i+1], acc[2*i], acc[2*i])
		sums = append(sums, hsum(g, acc[2*i]))
	}
	storeSums(t, sums)
}

// dotTile512 writes the function for mr results whose rows have one accumulator each: its halves are the two of dotTile, so
// that the bits are the same. Fewer than 8 last elements are therefore added to the upper half.
func dotTile512(g *gen, mr int) {
	g.lanes = 16
	g.begin(fmt.Sprintf("dot%dz", mr))
	a := g.Dereference(g.Param("a"))
	var acc []reg.VecVirtual
	for range mr {
		acc = append(acc, g.ZMM())
	}
	t := newTaps(g, a, mr)
	w := g.GP64()
	mask := tapMask(t, w)
	g.Label("tile")
	for _, r := range acc {
		g.clear(r)
	}
	beginDot(t, w)
	g.ADDQ(U8(16), t.k)
	g.JGT(LabelRef("few"))
	g.Label("loop")
	wv := g.ZMM()
	g.VMOVUPS(wAt(t, w, -16), wv)
	for i := range mr {
		g.VFMADD231PS(t.elem(i, -16), wv, acc[i])
	}
	g.ADDQ(U8(16), t.k)
	g.JLE(LabelRef("loop"))
	g.Label("few") // 16 − k elements remain, and k ≥ 1
	g.SUBQ(U8(8), t.k)
	g.JGT(LabelRef("tail"))
	half := g.YMM() // a load of 8 lanes clears the upper ones
	g.VMOVUPS(wAt(t, w, -8), half)
	for i := range mr {
		av := g.YMM()
		g.VMOVUPS(t.elem(i, -8), av)
		g.VFMADD231PS(av.AsZ(), half.AsZ(), acc[i])
	}
	g.ADDQ(U8(8), t.k)
	g.Label("tail") // 8 − k elements remain
	g.SUBQ(U8(8), t.k)
	g.JGE(LabelRef("next"))
	low, high := g.YMM(), g.ZMM()
	g.loadMasked(wAt(t, w, 0), mask, low)
	g.clear(high)
	g.VINSERTF64X4(U8(1), low, high, high)
	for i := range mr {
		av, up := g.YMM(), g.ZMM()
		g.loadMasked(t.elem(i, 0), mask, av)
		g.clear(up)
		g.VINSERTF64X4(U8(1), av, up, up)
		g.VFMADD231PS(up, high, acc[i])
	}
	g.Label("next")
	nextDot(t, w)

	g.Label("sum")
	var sums []reg.VecVirtual
	for i := range mr {
		upper, sum := g.YMM(), g.YMM()
		g.VEXTRACTF64X4(U8(1), acc[i], upper)
		g.VADDPS(upper, acc[i].AsY(), sum)
		sums = append(sums, hsum(g, sum))
	}
	storeSums(t, sums)
}

// tapMask returns a mask of the last K%8 elements. It overwrites w.
func tapMask(t *taps, w reg.Register) lanesMask {
	t.g.MOVQ(t.g.addr(t.a.Field("K")), w)
	t.g.ANDQ(U8(7), w)
	return t.g.firstLanes(w)
}

// wAt returns the address of element k+d of W: w is W plus K elements, as the rows are, so that k indexes both.
func wAt(t *taps, w reg.Register, d int) Mem { return Mem{Base: w, Index: t.k, Scale: 4, Disp: 4 * d} }

// beginDot starts a tile and its first tap.
func beginDot(t *taps, w reg.Register) {
	g := t.g
	g.MOVQ(g.addr(t.a.Field("W")), w)
	g.MOVQ(g.addr(t.a.Field("K")), t.k)
	g.LEAQ(Mem{Base: w, Index: t.k, Scale: 4}, w)
	t.begin()
	g.Label("tap")
	t.next()
}

// nextDot ends a tap.
func nextDot(t *taps, w reg.Register) {
	k := t.g.GP64()
	t.g.MOVQ(t.g.addr(t.a.Field("K")), k)
	t.g.LEAQ(Mem{Base: w, Index: k, Scale: 4}, w)
	t.done()
}

// storeSums writes the results of a tile, or adds them if Accumulate is set, and ends the function after the last tile.
func storeSums(t *taps, sums []reg.VecVirtual) {
	g, ptrs := t.g, t.results()
	g.CMPB(g.addr(t.a.Field("Accumulate")), U8(0))
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
	if g.lanes == 16 {
		g.VEXTRACTF32X4(U8(1), v, hi) // also of registers that AVX2 has not
	} else {
		g.VEXTRACTF128(U8(1), v, hi)
	}
	g.VADDPS(hi, lo, s)
	g.VMOVHLPS(s, s, hi)
	g.VADDPS(hi, s, s)
	g.VMOVSHDUP(s, hi)
	g.VADDSS(hi, s, s)
	return s
}
