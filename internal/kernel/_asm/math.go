package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mathFuncs writes the functions of math.go.
func mathFuncs(g *gen) {
	g.eachWidth(func(suffix string) {
		unary := func(name string, f func(x reg.VecVirtual) reg.VecVirtual) {
			elementwise(g, name+suffix, 2, []string{"x"}, func(x []reg.VecVirtual) reg.VecVirtual { return f(x[0]) })
		}
		unary("exp", g.exp)
		unary("log", g.log)
		unary("tanh", g.tanh)
		unary("sigmoid", g.sigmoid)
		unary("softplus", g.softplus)
	})
}

// horner computes c[0]·xⁿ + … + c[n].
func (g *gen) horner(x reg.VecVirtual, c ...float64) reg.VecVirtual {
	p := g.vector()
	g.VMOVUPS(g.f32(c[0]), p)
	for _, v := range c[1:] {
		g.VFMADD213PS(g.f32(v), x, p)
	}
	return p
}

// exp computes eˣ = 2ⁿ·eʳ. It multiplies by 2ⁿ in two steps, because n may be −150 or 128: the first product is exact, and the
// second one rounds to a denormal number or to +Inf.
func (g *gen) exp(x reg.VecVirtual) reg.VecVirtual {
	// The operand that VMINPS and VMAXPS return for NaN is x.
	t := g.vector()
	g.VMOVUPS(g.f32(89), t)
	g.VMINPS(x, t, t)
	lo := g.vector()
	g.VMOVUPS(g.f32(-104), lo)
	g.VMAXPS(t, lo, t)
	n, r := g.reduce(t)
	r2 := g.vector()
	g.VMULPS(r, r, r2)
	p := g.expTail(r)
	g.VFMADD213PS(r, r2, p)
	g.VADDPS(g.f32(1), p, p)
	k, half := g.vector(), g.vector()
	g.VCVTPS2DQ(n, k)
	g.VPSRAD(U8(1), k, half)
	g.VPSUBD(half, k, k)
	for _, e := range []reg.VecVirtual{half, k} {
		g.VPSLLD(U8(23), e, e)
		g.VPADDD(g.f32(1), e, e)
		g.VMULPS(e, p, p)
	}
	return p
}

// reduce computes n = round(x/ln 2) and r = x − n·ln 2, which overwrites x.
func (g *gen) reduce(x reg.VecVirtual) (n, r reg.VecVirtual) {
	n = g.vector()
	g.VMULPS(g.f32(math.Log2E), x, n)
	g.round(n)
	g.VFNMADD231PS(g.f32(0.693359375), n, x)
	g.VFNMADD231PS(g.f32(-2.12194440e-4), n, x)
	return n, x
}

// round rounds to the nearest whole number, quietly.
func (g *gen) round(x reg.VecVirtual) {
	if g.lanes == 16 {
		g.VRNDSCALEPS(U8(8), x, x)
	} else {
		g.VROUNDPS(U8(8), x, x)
	}
}

