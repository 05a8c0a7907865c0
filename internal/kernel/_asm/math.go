package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func mathFuncs(g *gen) {
	unary := func(name string, f func(x reg.VecVirtual) reg.VecVirtual) {
		elementwise(g, name, 2, []string{"x"}, func(x []reg.VecVirtual) reg.VecVirtual { return f(x[0]) })
	}
	unary("expAVX2", g.exp)
	unary("logAVX2", g.log)
	unary("tanhAVX2", g.tanh)
	unary("sigmoidAVX2", g.sigmoid)
	unary("softplusAVX2", g.softplus)
}

// horner is c[0]·xⁿ + … + c[n].
func (g *gen) horner(x reg.VecVirtual, c ...float64) reg.VecVirtual {
	p := g.YMM()
	g.VMOVUPS(g.f32(c[0]), p)
	for _, v := range c[1:] {
		g.VFMADD213PS(g.f32(v), x, p)
	}
	return p
}

// exp is eˣ = 2ⁿ·eʳ, n = round(x/ln 2), |r| ≤ ln 2 / 2; the polynomial of eʳ is
// that of expf in Cephes (Moshier, 1989). 2ⁿ is two factors, for n may be −150 or
// 128: the first product is exact, the second rounds to a denormal or to +Inf.
func (g *gen) exp(x reg.VecVirtual) reg.VecVirtual {
	// The operand that VMINPS and VMAXPS return for NaN is x.
	t := g.YMM()
	g.VMOVUPS(g.f32(89), t)
	g.VMINPS(x, t, t)
	lo := g.YMM()
	g.VMOVUPS(g.f32(-104), lo)
	g.VMAXPS(t, lo, t)
	n := g.YMM()
	g.VMULPS(g.f32(math.Log2E), t, n)
	g.VROUNDPS(U8(8), n, n) // to nearest, quiet
	g.VFNMADD231PS(g.f32(0.693359375), n, t)
	g.VFNMADD231PS(g.f32(-2.12194440e-4), n, t)
	r2 := g.YMM()
	g.VMULPS(t, t, r2)
	p := g.horner(t, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	g.VFMADD213PS(t, r2, p)
	g.VADDPS(g.f32(1), p, p)
	k, half := g.YMM(), g.YMM()
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

// expNegAbs is e^−|x|.
func (g *gen) expNegAbs(x reg.VecVirtual) reg.VecVirtual {
	a := g.YMM()
	g.VORPS(g.u32(signBit), x, a)
	return g.exp(a)
}

// log1pe is ln(1 + f) + e·ln 2 for √½ − 1 ≤ f < √2 − 1: logf of Cephes.
func (g *gen) log1pe(f, e reg.VecVirtual) reg.VecVirtual {
	z := g.YMM()
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

// log splits x = 2ᵉ·(1 + f); denormals are scaled by 2²³ first.
func (g *gen) log(x reg.VecVirtual) reg.VecVirtual {
	small := g.compare(less, x, g.f32(0x1p-126))
	s, bias := g.YMM(), g.YMM()
	g.VMULPS(g.f32(0x1p23), x, s)
	s = g.choose(small, s, x)
	g.VANDPS(g.f32(23), small, bias)
	e, m := g.YMM(), g.YMM()
	g.VPSUBD(g.f32(math.Sqrt2/2), s, e) // the bits of s less those of √½
	g.VPSRAD(U8(23), e, e)
	g.VPSLLD(U8(23), e, m)
	g.VPSUBD(m, s, m)
	g.VSUBPS(g.f32(1), m, m)
	g.VCVTDQ2PS(e, e)
	g.VSUBPS(bias, e, e)
	y := g.log1pe(m, e)
	y = g.choose(g.compare(notLess, x, g.f32(math.Inf(1))), x, y) // +Inf and NaN stay
	zero := g.zeros(1)[0]
	y = g.choose(g.compare(eq, x, zero), g.f32(math.Inf(-1)), y)
	g.VORPS(g.compare(less, x, zero), y, y) // all ones is a NaN
	return y
}

// tanh is x + x³·P(x²) below ⅝ (Cephes tanhf), and (1 − u)/(1 + u) with
// u = e^−2|x| above.
func (g *gen) tanh(x reg.VecVirtual) reg.VecVirtual {
	d := g.YMM()
	g.VADDPS(x, x, d)
	u := g.expNegAbs(d)
	num, den := g.YMM(), g.YMM()
	g.VMOVUPS(g.f32(1), num)
	g.VADDPS(u, num, den)
	g.VSUBPS(u, num, num)
	g.VDIVPS(den, num, num)
	z := g.YMM()
	g.VMULPS(x, x, z)
	p := g.horner(z, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
	g.VMULPS(z, p, p)
	g.VFMADD213PS(x, x, p)
	sign, a := g.YMM(), g.YMM()
	g.VANDPS(g.u32(signBit), x, sign)
	g.VXORPS(sign, x, a)
	y := g.choose(g.compare(less, a, g.f32(0.625)), p, num)
	g.VORPS(sign, y, y) // the second form is of |x|, and −0 came to +0 in the first
	return y
}

// sigmoid is 1/(1 + u) for x ≥ 0 and u/(1 + u) below, u = e^−|x|.
func (g *gen) sigmoid(x reg.VecVirtual) reg.VecVirtual {
	u := g.expNegAbs(x)
	one, den := g.YMM(), g.YMM()
	g.VMOVUPS(g.f32(1), one)
	g.VADDPS(u, one, den)
	g.VBLENDVPS(x, u, one, one) // the sign bit of x chooses
	g.VDIVPS(den, one, one)
	return one
}

// softplus is max(x, 0) + ln(1 + u), u = e^−|x|. For u above √2 − 1, where log1pe
// ends, ln(1 + u) = ln 2 + ln(1 + (u−1)/2).
func (g *gen) softplus(x reg.VecVirtual) reg.VecVirtual {
	u := g.expNegAbs(x)
	big := g.compare(greater, u, g.f32(math.Sqrt2-1))
	h, e := g.YMM(), g.YMM()
	g.VSUBPS(g.f32(1), u, h)
	g.VMULPS(g.f32(0.5), h, h)
	f := g.choose(big, h, u)
	g.VANDPS(g.f32(1), big, e)
	y := g.log1pe(f, e)
	pos := g.zeros(1)[0]
	g.VMAXPS(x, pos, pos) // x where NaN
	g.VADDPS(pos, y, y)
	return y
}
