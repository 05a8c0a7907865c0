package main

// peak writes fmaRoundsNEON with 24 chains of 4. FMLA adds to the register that it writes, so a chain changes its register: c·x
// is added to a copy of y, and the old register of c becomes the copy for another chain. With six spare registers, six chains
// change at a time, and after five rounds all chains are in their first registers. Copies cost nothing on cores that rename
// registers, and overlap with the products on cores that start four instructions in a cycle.
func peak(g *gen) {
	const chains, spare = 24, 6
	g.begin("fmaRoundsNEON", "func(n int, x, y float32) float32")
	n, x, y := g.arg("n"), g.broadcast("x"), g.broadcast("y")
	acc, free := g.newVecs(chains), g.newVecs(spare)
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
	rounds := chains/spare + 1
	g.emit("SUBS $%d, %v", rounds, n)
	g.emit("BLT few")
	g.label("five")
	for range rounds {
		round()
	}
	g.emit("SUBS $%d, %v", rounds, n)
	g.emit("BGE five")
	g.label("few")
	g.emit("ADDS $%d, %v", rounds, n)
	g.emit("BLE done")
	g.label("one")
	for _, a := range acc {
		g.mov(free[0], y)
		g.fmla(free[0], a, x)
		g.mov(a, free[0])
	}
	g.emit("SUBS $1, %v", n)
	g.emit("BGT one")
	g.label("done")
	for _, a := range acc[1:] {
		g.fadd(acc[0], acc[0], a)
	}
	g.hsum(acc[0], free[0])
	g.emit("FMOVS %v, %s", acc[0], g.args["ret"])
	g.end()
}