// expTail computes (eʳ − 1 − r)/r² for |r| ≤ ln 2 / 2: the polynomial of expf in Cephes
// (Moshier, 1989).
func (g *gen) expTail(r reg.VecVirtual) reg.VecVirtual {
	return g.horner(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
}

// expNegAbs computes e^−|x|.
func (g *gen) expNegAbs(x reg.VecVirtual) reg.VecVirtual {
	a := g.vector()
	g.VORPS(g.u32(signBit), x, a)
	return g.exp(a)
}

// log1pe computes ln(1 + f) + e·ln 2 for √½ − 1 ≤ f < √2 − 1: logf of Cephes.
func (g *gen) log1pe(f, e reg.VecVirtual) reg.VecVirtual {
	z := g.vector()
	g.VMULPS(f, f, z)
	y := g.horner(f, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	g.VMULPS(f, y, y)
	g.VMULPS(z, y, y)
	g.VFMADD231PS(g.f32(-2.12194440e-4), e, y)
	g.VFNMADD231PS(g.f32(0.5), z, y)
	g.VADDPS(f, y, y)
	g.VFMADD231PS(g.f32(0.693359375), e, y)
	return y
}

// log computes ln x from x = 2ᵉ·(1 + f). It scales denormal x by 2²³ first.
func (g *gen) log(x reg.VecVirtual) reg.VecVirtual {
	small := g.compare(less, x, g.f32(0x1p-126))
	s := g.vector()
	g.VMULPS(g.f32(0x1p23), x, s)
	s = g.choose(small, s, x)
	bias := g.only(small, g.f32(23))
	e, m := g.vector(), g.vector()
	g.VPSUBD(g.f32(math.Sqrt2/2), s, e) // the bits of s minus those of √½
	g.VPSRAD(U8(23), e, e)
	g.VPSLLD(U8(23), e, m)
	g.VPSUBD(m, s, m)
	g.VSUBPS(g.f32(1), m, m)
	g.VCVTDQ2PS(e, e)
	g.VSUBPS(bias, e, e)
	y := g.log1pe(m, e)
	y = g.choose(g.compare(notLess, x, g.f32(math.Inf(1))), x, y) // +Inf and NaN are kept
	zero := g.zero()
	y = g.choose(g.compare(eq, x, zero), g.f32(math.Inf(-1)), y)
	return g.choose(g.compare(less, x, zero), g.u32(math.MaxUint32), y) // all ones is a NaN
}

// tanh computes (1 − u)/(1 + u) with u = e^−2|x| = 2ⁿ·(1 + q), and the sign of x. It computes 1 − u as (1 − 2ⁿ) − 2ⁿ·q, which
// is exact for small x, where n = 0.
func (g *gen) tanh(x reg.VecVirtual) reg.VecVirtual {
	t, lo := g.vector(), g.vector()
	g.VADDPS(x, x, t)
	g.VORPS(g.u32(signBit), t, t)
	g.VMOVUPS(g.f32(-40), lo) // 1 ± u is 1 already
	g.VMAXPS(t, lo, t)        // NaN is kept
	n, r := g.reduce(t)
	q := g.vector()
	g.VMULPS(r, r, q)
	g.VFMADD213PS(r, g.expTail(r), q)
	one, num, den := g.vector(), g.vector(), g.vector()
	g.VMOVUPS(g.f32(1), one)
	g.VCVTPS2DQ(n, n)
	g.VPSLLD(U8(23), n, n)
	g.VPADDD(one, n, n)
	g.VSUBPS(n, one, num)
	g.VADDPS(n, one, den)
	g.VFNMADD231PS(q, n, num)
	g.VFMADD231PS(q, n, den)
	g.VDIVPS(den, num, num)
	g.VANDPS(g.u32(signBit), x, x)
	g.VORPS(x, num, num)
	return num
}

// sigmoid computes 1/(1 + u) for x ≥ 0, and u/(1 + u) for x < 0, with u = e^−|x|.
func (g *gen) sigmoid(x reg.VecVirtual) reg.VecVirtual {
	u := g.expNegAbs(x)
	one, den := g.vector(), g.vector()
	g.VMOVUPS(g.f32(1), one)
	g.VADDPS(u, one, den)
	num := g.choose(g.negative(x), u, one)
	g.VDIVPS(den, num, num)
	return num
}

// softplus computes max(x, 0) + ln(1 + u) with u = e^−|x|. For u above √2 − 1, the limit of log1pe, it uses
// ln(1 + u) = ln 2 + ln(1 + (u−1)/2).
func (g *gen) softplus(x reg.VecVirtual) reg.VecVirtual {
	u := g.expNegAbs(x)
	big := g.compare(greater, u, g.f32(math.Sqrt2-1))
	h := g.vector()
	g.VSUBPS(g.f32(1), u, h)
	g.VMULPS(g.f32(0.5), h, h)
	f := g.choose(big, h, u)
	e := g.only(big, g.f32(1))
	y := g.log1pe(f, e)
	pos := g.zero()
	g.VMAXPS(x, pos, pos) // x where NaN
	g.VADDPS(pos, y, y)
	return y
}
