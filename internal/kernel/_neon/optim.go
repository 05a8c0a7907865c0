package main

// optim writes the functions of optim.go, with the rounding of the amd64 assembly.
func optim(g *gen) {
	ema := func(x, y vreg) vreg {
		g.fmul(y, y, g.scalars["t"])
		g.fmla(y, x, g.scalars["s"])
		return y
	}
	xy := []string{"x", "y"}
	elementwise(g, "emaNEON", 4, xy, func(x []vreg) vreg { return ema(x[0], x[1]) }, "s", "t")
	elementwise(g, "emaSquareNEON", 4, xy, func(x []vreg) vreg {
		g.fmul(x[1], x[1], x[1])
		return ema(x[0], x[1])
	}, "s", "t")
	elementwise(g, "adamStepNEON", 2, []string{"p", "m", "v"}, func(x []vreg) vreg {
		p, m, v := x[0], x[1], x[2]
		g.fmul(v, v, g.scalars["t"])
		g.op2("fsqrt", v, v)
		g.fadd(v, v, g.scalars["e"])
		g.fmul(m, m, g.scalars["s"])
		g.fdiv(m, m, v)
		g.fsub(p, p, m)
		return p
	}, "s", "t", "e")
}
