package main

// pause writes pauseARM64 with n ISB instructions. ISB flushes the pipeline, which takes tens of cycles on current cores, as
// PAUSE does on amd64; YIELD takes one cycle.
func pause(g *gen) {
	g.begin("pauseARM64", "func(n uint32)")
	n := g.newReg()
	g.emit("MOVWU %s, %v", g.args["n"], n)
	g.emit("CBZ %v, done", n)
	g.label("spin")
	g.emit("ISB $15")
	g.emit("SUBS $1, %v", n)
	g.emit("BNE spin")
	g.label("done")
	g.end()
}
