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
	var mask lanesMask
	compute := func(vectors int, masked bool) {
		for v := range vectors {
			g.chain()
			x := make([]reg.VecVirtual, len(base))
			for j, b := range base {
				x[j] = g.vector()
				m := Mem{Base: b, Index: i, Scale: 4, Disp: 4 * g.lanes * v}
				if masked {
					g.loadMasked(m, mask, x[j])
				} else {
					g.VMOVUPS(m, x[j])
				}
			}
			y := f(x)
			d := Mem{Base: dst, Index: i, Scale: 4, Disp: 4 * g.lanes * v}
			if masked {
				g.storeMasked(y, mask, d)
			} else {
				g.VMOVUPS(y, d)
			}
		}
		g.join()
	}
	lanes := U8(g.lanes)
	if unroll > 1 {
		several := U8(g.lanes * unroll)
		g.SUBQ(several, n)
		g.JLT(LabelRef("few"))
		g.Label("loop")
		compute(unroll, false)
		g.ADDQ(several, i)
		g.SUBQ(several, n)
		g.JGE(LabelRef("loop"))
		g.Label("few")
		g.ADDQ(several, n)
	}
	g.SUBQ(lanes, n)
	g.JLT(LabelRef("tail"))
	g.Label("one")
	compute(1, false)
	g.ADDQ(lanes, i)
	g.SUBQ(lanes, n)
	g.JGE(LabelRef("one"))
	g.Label("tail")
	g.ADDQ(lanes, n) // the number of remaining elements
	g.JEQ(LabelRef("done"))
	mask = g.firstLanes(n)
	compute(1, true)
	g.Label("done")
	g.end()
}

// A lanesMask selects lanes of a vector: a vector of ones and zeros, or with AVX-512 a register of bits.
type lanesMask struct {
	v reg.VecVirtual
	k reg.OpmaskVirtual
}

// firstLanes returns a mask of the first n lanes, fewer than a vector has. It overwrites n.
func (g *gen) firstLanes(n reg.Register) lanesMask {
	if g.lanes == 16 {
		ones, k := g.GP64(), g.K()
		g.MOVQ(I32(-1), ones)
		g.BZHIQ(n, ones, ones)
		g.KMOVW(ones.As32(), k)
		return lanesMask{k: k}
	}
	mask, table := g.YMM(), g.GP64()
	g.NEGQ(n)
	g.LEAQ(g.maskTable(8).Offset(32), table)
	g.VMOVUPS(Mem{Base: table, Index: n, Scale: 4}, mask)
	return lanesMask{v: mask}
}

// loadMasked loads the lanes of a mask, and sets the others to 0.
func (g *gen) loadMasked(m Mem, mask lanesMask, x reg.VecVirtual) {
	if g.lanes == 16 {
		g.VMOVUPS_Z(m, mask.k, x)
	} else {
		g.VMASKMOVPS(m, mask.v, x)
	}
}

// storeMasked stores the lanes of a mask.
func (g *gen) storeMasked(x Op, mask lanesMask, m Mem) {
	if g.lanes == 16 {
		g.VMOVUPS(x, mask.k, m)
	} else {
		g.VMASKMOVPS(x, mask.v, m)
	}
}

// Predicates of VCMPPS.
const (
	eq        = U8(0x00) // ordered, quiet
	unordered = U8(0x03)
	notEq     = U8(0x04) // or unordered
	unequal   = U8(0x0c) // ordered, quiet
	notLess   = U8(0x15) // or unordered, quiet
	less      = U8(0x11) // ordered, quiet
	greater   = U8(0x1e) // ordered, quiet
)

// compare returns a mask of the lanes where a op b holds.
func (g *gen) compare(op U8, a reg.VecVirtual, b Op) lanesMask {
	if g.lanes == 16 {
		k := g.K()
		g.VCMPPS(op, b, a, k)
		return lanesMask{k: k}
	}
	m := g.YMM()
	g.VCMPPS(op, b, a, m)
	return lanesMask{v: m}
}

// negative returns a mask of the lanes whose sign bit is set.
func (g *gen) negative(x reg.VecVirtual) lanesMask {
	if g.lanes == 16 {
		k := g.K()
		g.VPMOVD2M(x, k)
		return lanesMask{k: k}
	}
	return lanesMask{v: x} // VBLENDVPS looks at the sign bits alone
}

