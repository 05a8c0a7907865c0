package main

import "fmt"

// outer writes outerNNEON for 16 and 8 columns, each with a body for 1 to 6 rows.
func outer(g *gen) {
	for _, cols := range []int{16, 8} {
		g.begin(fmt.Sprintf("outer%dNEON", cols), "func(mr int, a *OuterArgs)")
		g.byRows(func(mr int, a gpr) { outerTile(g, mr, cols/4, a) })
		g.end()
	}
}

// outerTile takes two p a turn, so that the loads of one hide behind the products of the other. One p of 6 rows by
// 16 columns is 4 loads and 2 additions to pointers for 24 products.
func outerTile(g *gen, mr, nv int, args gpr) {
	field := func(name string) string { return fmt.Sprintf("OuterArgs_%s(%v)", name, args) }
	load := func(name string) gpr {
		r := g.r()
		g.p("MOVD %s, %v", field(name), r)
		return r
	}
	b := g.vs(nv)
	av := g.vs(2)
	c := newTile(g, mr, nv)
	pa, pb, pc, table := load("A"), g.r(), load("C"), load("AOffs")
	lda, ldb, ldc, zero, tiles := load("LdA"), load("LdB"), load("LdC"), load("Zero"), load("Tiles")
	for _, r := range []gpr{lda, ldb, ldc} {
		g.p("LSL $2, %v", r)
	}
	n, row, offs := g.r(), g.r(), g.r()
	first, listed := g.r(), load("BOffs")

	step := func() {
		e := loadRow(g, mr, row, av)
		for v := 0; v < nv; v += 2 {
			g.p("FLDPQ %d(%v), (%v, %v)", 16*v, pb, b[v], b[v+1])
		}
		g.p("ADD %v, %v", ldb, pb)
		for v := range b {
			c.add(v, b[v], e)
		}
	}
	fixed := func() { // rows of A at a fixed stride
		step()
		g.p("ADD %v, %v", lda, row)
	}
	gather := func() { // rows of A from a table of offsets
		g.p("MOVW.P 4(%v), %v", offs, row)
		g.p("CMP $0, %v", row)
		g.p("ADD %v<<2, %v, %v", row, pa, row) // leaves the flags alone
		g.p("CSEL LT, %v, %v, %v", zero, row, row)
		step()
	}
	list := func() { // and of B from a table of offsets
		g.p("MOVW.P 4(%v), %v", offs, pb)
		g.p("ADD %v<<2, %v, %v", pb, first, pb)
		fixed()
	}
	// walk is all p, two a turn.
	walk := func(name string, one func()) {
		g.p("SUBS $2, %v", n)
		g.p("BLT %s", g.at("last"+name))
		g.l("two" + name)
		one()
		one()
		g.p("SUBS $2, %v", n)
		g.p("BGE %s", g.at("two"+name))
		g.l("last" + name)
		g.p("ADDS $2, %v", n)
		g.p("BLE %s", g.at("sum"))
		one()
	}

	g.l("tile")
	g.clear(c.acc...)
	g.p("MOVD %s, %v", field("B"), pb)
	g.p("MOVD %s, %v", field("P"), n)
	g.p("CBNZ %v, %s", table, g.at("gather"))
	g.p("MOVD %v, %v", pa, row)
	g.p("CBNZ %v, %s", listed, g.at("listed"))
	walk("Fixed", fixed)
	g.p("B %s", g.at("sum"))
	g.l("listed")
	g.p("MOVD %v, %v", pb, first)
	g.p("MOVD %v, %v", listed, offs)
	walk("Listed", list)
	g.p("B %s", g.at("sum"))
	g.l("gather")
	g.p("MOVD %v, %v", table, offs)
	walk("Gather", gather)

	g.l("sum")
	rows := make([]gpr, mr)
	for i := range rows {
		rows[i] = g.r()
		g.p("MOVD %v, %v", pc, rows[i])
		g.p("ADD %v, %v", ldc, pc)
	}
	c.store(rows, field("Accumulate"), b[0], b[1])
	g.p("ADD $%d, %v", 4*mr, pa)
	g.p("SUBS $1, %v", tiles)
	g.p("BGT %s", g.at("tile"))
}

// loadRow loads exactly mr elements from p on into two registers and says which lane each is.
func loadRow(g *gen, mr int, p gpr, v []vreg) []lane {
	var e []lane
	for _, r := range v {
		op, n := "FMOVS", 1
		switch left := mr - len(e); {
		case left >= 4:
			op, n = "FMOVQ", 4
		case left >= 2:
			op, n = "FMOVD", 2
		case left == 0:
			return e
		}
		g.p("%s %d(%v), %v", op, 4*len(e), p, r)
		for i := range n {
			e = append(e, lane{r, i})
		}
	}
	return e
}
