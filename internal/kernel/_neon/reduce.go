package main

import (
	"fmt"
	"math"
)

func reduce(g *gen) {
	sum(g)
	maxOf(g)
}

// walk32 adds x into eight accumulators of 4 lanes, element i to lane i mod 32. Missing lanes of the last vector are
// rest, whose register is lost.
func walk32(g *gen, acc []vreg, rest vreg, add func(d, n, m vreg)) {
	x, n, last := g.arg("x_base"), g.arg("x_len"), g.r()
	v := g.vs(8)
	g.p("SUBS $32, %v", n)
	g.p("BLT tail")
	g.l("loop")
	g.moveWhole("load", x, v)
	for i, a := range acc {
		add(a, a, v[i])
	}
	g.p("SUBS $32, %v", n)
	g.p("BGE loop")
	g.l("tail")
	g.p("ADDS $32, %v", n)
	g.p("BEQ done")
	g.p("AND $28, %v, %v", n, last) // whole vectors come first
	g.p("ADD %v<<2, %v, %v", last, x, last)
	g.moveRest("load", last, rest, n)
	end := func(i int) string { return fmt.Sprint("end", i) }
	for i, a := range acc[:7] {
		g.p("SUBS $4, %v", n)
		g.p("BLT %s", end(i))
		g.moveWhole("load", x, v[:1])
		add(a, a, v[0])
	}
	for i := 7; i >= 0; i-- {
		g.l(end(i))
		add(acc[i], acc[i], rest)
		if i > 0 {
			g.p("B done")
		}
	}
	g.l("done")
}

// sum is the order sumGeneric has, to the bit: missing lanes add +0, which changes no partial sum, for those start
// from +0 and so are never −0.
func sum(g *gen) {
	g.begin("sumNEON", "func(x []float32) float32")
	acc, rest := g.zeros(8), g.zeros(1)[0]
	walk32(g, acc, rest, g.fadd)
	for h := 4; h > 0; h /= 2 {
		for i := range h {
			g.fadd(acc[i], acc[i], acc[i+h])
		}
	}
	g.hsum(acc[0], acc[1])
	g.p("FMOVS %v, %s", acc[0], g.args["ret"])
	g.end()
}

// maxOf relies on FMAX, which gives NaN where either operand is.
func maxOf(g *gen) {
	g.begin("maxOfNEON", "func(x []float32) float32")
	acc, rest := g.vs(8), g.v()
	for _, v := range append(acc, rest) {
		g.mov(v, g.f32(math.Inf(-1)))
	}
	walk32(g, acc, rest, g.fmax)
	for h := 4; h > 0; h /= 2 {
		for i := range h {
			g.fmax(acc[i], acc[i], acc[i+h])
		}
	}
	g.fmaxv(acc[0], acc[0])
	g.p("FMOVS %v, %s", acc[0], g.args["ret"])
	g.end()
}