// choose returns a where mask is set, and b elsewhere.
func (g *gen) choose(mask lanesMask, a Op, b reg.VecVirtual) reg.VecVirtual {
	r := g.vector()
	if g.lanes == 16 {
		g.VBLENDMPS(a, b, mask.k, r)
	} else {
		g.VBLENDVPS(mask.v, a, b, r)
	}
	return r
}

// only returns the constant c where mask is set, and 0 elsewhere.
func (g *gen) only(mask lanesMask, c Mem) reg.VecVirtual {
	r := g.vector()
	if g.lanes == 16 {
		g.VMOVUPS_Z(c, mask.k, r)
	} else {
		g.VANDPS(c, mask.v, r)
	}
	return r
}

// vec writes the element-wise functions.
func vec(g *gen) {
	g.eachWidth(func(suffix string) { vecOf(g, suffix) })
	fill(g)
}

// vecOf writes those of one width.
func vecOf(g *gen, suffix string) {
	three := func(name string, op func(a, b reg.VecVirtual) reg.VecVirtual) {
		elementwise(g, name+suffix, 4, []string{"a", "b"}, func(x []reg.VecVirtual) reg.VecVirtual { return op(x[0], x[1]) })
	}
	single := func(op func(...Op)) func(a, b reg.VecVirtual) reg.VecVirtual {
		return func(a, b reg.VecVirtual) reg.VecVirtual {
			y := g.vector()
			op(b, a, y)
			return y
		}
	}
	three("add", single(g.VADDPS))
	three("sub", single(g.VSUBPS))
	three("mul", single(g.VMULPS))
	three("div", single(g.VDIVPS))
	// VMAXPS and VMINPS give b where either is NaN, and of two zeros b.
	nanOf := func(op func(...Op)) func(a, b reg.VecVirtual) reg.VecVirtual {
		return func(a, b reg.VecVirtual) reg.VecVirtual {
			y := single(op)(a, b)
			return g.choose(g.compare(unordered, a, a), a, y)
		}
	}
	three("max", nanOf(g.VMAXPS))
	three("min", nanOf(g.VMINPS))
	one := func(op U8) func(a, b reg.VecVirtual) reg.VecVirtual {
		return func(a, b reg.VecVirtual) reg.VecVirtual { return g.only(g.compare(op, a, b), g.f32(1)) }
	}
	three("greater", one(greater))
	three("equal", one(eq))
	elementwise(g, "select"+suffix, 4, []string{"c", "a", "b"}, func(x []reg.VecVirtual) reg.VecVirtual {
		return g.choose(g.compare(notEq, x[0], g.zero()), x[1], x[2])
	})
	elementwise(g, "mulAdd"+suffix, 4, []string{"a", "b", "c"}, func(x []reg.VecVirtual) reg.VecVirtual {
		g.VFMADD213PS(x[2], x[1], x[0])
		return x[0]
	})

	unary := func(name string, f func(x reg.VecVirtual) reg.VecVirtual) {
		elementwise(g, name+suffix, 4, []string{"x"}, func(x []reg.VecVirtual) reg.VecVirtual { return f(x[0]) })
	}
	inPlace := func(op func(...Op), c Op) func(x reg.VecVirtual) reg.VecVirtual {
		return func(x reg.VecVirtual) reg.VecVirtual {
			op(c, x, x)
			return x
		}
	}
	unary("neg", inPlace(g.VXORPS, g.u32(signBit)))
	unary("abs", inPlace(g.VANDPS, g.u32(^uint32(signBit))))
	unary("sign", func(x reg.VecVirtual) reg.VecVirtual { // ±1 where x ≠ 0, and x elsewhere: ±0 or NaN
		s := g.vector()
		g.VANDPS(g.u32(signBit), x, s)
		g.VORPS(g.f32(1), s, s)
		return g.choose(g.compare(unequal, x, g.zero()), s, x)
	})
	unary("sqrt", func(x reg.VecVirtual) reg.VecVirtual {
		g.VSQRTPS(x, x)
		return x
	})
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
