package main

import "github.com/mmcloughlin/avo/reg"

// optim writes the functions of optim.go. Scalars are broadcast from the arguments for every vector, because the load ports are
// not the bottleneck.
func optim(g *gen) {
	g.eachWidth(func(suffix string) { optimOf(g, suffix) })
}

// optimOf writes those of one width.
func optimOf(g *gen, suffix string) {
	scalar := func(name string) reg.VecVirtual {
		v := g.vector()
		g.VBROADCASTSS(g.addr(g.Param(name)), v)
		return v
	}
	ema := func(x, y reg.VecVirtual) reg.VecVirtual {
		t := scalar("t")
		g.VMULPS(t, y, y)
		s := scalar("s")
		g.VFMADD231PS(s, x, y)
		return y
	}
	elementwise(g, "ema"+suffix, 4, []string{"x", "y"}, func(x []reg.VecVirtual) reg.VecVirtual { return ema(x[0], x[1]) })
	elementwise(g, "emaSquare"+suffix, 4, []string{"x", "y"}, func(x []reg.VecVirtual) reg.VecVirtual {
		g.VMULPS(x[1], x[1], x[1])
		return ema(x[0], x[1])
	})
	elementwise(g, "adamStep"+suffix, 2, []string{"p", "m", "v"}, func(x []reg.VecVirtual) reg.VecVirtual {
		p, m, v := x[0], x[1], x[2]
		g.VMULPS(scalar("t"), v, v)
		g.VSQRTPS(v, v)
		g.VADDPS(scalar("e"), v, v)
		g.VMULPS(scalar("s"), m, m)
		g.VDIVPS(v, m, m)
		g.VSUBPS(m, p, p)
		return p
	})
}
