package main

import . "github.com/mmcloughlin/avo/operand"

// pixels writes unitAVX2. It divides by 255, because a product with 1/255 would be rounded twice.
func pixels(g *gen) {
	g.begin("unitAVX2")
	dst, pix, n := g.load(g.Param("dst").Base()), g.load(g.Param("pix").Base()), g.load(g.Param("dst").Len())
	most := g.YMM()
	g.VMOVUPS(g.f32(255), most)
	g.SUBQ(U8(32), n)
	g.JLT(LabelRef("done"))
	g.Label("loop")
	for v := range 4 {
		x := g.YMM()
		g.VPMOVZXBD(Mem{Base: pix, Disp: 8 * v}, x)
		g.VCVTDQ2PS(x, x)
		g.VDIVPS(most, x, x)
		g.VMOVUPS(x, Mem{Base: dst, Disp: 32 * v})
	}
	g.ADDQ(U8(32), pix)
	g.SUBQ(I32(-128), dst)
	g.SUBQ(U8(32), n)
	g.JGE(LabelRef("loop"))
	g.Label("done")
	g.end()
}
