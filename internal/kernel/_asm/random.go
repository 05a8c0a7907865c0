package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// random writes the functions of random.go.
func random(g *gen) {
	g.draw("uniformAVX2", g.uniform)
	g.draw("normalAVX2", g.boxMuller)
}

// draw writes a function that computes 32 numbers in each iteration from 8 blocks of words. In a call of f, even holds words 0
// and 2 of four blocks and odd holds words 1 and 3. f returns the numbers that replace them.
func (g *gen) draw(name string, f func(even, odd reg.VecVirtual) (x, y reg.VecVirtual)) {
	g.begin(name)
	dst, n := g.load(g.Param("dst").Base()), g.load(g.Param("dst").Len())
	block := g.YMM()
	g.VPBROADCASTQ(g.addr(g.Param("block")), block)
	g.VPADDQ(g.table("lanes", 0, 0, 1, 0, 2, 0, 3, 0), block, block)
	g.SUBQ(U8(32), n)
	g.JLT(LabelRef("done"))
	g.Label("loop")
	next := g.YMM()
	four := g.table("four", 4, 0, 4, 0, 4, 0, 4, 0)
	g.VPADDQ(four, block, next)
	words := g.philox(block, next)
	g.VPADDQ(four, next, block)
	for c, w := range words {
		g.chain()
		even, odd := g.YMM(), g.YMM()
		g.VPSLLQ(U8(32), w[2], w[2])
		g.VPSLLQ(U8(32), w[3], w[3])
		g.VPBLENDD(U8(0xaa), w[2], w[0], even)
		g.VPBLENDD(U8(0xaa), w[3], w[1], odd)
		x, y := f(even, odd)
		lo, hi, t := g.YMM(), g.YMM(), g.YMM()
		g.VUNPCKLPS(y, x, lo) // blocks 0 and 2
		g.VUNPCKHPS(y, x, hi) // 1 and 3
		g.VPERM2F128(U8(0x20), hi, lo, t)
		g.VPERM2F128(U8(0x31), hi, lo, hi)
		g.VMOVUPS(t, Mem{Base: dst, Disp: 64 * c})
		g.VMOVUPS(hi, Mem{Base: dst, Disp: 64*c + 32})
	}
	g.join()
	g.ADDQ(U8(128), dst)
	g.SUBQ(U8(32), n)
	g.JGE(LabelRef("loop"))
	g.Label("done")
	g.end()
}

// philox computes the words of the blocks whose indices are the four 64-bit lanes of each operand. A word is the lower half of
// a lane; the upper half has any value.
func (g *gen) philox(blocks ...reg.VecVirtual) [][4]reg.VecVirtual {
	k0, k1 := g.YMM(), g.YMM()
	g.VBROADCASTSS(g.addr(g.Param("k0")), k0)
	g.VBROADCASTSS(g.addr(g.Param("k1")), k1)
	words := make([][4]reg.VecVirtual, len(blocks))
	for c, b := range blocks {
		w := [4]reg.VecVirtual{b, g.YMM(), g.YMM(), g.YMM()}
		g.VPSRLQ(U8(32), b, w[1])
		g.VBROADCASTSS(g.addr(g.Param("c2")), w[2])
		g.VBROADCASTSS(g.addr(g.Param("c3")), w[3])
		words[c] = w
	}
	for round := range 10 {
		if round > 0 {
			g.VPADDD(g.u32(0x9E3779B9), k0, k0)
			g.VPADDD(g.u32(0xBB67AE85), k1, k1)
		}
		for c, w := range words {
			g.chain()
			p0, p1, h0, h1 := g.YMM(), g.YMM(), g.YMM(), g.YMM()
			g.VPMULUDQ(g.u32(0xD2511F53), w[0], p0)
			g.VPMULUDQ(g.u32(0xCD9E8D57), w[2], p1)
			g.VPXOR(k0, w[1], w[1])
			g.VPXOR(k1, w[3], w[3])
			g.VPSRLQ(U8(32), p1, h1)
			g.VPSRLQ(U8(32), p0, h0)
			g.VPXOR(w[1], h1, h1)
			g.VPXOR(w[3], h0, h0)
			words[c] = [4]reg.VecVirtual{h1, p1, h0, p0}
		}
		g.join()
	}
	return words
}

