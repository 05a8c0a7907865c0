package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak writes fmaRoundsAVX2, fmaRoundsAVX512, readAVX2 and readAVX512. Latency times units is 8 or 10 on current processors, and with x and y the
// vectors must fit in 16 or 32 registers.
func peak(g *gen) {
	g.eachWidth(func(suffix string) {
		chains := map[int]int{8: 12, 16: 24}[g.lanes]
		fmaRounds(g, "fmaRounds"+suffix, chains)
		read(g, "read"+suffix, chains)
	})
}

// fmaRounds writes a function with so many independent vectors.
func fmaRounds(g *gen, name string, chains int) {
	g.begin(name)
	n := g.load(g.Param("n"))
	x, y := g.vector(), g.vector()
	g.VBROADCASTSS(g.addr(g.Param("x")), x)
	g.VBROADCASTSS(g.addr(g.Param("y")), y)
	acc := make([]reg.VecVirtual, chains)
	for i := range acc {
		acc[i] = g.vector()
		g.VMOVUPS(y, acc[i])
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
	g.Store(sumAll(g, acc), g.ReturnIndex(0))
	g.end()
}

// read writes a function that adds up a slice by so many independent vectors.
func read(g *gen, name string, chains int) {
	g.begin(name)
	x, n := g.load(g.Param("x").Base()), g.load(g.Param("x").Len())
	acc := make([]reg.VecVirtual, chains)
	for i := range acc {
		acc[i] = g.vector()
		g.clear(acc[i])
	}
	g.SUBQ(U32(chains*g.lanes), n)
	g.JLT(LabelRef("done"))
	g.Label("round")
	for i, a := range acc {
		g.VADDPS(Mem{Base: x, Disp: 4 * g.lanes * i}, a, a)
	}
	g.ADDQ(U32(4*chains*g.lanes), x)
	g.SUBQ(U32(chains*g.lanes), n)
	g.JGE(LabelRef("round"))
	g.Label("done")
	g.Store(sumAll(g, acc), g.ReturnIndex(0))
	g.end()
}

// sumAll returns a register whose lane 0 is the sum of all lanes of vectors.
func sumAll(g *gen, acc []reg.VecVirtual) reg.VecVirtual {
	for _, a := range acc[1:] {
		g.VADDPS(a, acc[0], acc[0])
	}
	sum := acc[0]
	if sum.Size() == 64 {
		high, low := g.YMM(), g.YMM()
		g.VEXTRACTF64X4(U8(1), sum, high)
		g.VADDPS(sum.AsY(), high, low)
		sum = low
	}
	return hsum(g, sum)
}
