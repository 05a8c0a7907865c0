package main

// peak is fmaRounds in 24 chains of 4. FMLA adds to the register it writes, so a chain moves: c·x is added to a copy
// of y, and the register c had is the copy of another chain. Six spare registers let six chains move at a time; after
// five rounds all are where they began. Copies are free on cores that rename them, and fit beside the products on
// those that start four instructions a cycle.
func peak(g *gen) {
	const chains, spare = 24, 6
	g.begin("fmaRoundsNEON", "func(n int, x, y float32) float32")
	n, x, y := g.arg("n"), g.broadcast("x"), g.broadcast("y")
	acc, free := g.vs(chains), g.vs(spare)
	round := func() {
		var next []vreg
		for i := 0; i < chains; i += spare {
			for j, to := range free {
				g.mov(to, y)
				g.fmla(to, acc[i+j], x)
			}
			next, free = append(next, free...), acc[i:i+spare]
		}
		acc = next
	}
	for _, a := range acc {
		g.mov(a, y)
	}
	turns := chains/spare + 1
	g.p("SUBS $%d, %v", turns, n)
	g.p("BLT few")
	g.l("five")
	for range turns {
		round()
	}
	g.p("SUBS $%d, %v", turns, n)
	g.p("BGE five")
	g.l("few")
	g.p("ADDS $%d, %v", turns, n)
	g.p("BLE done")
	g.l("one")
	for _, a := range acc {
		g.mov(free[0], y)
		g.fmla(free[0], a, x)
		g.mov(a, free[0])
	}
	g.p("SUBS $1, %v", n)
	g.p("BGT one")
	g.l("done")
	for _, a := range acc[1:] {
		g.fadd(acc[0], acc[0], a)
	}
	g.hsum(acc[0], free[0])
	g.p("FMOVS %v, %s", acc[0], g.args["ret"])
	g.end()
}
