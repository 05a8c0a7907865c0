package main

func pack(g *gen) {
	packPanel(g)
	packT8(g)
}

// packPanel copies k rows of 16.
func packPanel(g *gen) {
	g.begin("packPanelNEON", "func(dst, src []float32, k, ld int)")
	dst, src, k, ld := g.arg("dst_base"), g.arg("src_base"), g.arg("k"), g.arg("ld")
	x := g.vs(4)
	g.p("LSL $2, %v", ld)
	g.p("CMP $0, %v", k)
	g.p("BLE done")
	g.l("row")
	g.p("FLDPQ 32(%v), (%v, %v)", src, x[2], x[3])
	g.p("FLDPQ (%v), (%v, %v)", src, x[0], x[1])
	g.p("ADD %v, %v", ld, src)
	g.p("FSTPQ (%v, %v), 32(%v)", x[2], x[3], dst)
	g.p("FSTPQ.P (%v, %v), 64(%v)", x[0], x[1], dst)
	g.p("SUBS $1, %v", k)
	g.p("BGT row")
	g.l("done")
	g.end()
}

// packT8 transposes 8 rows in blocks of 8 by 4, two transposes of four by four side by side.
func packT8(g *gen) {
	g.begin("packT8NEON", "func(dst, src []float32, blocks, ld int)")
	dst, src, n, ld := g.arg("dst_base"), g.arg("src_base"), g.arg("blocks"), g.arg("ld")
	g.p("LSL $2, %v", ld)
	var row [8]gpr
	for i := range row {
		row[i] = g.r()
		g.p("MOVD %v, %v", src, row[i])
		g.p("ADD %v, %v", ld, src)
	}
	g.p("CMP $0, %v", n)
	g.p("BLE done")
	g.l("block")
	x, t, y := g.vs(8), g.vs(8), g.vs(8)
	for i, r := range row {
		g.p("FMOVQ.P 16(%v), %v", r, x[i])
	}
	for h := 0; h < 8; h += 4 {
		// t: elements 0, 2 of rows 0, 1; elements 1, 3 of them; the same of rows 2, 3.
		for i := range 4 {
			a, b := x[h+i&2], x[h+i&2+1]
			g.p("VTRN%d %s, %s, %s", 1+i&1, b.s4(), a.s4(), t[h+i].s4())
		}
		// y: column j takes the half j/2 of both pairs of rows.
		for j := range 4 {
			a, b := t[h+j&1], t[h+2+j&1]
			g.p("VTRN%d V%d.D2, V%d.D2, V%d.D2", 1+j/2, int(b), int(a), int(y[h+j]))
		}
	}
	for j := range 4 {
		g.p("FSTPQ.P (%v, %v), 64(%v)", y[j], y[4+j], dst)
	}
	g.p("SUBS $1, %v", n)
	g.p("BGT block")
	g.l("done")
	g.end()
}
