package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementwise writes the function name, dst = f(operands), where each operand is a slice with the length of dst. It computes
// unroll vectors in each iteration, interleaved, then single vectors, and then the last elements with a mask. Masked lanes are
// 0 in f and are not stored.
func elementwise(g *gen, name string, unroll int, operands []string, f func(x []reg.VecVirtual) reg.VecVirtual) {
	g.begin(name)
	dst, n := g.load(g.Param("dst").Base()), g.load(g.Param("dst").Len())
	var base []reg.Register
	for _, o := range operands {
		base = append(base, g.load(g.Param(o).Base()))
	}
	i := g.GP64()
	g.XORQ(i, i)
	mask := g.YMM()
	compute := func(vectors int, masked bool) {
		for v := range vectors {
			g.chain()
			x := make([]reg.VecVirtual, len(base))
			for j, b := range base {
				x[j] = g.YMM()
				m := Mem{Base: b, Index: i, Scale: 4, Disp: 32 * v}
				if masked {
					g.VMASKMOVPS(m, mask, x[j])
				} else {
					g.VMOVUPS(m, x[j])
				}
			}
			y := f(x)
			d := Mem{Base: dst, Index: i, Scale: 4, Disp: 32 * v}
			if masked {
				g.VMASKMOVPS(y, mask, d)
			} else {
				g.VMOVUPS(y, d)
			}
		}
		g.join()
	}
	if unroll > 1 {
		g.SUBQ(U8(8*unroll), n)
		g.JLT(LabelRef("few"))
		g.Label("loop")
		compute(unroll, false)
		g.ADDQ(U8(8*unroll), i)
		g.SUBQ(U8(8*unroll), n)
		g.JGE(LabelRef("loop"))
		g.Label("few")
		g.ADDQ(U8(8*unroll), n)
	}
	g.SUBQ(U8(8), n)
	g.JLT(LabelRef("tail"))
	g.Label("one")
	compute(1, false)
	g.ADDQ(U8(8), i)
	g.SUBQ(U8(8), n)
	g.JGE(LabelRef("one"))
	g.Label("tail")
	g.NEGQ(n) // 8 minus the number of remaining elements
	g.CMPQ(n, U8(8))
	g.JEQ(LabelRef("done"))
	table := g.GP64()
	g.LEAQ(g.maskTable(8), table)
	g.VMOVUPS(Mem{Base: table, Index: n, Scale: 4}, mask)
	compute(1, true)
	g.Label("done")
	g.end()
}

// Predicates of VCMPPS.
const (
	eq        = U8(0x00) // ordered, quiet
	unordered = U8(0x03)
	notEq     = U8(0x04) // or unordered
	notLess   = U8(0x15) // or unordered, quiet
	less      = U8(0x11) // ordered, quiet
	greater   = U8(0x1e) // ordered, quiet
)

// compare returns a mask of ones where a op b holds.
func (g *gen) compare(op U8, a reg.VecVirtual, b Op) reg.VecVirtual {
	m := g.YMM()
	g.VCMPPS(op, b, a, m)
	return m
}

// choose returns a where mask is set, and b elsewhere.
func (g *gen) choose(mask reg.VecVirtual, a Op, b reg.VecVirtual) reg.VecVirtual {
	r := g.YMM()
	g.VBLENDVPS(mask, a, b, r)
	return r
}

// vec writes the element-wise functions.
func vec(g *gen) {
	ab := []string{"a", "b"}
	three := func(name string, op func(...Op)) {
		elementwise(g, name, 4, ab, func(x []reg.VecVirtual) reg.VecVirtual {
			y := g.YMM()
			op(x[1], x[0], y)
			return y
		})
	}
	three("addAVX2", g.VADDPS)
	three("subAVX2", g.VSUBPS)
	three("mulAVX2", g.VMULPS)
	three("divAVX2", g.VDIVPS)
	// VMAXPS and VMINPS give b where either is NaN, and of two zeros b.
	nanOf := func(op func(...Op)) func(...Op) {
		return func(bay ...Op) {
			a, t := bay[1].(reg.VecVirtual), bay[2].(reg.VecVirtual)
			op(bay...)
			g.VBLENDVPS(g.compare(unordered, a, a), a, t, t)
		}
	}
	three("maxAVX2", nanOf(g.VMAXPS))
	three("minAVX2", nanOf(g.VMINPS))
	one := func(op U8) func(...Op) {
		return func(bay ...Op) {
			g.VCMPPS(op, bay[0], bay[1], bay[2])
			g.VANDPS(g.f32(1), bay[2], bay[2])
		}
	}
	three("greaterAVX2", one(greater))
	three("equalAVX2", one(eq))
	elementwise(g, "selectAVX2", 4, []string{"c", "a", "b"}, func(x []reg.VecVirtual) reg.VecVirtual {
		z := g.zeros(1)[0]
		return g.choose(g.compare(notEq, x[0], z), x[1], x[2])
	})
	elementwise(g, "mulAddAVX2", 4, []string{"a", "b", "c"}, func(x []reg.VecVirtual) reg.VecVirtual {
		g.VFMADD213PS(x[2], x[1], x[0])
		return x[0]
	})

	unary := func(name string, f func(x reg.VecVirtual)) {
		elementwise(g, name, 4, []string{"x"}, func(x []reg.VecVirtual) reg.VecVirtual {
			f(x[0])
			return x[0]
		})
	}
	unary("negAVX2", func(x reg.VecVirtual) { g.VXORPS(g.u32(signBit), x, x) })
	unary("absAVX2", func(x reg.VecVirtual) { g.VANDPS(g.u32(^uint32(signBit)), x, x) })
	unary("signAVX2", func(x reg.VecVirtual) { // ±1 where x ≠ 0, and x elsewhere: ±0 or NaN
		m, z := g.YMM(), g.zeros(1)[0]
		g.VCMPPS(U8(0x0c), z, x, m) // ordered and ≠
		s := g.YMM()
		g.VANDPS(g.u32(signBit), x, s)
		g.VORPS(g.f32(1), s, s)
		g.VBLENDVPS(m, s, x, x)
	})
	unary("sqrtAVX2", func(x reg.VecVirtual) { g.VSQRTPS(x, x) })
	fill(g)
}

const signBit = 1 << 31

// fill writes fillAVX2.
func fill(g *gen) {
	g.begin("fillAVX2")
	v, mask := g.YMM(), g.YMM()
	g.VBROADCASTSS(g.addr(g.Param("v")), v)
	dst, n := g.load(g.Param("dst").Base()), g.load(g.Param("dst").Len())
	g.SUBQ(U8(8), n)
	g.JLT(LabelRef("tail"))
	g.Label("loop")
	g.VMOVUPS(v, Mem{Base: dst})
	g.ADDQ(U8(32), dst)
	g.SUBQ(U8(8), n)
	g.JGE(LabelRef("loop"))
	g.Label("tail")
	g.NEGQ(n)
	g.CMPQ(n, U8(8))
	g.JEQ(LabelRef("done"))
	table := g.GP64()
	g.LEAQ(g.maskTable(8), table)
	g.VMOVUPS(Mem{Base: table, Index: n, Scale: 4}, mask)
	g.VMASKMOVPS(v, mask, Mem{Base: dst})
	g.Label("done")
	g.end()
}
