package main

// dot writes dotNEON, with code for 1 to 6 rows.
func dot(g *gen) {
	g.begin("dotNEON", "func(mr int, a *DotArgs)")
	g.byRows(func(mr int, a gpr) { dotTile(g, mr, a) })
	g.end()
}

// dotTile writes the code for mr rows. Each row has 16 partial sums, in four vectors. After the last 16 elements of a tap, 8
// elements are added to the first eight sums, if there are so many, and the rest to the last eight sums, from their first on.
// This is the order of the amd64 assembly. For 6 rows, 24 products need 28 loaded vectors, so the loads determine the speed;
// they are in pairs.
func dotTile(g *gen, mr int, a gpr) {
	x := g.newVecs(8) // of w and of rows
	acc := make([][]vreg, mr)
	for i := range acc {
		acc[i] = g.newVecs(4)
	}
	t := newTaps(g, "DotArgs", a, mr)
	w := g.newReg() // the pointer into W, whose taps follow each other

	// vectors adds the products of 4·n elements to the accumulators from first on.
	vectors := func(n, first int) {
		load := func(p gpr, v []vreg) {
			switch n {
			case 1:
				g.emit("FMOVQ.P 16(%v), %v", p, v[0])
			case 2:
				g.emit("FLDPQ.P 32(%v), (%v, %v)", p, v[0], v[1])
			case 4:
				g.emit("FLDPQ 32(%v), (%v, %v)", p, v[2], v[3])
				g.emit("FLDPQ.P 64(%v), (%v, %v)", p, v[0], v[1])
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
	// rest adds the products of the last one to three elements to the first lanes of an accumulator.
	rest := func(to int) {
		one, add := g.newLabel("one"), g.newLabel("add")
		operands := append([]gpr{w}, t.p...)
		each := func(f func(p gpr, v vreg)) {
			for i, p := range operands {
				f(p, x[i])
			}
		}
		g.emit("TBZ $1, %v, %s", t.left, g.labelName(one))
		each(func(p gpr, v vreg) { g.emit("FMOVD.P 8(%v), %v", p, v) })
		g.emit("TBZ $0, %v, %s", t.left, g.labelName(add))
		each(func(p gpr, v vreg) { g.emit("VLD1.P 4(%v), V%d.S[2]", p, int(v)) })
		g.emit("B %s", g.labelName(add))
		g.label(one)
		each(func(p gpr, v vreg) { g.emit("FMOVS.P 4(%v), %v", p, v) })
		g.label(add)
		for i := range acc {
			g.fmla(acc[i][to], x[1+i], x[0])
		}
	}

	t.begin(func() {
		for _, v := range acc {
			g.clear(v...)
		}
		g.emit("MOVD %s, %v", t.field("W"), w)
	})
	g.emit("SUBS $16, %v, %v", t.k, t.left)
	g.emit("BLT %s", g.labelName("few"))
	g.label("loop")
	vectors(4, 0)
	g.emit("SUBS $16, %v", t.left)
	g.emit("BGE %s", g.labelName("loop"))
	g.label("few")
	g.emit("ADD $16, %v", t.left)
	g.emit("TBZ $3, %v, %s", t.left, g.labelName("four"))
	vectors(2, 0)
	g.label("four")
	g.emit("TBZ $2, %v, %s", t.left, g.labelName("rest"))
	vectors(1, 2)
	g.emit("TST $3, %v", t.left)
	g.emit("BEQ %s", g.labelName("next"))
	rest(3)
	g.emit("B %s", g.labelName("next"))
	g.label("rest")
	g.emit("TST $3, %v", t.left)
	g.emit("BEQ %s", g.labelName("next"))
	rest(2)
	g.label("next")
	t.nextTap()
	for _, v := range acc {
		g.fadd(v[0], v[0], v[2])
		g.fadd(v[1], v[1], v[3])
		g.fadd(v[0], v[0], v[1])
		g.hsum(v[0], v[1])
	}
	flag := t.tmp
	g.emit("MOVBU %s, %v", t.field("Accumulate"), flag)
	g.emit("CBZ %v, %s", flag, g.labelName("store"))
	for i, p := range t.p {
		g.emit("FMOVS (%v), %v", p, x[0])
		g.emit("FADDS %v, %v", x[0], acc[i][0])
	}
	g.label("store")
	for i, p := range t.p {
		g.emit("FMOVS %v, (%v)", acc[i][0], p)
	}
	t.nextTile()
}

// hsum adds the lanes of v in halves: l + l+2, then 0 + 1. The sum is in lane 0. It overwrites tmp.
func (g *gen) hsum(v, tmp vreg) {
	g.fold(tmp, v)
	g.fadd(v, v, tmp)
	g.faddp(v, v)
}
