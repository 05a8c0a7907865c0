package main

import . "github.com/mmcloughlin/avo/operand"

// pause writes pauseAMD64.
func pause(g *gen) {
	g.begin("pauseAMD64")
	n := g.Load(g.Param("n"), g.GP32())
	g.TESTL(n, n)
	g.JEQ(LabelRef("done"))
	g.Label("spin")
	g.PAUSE()
	g.DECL(n)
	g.JNZ(LabelRef("spin"))
	g.Label("done")
	g.RET()
}
