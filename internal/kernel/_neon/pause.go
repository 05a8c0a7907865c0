package main

// pause is n times ISB, which empties the pipeline and so takes tens of cycles on current cores, as PAUSE does on
// amd64; YIELD takes one.
func pause(g *gen) {
	g.begin("pauseARM64", "func(n uint32)")
	n := g.r()
	g.p("MOVWU %s, %v", g.args["n"], n)
	g.p("CBZ %v, done", n)
	g.l("spin")
	g.p("ISB $15")
	g.p("SUBS $1, %v", n)
	g.p("BNE spin")
	g.l("done")
	g.end()
}
