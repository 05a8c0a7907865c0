package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reduce writes the functions of reduce.go.
func reduce(g *gen) {
	sum(g)
	maxOf(g)
}

// walk32 writes a loop over x. full writes the code for 32 elements. tail writes the code for the remaining elements, if there
// are any; the mask of vector v is at mask plus 32·v bytes.
func walk32(g *gen, full func(x Mem), tail func(x Mem, mask Mem)) {
	x, n := g.load(g.Param("x").Base()), g.load(g.Param("x").Len())
	g.SUBQ(U8(32), n)
	g.JLT(LabelRef("tail"))
	g.Label("loop")
	full(Mem{Base: x})
	g.SUBQ(I32(-128), x)
	g.SUBQ(U8(32), n)
	g.JGE(LabelRef("loop"))
	g.Label("tail")
	g.NEGQ(n) // 32 − r
	g.CMPQ(n, U8(32))
	g.JEQ(LabelRef("done"))
	table := g.GP64()
	g.LEAQ(g.maskTable(32), table)
	tail(Mem{Base: x}, Mem{Base: table, Index: n, Scale: 4})
	g.Label("done")
}

// sum writes sumAVX2, which adds in the order of sumGeneric and gives the same bits. Masked lanes add +0, which does not change a
// partial sum: the sums start at +0 and are never −0.
func sum(g *gen) {
	g.begin("sumAVX2")
	acc := g.zeros(4)
	walk32(g, func(x Mem) {
		for v, a := range acc {
			g.VADDPS(x.Offset(32*v), a, a)
		}
	}, func(x, mask Mem) {
		for v, a := range acc {
			m := g.YMM()
			g.VMOVUPS(mask.Offset(32*v), m)
			g.VMASKMOVPS(x.Offset(32*v), m, m)
			g.VADDPS(m, a, a)
		}
	})
	g.VADDPS(acc[2], acc[0], acc[0])
	g.VADDPS(acc[3], acc[1], acc[1])
	g.VADDPS(acc[1], acc[0], acc[0])
	s := hsum(g, acc[0])
	g.Store(s, g.ReturnIndex(0))
	g.end()
}

// maxOf writes maxOfAVX2. It records NaN in a separate register, because VMAXPS does not keep it.
func maxOf(g *gen) {
	g.begin("maxOfAVX2")
	inf := g.YMM()
	g.VMOVUPS(g.f32(math.Inf(-1)), inf)
	acc, nan := make([]reg.VecVirtual, 4), g.zeros(1)[0]
	for i := range acc {
		acc[i] = g.YMM()
		g.VMOVAPS(inf, acc[i])
	}
	update := func(x, acc reg.VecVirtual) {
		u := g.YMM()
		g.VCMPPS(U8(3), x, x, u) // unordered: NaN
		g.VORPS(u, nan, nan)
		g.VMAXPS(x, acc, acc)
	}
	walk32(g, func(x Mem) {
		for v, a := range acc {
			r := g.YMM()
			g.VMOVUPS(x.Offset(32*v), r)
			update(r, a)
		}
	}, func(x, mask Mem) {
		for v, a := range acc {
			m, r := g.YMM(), g.YMM()
			g.VMOVUPS(mask.Offset(32*v), m)
			g.VMASKMOVPS(x.Offset(32*v), m, r)
			g.VBLENDVPS(m, r, inf, r)
			update(r, a)
		}
	})
	// A lane of acc that is NaN is set in nan too, so the result of VMAXPS for it does not matter.
	g.VMAXPS(acc[2], acc[0], acc[0])
	g.VMAXPS(acc[3], acc[1], acc[1])
	g.VMAXPS(acc[1], acc[0], acc[0])
	g.VORPS(nan, acc[0], acc[0]) // all ones is a NaN
	hi, s, u := g.XMM(), acc[0].AsX(), g.XMM()
	fold := func() { // s = max(s, hi), NaN if one of them is NaN
		g.VCMPPS(U8(3), hi, hi, u)
		g.VMAXPS(s, hi, s) // NaN in either gives s
		g.VORPS(u, s, s)
	}
	g.VEXTRACTF128(U8(1), acc[0], hi)
	fold()
	g.VMOVHLPS(s, s, hi)
	fold()
	g.VMOVSHDUP(s, hi)
	fold()
	g.Store(s, g.ReturnIndex(0))
	g.end()
}
