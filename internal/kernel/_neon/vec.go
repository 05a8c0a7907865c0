package main

import (
	"fmt"
	"strings"
)

// elementwise writes the function name, dst = f(operands), each operand a slice as long as dst: unroll vectors a
// turn, then one, then the last one to three elements in the first lanes of a vector, the others 0. f may overwrite
// its operands. The float32 parameters after the slices, if there are any, are vectors for f to ask for by name.
func elementwise(g *gen, name string, unroll int, operands []string, f func(x []vreg) vreg, scalars ...string) {
	typ := fmt.Sprintf("func(dst, %s []float32)", strings.Join(operands, ", "))
	if len(scalars) > 0 {
		typ = fmt.Sprintf("%s, %s float32)", strings.TrimSuffix(typ, ")"), strings.Join(scalars, ", "))
	}
	g.begin(name, typ)
	for _, s := range scalars {
		g.scalars[s] = g.broadcast(s)
	}
	dst, n := g.arg("dst_base"), g.arg("dst_len")
	var base []gpr
	for _, o := range operands {
		base = append(base, g.arg(o+"_base"))
	}
	// turn is f of n vectors; move loads or stores them and goes on.
	turn := func(n int, move func(op string, p gpr, v []vreg)) {
		g.scratch(func() {
			x := make([][]vreg, len(base))
			for j, b := range base {
				x[j] = g.vs(n)
				move("load", b, x[j])
			}
			y := make([]vreg, n)
			for v := range n {
				var xv []vreg
				for j := range x {
					xv = append(xv, x[j][v])
				}
				y[v] = f(xv)
			}
			move("store", dst, y)
		})
	}
	if unroll > 1 {
		g.p("SUBS $%d, %v", 4*unroll, n)
		g.p("BLT few")
		g.l("loop")
		turn(unroll, g.moveWhole)
		g.p("SUBS $%d, %v", 4*unroll, n)
		g.p("BGE loop")
		g.l("few")
		g.p("ADD $%d, %v", 4*unroll, n)
	}
	g.p("SUBS $4, %v", n)
	g.p("BLT tail")
	g.l("one")
	turn(1, g.moveWhole)
	g.p("SUBS $4, %v", n)
	g.p("BGE one")
	g.l("tail")
	g.p("ADDS $4, %v", n)
	g.p("BEQ done")
	turn(1, func(op string, p gpr, v []vreg) {
		if op == "load" {
			g.clear(v[0])
		}
		g.moveRest(op, p, v[0], n)
	})
	g.l("done")
	g.end()
}

// moveWhole loads or stores whole vectors at p and moves p on.
func (g *gen) moveWhole(op string, p gpr, v []vreg) {
	if len(v) == 1 {
		if op == "load" {
			g.p("FMOVQ.P 16(%v), %v", p, v[0])
		} else {
			g.p("FMOVQ.P %v, 16(%v)", v[0], p)
		}
		return
	}
	for i := 0; i < len(v); i += 2 {
		if op == "load" {
			g.p("FLDPQ.P 32(%v), (%v, %v)", p, v[i], v[i+1])
		} else {
			g.p("FSTPQ.P (%v, %v), 32(%v)", v[i], v[i+1], p)
		}
	}
}

// moveRest loads or stores n mod 4 elements at p, 0 to 3, the first lanes of v; the other lanes stay. p is lost.
func (g *gen) moveRest(op string, p gpr, v vreg, n gpr) {
	form := "VLD1.P %[2]d(%[1]v), V%[3]d.%[4]s"
	if op == "store" {
		form = "VST1.P V%[3]d.%[4]s, %[2]d(%[1]v)"
	}
	one, done := g.fresh("one"), g.fresh("rest")
	g.p("TBZ $1, %v, %s", n, g.at(one))
	g.p(form, p, 8, int(v), "D[0]")
	g.p("TBZ $0, %v, %s", n, g.at(done))
	g.p(form, p, 4, int(v), "S[2]")
	g.p("B %s", g.at(done))
	g.l(one)
	g.p("TBZ $0, %v, %s", n, g.at(done))
	g.p(form, p, 4, int(v), "S[0]")
	g.l(done)
}

func vec(g *gen) {
	binary := func(name string, f func(d, a, b vreg)) {
		elementwise(g, name, 4, []string{"a", "b"}, func(x []vreg) vreg {
			y := g.v()
			f(y, x[0], x[1])
			return y
		})
	}
	binary("addNEON", g.fadd)
	binary("subNEON", g.fsub)
	binary("mulNEON", g.fmul)
	binary("divNEON", g.fdiv)
	// Of two zeros FMAX and FMIN take +0 and −0; of two equal numbers, take b.
	orB := func(op func(d, a, b vreg)) func(d, a, b vreg) {
		return func(d, a, b vreg) {
			op(d, a, b)
			g.fcmeq(a, a, b)
			g.bit(d, b, a)
		}
	}
	binary("maxNEON", orB(g.fmax))
	binary("minNEON", orB(g.fmin))
	truth := func(op func(d, a, b vreg)) func(d, a, b vreg) {
		return func(d, a, b vreg) {
			op(d, a, b)
			g.and(d, d, g.f32(1))
		}
	}
	binary("greaterNEON", truth(g.fcmgt))
	binary("equalNEON", truth(g.fcmeq))
	elementwise(g, "selectNEON", 4, []string{"c", "a", "b"}, func(x []vreg) vreg {
		g.opZero("fcmeq", x[0], x[0])
		g.bsl(x[0], x[2], x[1])
		return x[0]
	})
	elementwise(g, "mulAddNEON", 4, []string{"a", "b", "c"}, func(x []vreg) vreg {
		g.fmla(x[2], x[0], x[1])
		return x[2]
	})

	unary := func(name string, f func(x vreg)) {
		elementwise(g, name, 4, []string{"x"}, func(x []vreg) vreg {
			f(x[0])
			return x[0]
		})
	}
	unary("negNEON", func(x vreg) { g.op2("fneg", x, x) })
	unary("absNEON", func(x vreg) { g.op2("fabs", x, x) })
	unary("signNEON", func(x vreg) { // ±1 where |x| > 0, else x, which is ±0 or NaN
		one := g.v()
		g.mov(one, g.f32(1))
		g.bit(one, x, g.u32(signBit))
		m := g.v()
		g.facgt(m, x, g.u32(0))
		g.bit(x, one, m)
	})
	unary("sqrtNEON", func(x vreg) { g.op2("fsqrt", x, x) })
	fill(g)
}

func fill(g *gen) {
	g.begin("fillNEON", "func(dst []float32, v float32)")
	v, dst, n := g.broadcast("v"), g.arg("dst_base"), g.arg("dst_len")
	g.p("SUBS $8, %v", n)
	g.p("BLT few")
	g.l("loop")
	g.moveWhole("store", dst, []vreg{v, v})
	g.p("SUBS $8, %v", n)
	g.p("BGE loop")
	g.l("few")
	g.p("TBZ $2, %v, tail", n) // n is 8 too small
	g.moveWhole("store", dst, []vreg{v})
	g.l("tail")
	g.moveRest("store", dst, v, n)
	g.end()
}
