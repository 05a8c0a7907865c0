package main

import "math"

// The formulas and the order of their operations are those of the amd64 assembly, so the error bounds are the same. FMLA
// overwrites the addend, so a coefficient to which a product is added is loaded into the destination.

// mathFuncs writes the functions of math.go.
func mathFuncs(g *gen) {
	unary := func(name string, f func(x vreg) vreg) {
		elementwise(g, name, 1, []string{"x"}, func(x []vreg) vreg { return f(x[0]) })
	}
	unary("expNEON", g.exp)
	unary("logNEON", g.log)
	unary("tanhNEON", g.tanh)
	unary("sigmoidNEON", g.sigmoid)
	unary("softplusNEON", g.softplus)
}

// load loads a constant into a new register, and returns it.
func (g *gen) load(v float64) vreg {
	r := g.newVec()
	g.emit("FMOVQ %s, %v", g.constAddr(bits(v)), r)
	return r
}

// horner computes c[0]·xⁿ + … + c[n].
func (g *gen) horner(x vreg, c ...float64) vreg {
	p := g.load(c[0])
	for _, v := range c[1:] {
		q := g.load(v)
		g.fmla(q, p, x)
		g.free(p)
		p = q
	}
	return p
}

// exp computes eˣ = 2ⁿ·eʳ. It multiplies by 2ⁿ in two steps, because n may be −150 or 128: the first product is exact, and the
// second one rounds to a denormal number or to +Inf. FMIN and FMAX keep NaN.
func (g *gen) exp(x vreg) vreg {
	t := g.newVec()
	g.fmin(t, x, g.f32(89))
	g.fmax(t, t, g.f32(-104))
	n := g.reduce(t)
	r2 := g.newVec()
	g.fmul(r2, t, t)
	p := g.expTail(t)
	g.fmla(t, r2, p)
	g.free(r2, p)
	g.fadd(t, t, g.f32(1))
	half := g.newVec()
	g.op2("fcvtns", n, n)
	g.sshr(half, n, 1)
	g.isub(n, n, half)
	for _, e := range []vreg{half, n} {
		g.shl(e, e, 23)
		g.iadd(e, e, g.f32(1))
		g.fmul(t, t, e)
	}
	g.free(n, half)
	return t
}

// reduce computes n = round(x/ln 2) and r = x − n·ln 2, which overwrites x.
func (g *gen) reduce(x vreg) (n vreg) {
	n = g.newVec()
	g.fmul(n, x, g.f32(math.Log2E))
	g.op2("frintn", n, n)
	g.fmls(x, n, g.f32(0.693359375))
	g.fmls(x, n, g.f32(-2.12194440e-4))
	return n
}

// expTail computes (eʳ − 1 − r)/r² for |r| ≤ ln 2 / 2: the polynomial of expf in Cephes (Moshier, 1989).
func (g *gen) expTail(r vreg) vreg {
	return g.horner(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
}

// expNegAbs computes e^−|x|.
func (g *gen) expNegAbs(x vreg) vreg {
	a := g.newVec()
	g.or(a, x, g.u32(signBit))
	u := g.exp(a)
	g.free(a)
	return u
}

// log1pe computes ln(1 + f) + e·ln 2 for √½ − 1 ≤ f < √2 − 1: logf of Cephes.
func (g *gen) log1pe(f, e vreg) vreg {
	z := g.newVec()
	g.fmul(z, f, f)
	y := g.horner(f, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	g.fmul(y, f, y)
	g.fmul(y, z, y)
	g.fmla(y, e, g.f32(-2.12194440e-4))
	g.fmls(y, z, g.f32(0.5))
	g.free(z)
	g.fadd(y, f, y)
	g.fmla(y, e, g.f32(0.693359375))
	return y
}

// log computes ln x from x = 2ᵉ·(1 + f). It scales denormal x by 2²³ first.
func (g *gen) log(x vreg) vreg {
	small, s, bias := g.newVec(), g.newVec(), g.newVec()
	g.fcmgt(small, g.f32(0x1p-126), x)
	g.fmul(s, x, g.f32(0x1p23))
	g.and(bias, small, g.f32(23))
	g.bsl(small, s, x)
	e, m := g.newVec(), s
	g.isub(e, small, g.f32(math.Sqrt2/2)) // the bits of x minus those of √½
	g.sshr(e, e, 23)
	g.shl(m, e, 23)
	g.isub(m, small, m)
	g.fsub(m, m, g.f32(1))
	g.op2("scvtf", e, e)
	g.fsub(e, e, bias)
	y := g.log1pe(m, e)
	finite := small
	g.fcmgt(finite, g.f32(math.Inf(1)), x)
	g.bsl(finite, y, x) // +Inf and NaN are kept
	y = finite
	g.opZero("fcmeq", m, x)
	g.bit(y, g.f32(math.Inf(-1)), m)
	g.opZero("fcmlt", m, x)
	g.or(y, y, m) // all ones is a NaN
	return y
}

// tanh computes (1 − u)/(1 + u) with u = e^−2|x| = 2ⁿ·(1 + q), and the sign of x. It computes 1 − u as (1 − 2ⁿ) − 2ⁿ·q, which
// is exact for small x, where n = 0.
func (g *gen) tanh(x vreg) vreg {
	t := g.newVec()
	g.fadd(t, x, x)
	g.or(t, t, g.u32(signBit))
	g.fmax(t, t, g.f32(-40)) // 1 ± u is 1 already
	n := g.reduce(t)
	q := g.newVec()
	g.fmul(q, t, t)
	p := g.expTail(t)
	g.fmla(t, q, p)
	g.free(p)
	g.op2("fcvtns", n, n)
	g.shl(n, n, 23)
	g.iadd(n, n, g.f32(1))
	num, den := q, g.newVec()
	g.fsub(num, g.f32(1), n)
	g.fadd(den, g.f32(1), n)
	g.fmls(num, n, t)
	g.fmla(den, n, t)
	g.fdiv(num, num, den)
	g.bit(num, x, g.u32(signBit))
	g.free(t, n, den)
	return num
}

// sigmoid computes 1/(1 + u) for x ≥ 0, and u/(1 + u) for x < 0, with u = e^−|x|.
func (g *gen) sigmoid(x vreg) vreg {
	u := g.expNegAbs(x)
	y, den := g.newVec(), g.newVec()
	g.fadd(den, g.f32(1), u)
	g.sshr(y, x, 31)
	g.bsl(y, u, g.f32(1))
	g.fdiv(y, y, den)
	return y
}

// softplus computes max(x, 0) + ln(1 + u) with u = e^−|x|. For u above √2 − 1, the limit of log1pe, it uses
// ln(1 + u) = ln 2 + ln(1 + (u−1)/2).
func (g *gen) softplus(x vreg) vreg {
	u := g.expNegAbs(x)
	f, h, e := g.newVec(), g.newVec(), g.newVec()
	g.fcmgt(f, u, g.f32(math.Sqrt2-1))
	g.fsub(h, u, g.f32(1))
	g.fmul(h, h, g.f32(0.5))
	g.and(e, f, g.f32(1))
	g.bsl(f, h, u)
	y := g.log1pe(f, e)
	g.fmax(h, x, g.u32(0)) // NaN where x is NaN
	g.fadd(y, h, y)
	return y
}
