package main

import "fmt"

// outer writes outer16NEON and outer8NEON, each with code for 1 to 6 rows.
func outer(g *gen) {
	for _, cols := range []int{16, 8} {
		g.begin(fmt.Sprintf("outer%dNEON", cols), "func(mr int, a *OuterArgs)")
		g.byRows(func(mr int, a gpr) { outerTile(g, mr, cols/4, a) })
		g.end()
	}
}

// outerTile writes the code for mr rows and 4·nv columns. It computes two p in each iteration, so that the loads of one overlap
// with the products of the other. One p of 6 rows and 16 columns has 4 loads and 2 pointer additions for 24 products.
func outerTile(g *gen, mr, nv int, args gpr) {
	field := func(name string) string { return fmt.Sprintf("OuterArgs_%s(%v)", name, args) }
	load := func(name string) gpr {
		r := g.newReg()
		g.emit("MOVD %s, %v", field(name), r)
		return r
	}
	b := g.newVecs(nv)
	av := g.newVecs(2)
	c := newTile(g, mr, nv)
	pa, pb, pc, table := load("A"), g.newReg(), load("C"), load("AOffs")
	lda, ldb, ldc, zero, tiles := load("LdA"), load("LdB"), load("LdC"), load("Zero"), load("Tiles")
	for _, r := range []gpr{lda, ldb, ldc} {
		g.emit("LSL $2, %v", r)
	}
	n, row, offs := g.newReg(), g.newReg(), g.newReg()
	first, listed := g.newReg(), load("BOffs")

	step := func() {
		e := loadRow(g, mr, row, av)
		for v := 0; v < nv; v += 2 {
			g.emit("FLDPQ %d(%v), (%v, %v)", 16*v, pb, b[v], b[v+1])
		}
		g.emit("ADD %v, %v", ldb, pb)
		for v := range b {
			c.add(v, b[v], e)
		}
	}
	fixed := func() { // rows of A at a fixed stride
		step()
		g.emit("ADD %v, %v", lda, row)
	}
	gather := func() { // rows of A from a table of offsets
		g.emit("MOVW.P 4(%v), %v", offs, row)
		g.emit("CMP $0, %v", row)
		g.emit("ADD %v<<2, %v, %v", row, pa, row) // does not change the flags
		g.emit("CSEL LT, %v, %v, %v", zero, row, row)
		step()
	}
	list := func() { // rows of A at a fixed stride, and rows of B from a table of offsets
		g.emit("MOVW.P 4(%v), %v", offs, pb)
		g.emit("ADD %v<<2, %v, %v", pb, first, pb)
		fixed()
	}
	// walk loops over p, two in each iteration.
	walk := func(name string, one func()) {
		g.emit("SUBS $2, %v", n)
		g.emit("BLT %s", g.labelName("last"+name))
		g.label("two" + name)
		one()
		one()
		g.emit("SUBS $2, %v", n)
		g.emit("BGE %s", g.labelName("two"+name))
		g.label("last" + name)
		g.emit("ADDS $2, %v", n)
		g.emit("BLE %s", g.labelName("sum"))
		one()
	}

	g.label("tile")
	g.clear(c.acc...)
	g.emit("MOVD %s, %v", field("B"), pb)
	g.emit("MOVD %s, %v", field("P"), n)
	g.emit("CBNZ %v, %s", table, g.labelName("gather"))
	g.emit("MOVD %v, %v", pa, row)
	g.emit("CBNZ %v, %s", listed, g.labelName("listed"))
	walk("Fixed", fixed)
	g.emit("B %s", g.labelName("sum"))
	g.label("listed")
	g.emit("MOVD %v, %v", pb, first)
	g.emit("MOVD %v, %v", listed, offs)
	walk("Listed", list)
	g.emit("B %s", g.labelName("sum"))
	g.label("gather")
	g.emit("MOVD %v, %v", table, offs)
	walk("Gather", gather)

	g.label("sum")
	rows := make([]gpr, mr)
	for i := range rows {
		rows[i] = g.newReg()
		g.emit("MOVD %v, %v", pc, rows[i])
		g.emit("ADD %v, %v", ldc, pc)
	}
	c.store(rows, field("Accumulate"), b[0], b[1])
	g.emit("ADD $%d, %v", 4*mr, pa)
	g.emit("SUBS $1, %v", tiles)
	g.emit("BGT %s", g.labelName("tile"))
}

// loadRow loads mr elements from p on into two registers, and returns the lane of each.
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
		g.emit("%s %d(%v), %v", op, 4*len(e), p, r)
		for i := range n {
			e = append(e, lane{r, i})
		}
	}
	return e
}