// uniform computes the upper 24 bits of each word, divided by 2²⁴.
func (g *gen) uniform(even, odd reg.VecVirtual) (x, y reg.VecVirtual) {
	for _, w := range []reg.VecVirtual{even, odd} {
		g.VPSRLD(U8(8), w, w)
		g.VCVTDQ2PS(w, w)
		g.VMULPS(g.f32(0x1p-24), w, w)
	}
	return even, odd
}

// boxMuller computes what boxMuller of package kernel computes; see there.
func (g *gen) boxMuller(a, b reg.VecVirtual) (x, y reg.VecVirtual) {
	r := g.radius(a)
	sin, cos := g.sincos(b)
	g.VMULPS(r, cos, cos)
	g.VMULPS(r, sin, sin)
	return cos, sin
}

// radius computes √(−2·ln u) with u = (a + ½)·2⁻³².
func (g *gen) radius(a reg.VecVirtual) reg.VecVirtual {
	v, one, e, s := g.YMM(), g.YMM(), g.YMM(), g.YMM()
	g.VCVTDQ2PS(a, v)
	g.VPSRAD(U8(31), a, one)
	g.VANDPS(g.f32(1), one, one)
	scale := g.YMM()
	g.VMOVUPS(g.f32(0x1p-32), scale)
	g.VFMADD213PS(g.f32(0x1p-33), scale, v)
	g.VADDPS(one, v, e)
	g.VPSUBD(g.f32(0.75), e, e)
	g.VPSRAD(U8(23), e, e)
	g.VPSLLD(U8(23), e, s)
	bits := g.YMM()
	g.VMOVUPS(g.f32(1), bits)
	g.VPSUBD(s, bits, s)
	g.VFMSUB213PS(g.f32(1), s, one) // s·one − 1
	g.VFMADD213PS(one, s, v)        // f
	p := g.horner(v, 0.094764851, -0.212512583, 0.26245755, -0.288769126, 0.332952887, -0.399871856, 0.500003099, -0.666667938, 1, -2)
	g.VCVTDQ2PS(e, e)
	g.VMULPS(g.f32(-2*math.Ln2), e, e)
	g.VFMADD213PS(e, v, p)
	g.VSQRTPS(p, p)
	return p
}

// sincos computes the sine and the cosine of 2π·b·2⁻³².
func (g *gen) sincos(b reg.VecVirtual) (sin, cos reg.VecVirtual) {
	t, z := g.YMM(), g.YMM()
	g.VPSLLD(U8(2), b, t)
	g.VCVTDQ2PS(t, t)
	g.VMULPS(g.f32(2*math.Pi*0x1p-34), t, t)
	g.VMULPS(t, t, z)
	s := g.horner(z, -1.95878907e-4, 8.33274797e-3, -0.166666642)
	g.VMULPS(z, s, s)
	g.VFMADD213PS(t, t, s)
	c := g.horner(z, 2.45479423e-5, -1.38883025e-3, 4.16666642e-2, -0.5, 1)
	// After the addition, bits 31 and 30 of b are the quadrant.
	odd := g.YMM()
	g.VPADDD(g.u32(1<<29), b, b)
	g.VPSLLD(U8(1), b, odd)
	sin, cos = g.choose(g.negative(odd), c, s), g.choose(g.negative(odd), s, c)
	g.VPXOR(b, odd, odd)
	g.VANDPS(g.u32(signBit), odd, odd)
	g.VANDPS(g.u32(signBit), b, b)
	g.VXORPS(odd, cos, cos)
	g.VXORPS(b, sin, sin)
	return sin, cos
}
