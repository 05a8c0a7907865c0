package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pack writes the functions of pack.go.
func pack(g *gen) {
	packPanel(g)
	packT8(g)
}

// packPanel writes packPanelAVX2, which copies k rows of 16 elements.
func packPanel(g *gen) {
	g.begin("packPanelAVX2")
	dst, src := g.load(g.Param("dst").Base()), g.load(g.Param("src").Base())
	k, ld := g.load(g.Param("k")), g.load(g.Param("ld"))
	g.SHLQ(U8(2), ld)
	g.TESTQ(k, k)
	g.JLE(LabelRef("done"))
	lo, hi := g.YMM(), g.YMM()
	g.Label("row")
	g.VMOVUPS(Mem{Base: src}, lo)
	g.VMOVUPS(Mem{Base: src, Disp: 32}, hi)
	g.VMOVUPS(lo, Mem{Base: dst})
	g.VMOVUPS(hi, Mem{Base: dst, Disp: 32})
	g.ADDQ(ld, src)
	g.ADDQ(U8(64), dst)
	g.DECQ(k)
	g.JNZ(LabelRef("row"))
	g.Label("done")
	g.end()
}

// packT8 writes packT8AVX2, which transposes 8 rows in blocks of 8 by 8. Rows i and i+4 are loaded into the two halves of one
// register, so that only 4 by 4 transposes within the halves remain.
func packT8(g *gen) {
	g.begin("packT8AVX2")
	dst, src := g.load(g.Param("dst").Base()), g.load(g.Param("src").Base())
	n, ld := g.load(g.Param("blocks")), g.load(g.Param("ld"))
	g.SHLQ(U8(2), ld)
	src4, ld3 := g.GP64(), g.GP64()
	g.LEAQ(Mem{Base: src, Index: ld, Scale: 4}, src4)
	g.LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	g.TESTQ(n, n)
	g.JLE(LabelRef("done"))
	rowAt := func(base reg.Register, i, d int) Mem {
		switch i {
		case 0:
			return Mem{Base: base, Disp: d}
		case 3:
			return Mem{Base: base, Index: ld3, Scale: 1, Disp: d}
		}
		return Mem{Base: base, Index: ld, Scale: uint8(i), Disp: d}
	}
	g.Label("block")
	for half := range 2 {
		var m, t [4]reg.VecVirtual
		for i := range m {
			m[i] = g.YMM()
			g.VMOVUPS(rowAt(src, i, 16*half), m[i].AsX())
			g.VINSERTF128(U8(1), rowAt(src4, i, 16*half), m[i], m[i])
		}
		for i := range t {
			t[i] = g.YMM()
		}
		g.VUNPCKLPS(m[1], m[0], t[0])
		g.VUNPCKHPS(m[1], m[0], t[1])
		g.VUNPCKLPS(m[3], m[2], t[2])
		g.VUNPCKHPS(m[3], m[2], t[3])
		for i := range 4 {
			imm := []U8{0x44, 0xee}[i%2]
			g.VSHUFPS(imm, t[i/2+2], t[i/2], m[i])
			g.VMOVUPS(m[i], Mem{Base: dst, Disp: 64 * (4*half + i)})
		}
	}
	g.ADDQ(U8(32), src)
	g.ADDQ(U8(32), src4)
	g.ADDQ(U32(512), dst)
	g.DECQ(n)
	g.JNZ(LabelRef("block"))
	g.Label("done")
	g.end()
}
