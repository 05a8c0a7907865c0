package main

import (
	"fmt"
	"math"
)

// reduce writes the functions of reduce.go.
func reduce(g *gen) {
	sum(g)
	maxOf(g)
}

// walk32 writes a loop that adds x to eight accumulators of 4 lanes, element i to lane i mod 32. Missing lanes of the last vector
// have the value of rest, whose register is overwritten.
func walk32(g *gen, acc []vreg, rest vreg, add func(d, n, m vreg)) {
	x, n, last := g.arg("x_base"), g.arg("x_len"), g.newReg()
	v := g.newVecs(8)
	g.emit("SUBS $32, %v", n)
	g.emit("BLT tail")
	g.label("loop")
	g.moveWhole("load", x, v)
	for i, a := range acc {
		add(a, a, v[i])
	}
	g.emit("SUBS $32, %v", n)
	g.emit("BGE loop")
	g.label("tail")
	g.emit("ADDS $32, %v", n)
	g.emit("BEQ done")
	g.emit("AND $28, %v, %v", n, last) // whole vectors come first
	g.emit("ADD %v<<2, %v, %v", last, x, last)
	g.moveRest("load", last, rest, n)
	end := func(i int) string { return fmt.Sprint("end", i) }
	for i, a := range acc[:7] {
		g.emit("SUBS $4, %v", n)
		g.emit("BLT %s", end(i))
		g.moveWhole("load", x, v[:1])
		add(a, a, v[0])
	}
	for i := 7; i >= 0; i-- {
		g.label(end(i))
		add(acc[i], acc[i], rest)
		if i > 0 {
			g.emit("B done")
		}
	}
	g.label("done")
}

// sum writes sumNEON, which adds in the order of sumGeneric and gives the same bits. Missing lanes add +0, which does not change
// a partial sum: the sums start at +0 and are never −0.
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
	g.emit("FMOVS %v, %s", acc[0], g.args["ret"])
	g.end()
}

// maxOf writes maxOfNEON. The result of FMAX is NaN where an operand is NaN.
func maxOf(g *gen) {
	g.begin("maxOfNEON", "func(x []float32) float32")
	acc, rest := g.newVecs(8), g.newVec()
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
	g.emit("FMOVS %v, %s", acc[0], g.args["ret"])
	g.end()
}
