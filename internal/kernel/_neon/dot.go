package main

// dot writes dotNEON, with a body for 1 to 6 rows.
func dot(g *gen) {
	g.begin("dotNEON", "func(mr int, a *DotArgs)")
	g.byRows(func(mr int, a gpr) { dotTile(g, mr, a) })
	g.end()
}

// dotTile keeps 16 partial sums a row, in four vectors. What is left of a tap after its sixteens goes to the first
// eight if it is eight or more, and what is then left to the last eight, from their first on: the order of the amd64
// assembly. For 6 rows, 24 products need 28 vectors loaded, so the loads set the speed; they go in pairs.
func dotTile(g *gen, mr int, a gpr) {
	x := g.vs(8) // of w and of rows
	acc := make([][]vreg, mr)
	for i := range acc {
		acc[i] = g.vs(4)
	}
	t := newTaps(g, "DotArgs", a, mr)
	w := g.r() // walks through W from end to end, for its taps follow each other

	// vectors adds the products of 4·n elements to accumulators from first on.
	vectors := func(n, first int) {
		load := func(p gpr, v []vreg) {
			switch n {
			case 1:
				g.p("FMOVQ.P 16(%v), %v", p, v[0])
			case 2:
				g.p("FLDPQ.P 32(%v), (%v, %v)", p, v[0], v[1])
			case 4:
				g.p("FLDPQ 32(%v), (%v, %v)", p, v[2], v[3])
				g.p("FLDPQ.P 64(%v), (%v, %v)", p, v[0], v[1])
			}
		}
		load(w, x[:4])
		for i, p := range t.p {
			load(p, x[4:])
			for v := range n {
				g.fmla(acc[i][first+v], x[4+v], x[v])
			}
		}
	}
	// rest adds those of the last one to three elements, to the first lanes of an accumulator.
	rest := func(to int) {
		one, add := g.fresh("one"), g.fresh("add")
		operands := append([]gpr{w}, t.p...)
		each := func(f func(p gpr, v vreg)) {
			for i, p := range operands {
				f(p, x[i])
			}
		}
		g.p("TBZ $1, %v, %s", t.left, g.at(one))
		each(func(p gpr, v vreg) { g.p("FMOVD.P 8(%v), %v", p, v) })
		g.p("TBZ $0, %v, %s", t.left, g.at(add))
		each(func(p gpr, v vreg) { g.p("VLD1.P 4(%v), V%d.S[2]", p, int(v)) })
		g.p("B %s", g.at(add))
		g.l(one)
		each(func(p gpr, v vreg) { g.p("FMOVS.P 4(%v), %v", p, v) })
		g.l(add)
		for i := range acc {
			g.fmla(acc[i][to], x[1+i], x[0])
		}
	}

	t.begin(func() {
		for _, v := range acc {
			g.clear(v...)
		}
		g.p("MOVD %s, %v", t.field("W"), w)
	})
	g.p("SUBS $16, %v, %v", t.k, t.left)
	g.p("BLT %s", g.at("few"))
	g.l("loop")
	vectors(4, 0)
	g.p("SUBS $16, %v", t.left)
	g.p("BGE %s", g.at("loop"))
	g.l("few")
	g.p("ADD $16, %v", t.left)
	g.p("TBZ $3, %v, %s", t.left, g.at("four"))
	vectors(2, 0)
	g.l("four")
	g.p("TBZ $2, %v, %s", t.left, g.at("rest"))
	vectors(1, 2)
	g.p("TST $3, %v", t.left)
	g.p("BEQ %s", g.at("next"))
	rest(3)
	g.p("B %s", g.at("next"))
	g.l("rest")
	g.p("TST $3, %v", t.left)
	g.p("BEQ %s", g.at("next"))
	rest(2)
	g.l("next")
	t.nextTap()
	for _, v := range acc {
		g.fadd(v[0], v[0], v[2])
		g.fadd(v[1], v[1], v[3])
		g.fadd(v[0], v[0], v[1])
		g.hsum(v[0], v[1])
	}
	flag := t.tmp
	g.p("MOVBU %s, %v", t.field("Accumulate"), flag)
	g.p("CBZ %v, %s", flag, g.at("store"))
	for i, p := range t.p {
		g.p("FMOVS (%v), %v", p, x[0])
		g.p("FADDS %v, %v", x[0], acc[i][0])
	}
	g.l("store")
	for i, p := range t.p {
		g.p("FMOVS %v, (%v)", acc[i][0], p)
	}
	t.nextTile()
}

// hsum adds the lanes of v by halves: l + l+2, then 0 + 1. The sum is lane 0; tmp is lost.
func (g *gen) hsum(v, tmp vreg) {
	g.fold(tmp, v)
	g.fadd(v, v, tmp)
	g.faddp(v, v)
}
