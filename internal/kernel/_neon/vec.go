package main

import (
	"fmt"
	"strings"
)

// elementwise writes the function name, dst = f(operands), where each operand is a slice with the length of dst. It computes
// unroll vectors in each iteration, then single vectors, and then the last one to three elements in the first lanes of a
// vector whose other lanes are 0. f may overwrite its operands. The float32 parameters after the slices are in g.scalars.
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
	// compute writes the code of f for n vectors. move loads or stores them and advances the pointers.
	compute := func(n int, move func(op string, p gpr, v []vreg)) {
		g.scratch(func() {
			x := make([][]vreg, len(base))
			for j, b := range base {
				x[j] = g.newVecs(n)
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
		g.emit("SUBS $%d, %v", 4*unroll, n)
		g.emit("BLT few")
		g.label("loop")
		compute(unroll, g.moveWhole)
		g.emit("SUBS $%d, %v", 4*unroll, n)
		g.emit("BGE loop")
		g.label("few")
		g.emit("ADD $%d, %v", 4*unroll, n)
	}
	g.emit("SUBS $4, %v", n)
	g.emit("BLT tail")
	g.label("one")
	compute(1, g.moveWhole)
	g.emit("SUBS $4, %v", n)
	g.emit("BGE one")
	g.label("tail")
	g.emit("ADDS $4, %v", n)
	g.emit("BEQ done")
	compute(1, func(op string, p gpr, v []vreg) {
		if op == "load" {
			g.clear(v[0])
		}
		g.moveRest(op, p, v[0], n)
	})
	g.label("done")
	g.end()
}

// moveWhole loads or stores whole vectors at p, and advances p.
func (g *gen) moveWhole(op string, p gpr, v []vreg) {
	if len(v) == 1 {
		if op == "load" {
			g.emit("FMOVQ.P 16(%v), %v", p, v[0])
		} else {
			g.emit("FMOVQ.P %v, 16(%v)", v[0], p)
		}
		return
	}
	for i := 0; i < len(v); i += 2 {
		if op == "load" {
			g.emit("FLDPQ.P 32(%v), (%v, %v)", p, v[i], v[i+1])
		} else {
			g.emit("FSTPQ.P (%v, %v), 32(%v)", v[i], v[i+1], p)
		}
	}
}

// moveRest loads or stores n mod 4 elements at p, from or to the first lanes of v. Other lanes are unchanged. It overwrites p.
func (g *gen) moveRest(op string, p gpr, v vreg, n gpr) {
	form := "VLD1.P %[2]d(%[1]v), V%[3]d.%[4]s"
	if op == "store" {
		form = "VST1.P V%[3]d.%[4]s, %[2]d(%[1]v)"
	}
	one, done := g.newLabel("one"), g.newLabel("rest")
	g.emit("TBZ $1, %v, %s", n, g.labelName(one))
	g.emit(form, p, 8, int(v), "D[0]")
	g.emit("TBZ $0, %v, %s", n, g.labelName(done))
	g.emit(form, p, 4, int(v), "S[2]")
	g.emit("B %s", g.labelName(done))
	g.label(one)
	g.emit("TBZ $0, %v, %s", n, g.labelName(done))
	g.emit(form, p, 4, int(v), "S[0]")
	g.label(done)
}

// vec writes the element-wise functions.
func vec(g *gen) {
	binary := func(name string, f func(d, a, b vreg)) {
		elementwise(g, name, 4, []string{"a", "b"}, func(x []vreg) vreg {
			y := g.newVec()
			f(y, x[0], x[1])
			return y
		})
	}
	binary("addNEON", g.fadd)
	binary("subNEON", g.fsub)
	binary("mulNEON", g.fmul)
	binary("divNEON", g.fdiv)
	// For zeros of different sign, FMAX gives +0 and FMIN gives −0. Of equal numbers, the result must be b.
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
	unary("signNEON", func(x vreg) { // ±1 where |x| > 0, and x elsewhere: ±0 or NaN
		one := g.newVec()
		g.mov(one, g.f32(1))
		g.bit(one, x, g.u32(signBit))
		m := g.newVec()
		g.facgt(m, x, g.u32(0))
		g.bit(x, one, m)
	})
	unary("sqrtNEON", func(x vreg) { g.op2("fsqrt", x, x) })
	fill(g)
}

// fill writes fillNEON.
func fill(g *gen) {
	g.begin("fillNEON", "func(dst []float32, v float32)")
	v, dst, n := g.broadcast("v"), g.arg("dst_base"), g.arg("dst_len")
	g.emit("SUBS $8, %v", n)
	g.emit("BLT few")
	g.label("loop")
	g.moveWhole("store", dst, []vreg{v, v})
	g.emit("SUBS $8, %v", n)
	g.emit("BGE loop")
	g.label("few")
	g.emit("TBZ $2, %v, tail", n) // n is the number of remaining elements minus 8
	g.moveWhole("store", dst, []vreg{v})
	g.label("tail")
	g.moveRest("store", dst, v, n)
	g.end()
}
