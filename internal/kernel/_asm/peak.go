package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fmaChains is the number of independent vectors. Latency times units is 8 or 10 on current processors, and with x and y the
// vectors must fit in 16 registers.
const fmaChains = 12

// peak writes fmaRoundsAVX2.
func peak(g *gen) {
	g.begin("fmaRoundsAVX2")
	n := g.load(g.Param("n"))
	x, y := g.YMM(), g.YMM()
	g.VBROADCASTSS(g.addr(g.Param("x")), x)
	g.VBROADCASTSS(g.addr(g.Param("y")), y)
	acc := make([]reg.VecVirtual, fmaChains)
	for i := range acc {
		acc[i] = g.YMM()
		g.VMOVAPS(y, acc[i])
	}
	g.TESTQ(n, n)
	g.JLE(LabelRef("done"))
	g.Label("round")
	for _, a := range acc {
		g.VFMADD213PS(y, x, a) // a·x + y
	}
	g.DECQ(n)
	g.JNZ(LabelRef("round"))
	g.Label("done")
	for _, a := range acc[1:] {
		g.VADDPS(a, acc[0], acc[0])
	}
	g.Store(hsum(g, acc[0]), g.ReturnIndex(0))
	g.end()
}
