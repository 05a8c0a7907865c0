package main

// pack writes the functions of pack.go.
func pack(g *gen) {
	packPanel(g)
	packT8(g)
}

// packPanel writes packPanelNEON, which copies k rows of 16 elements.
func packPanel(g *gen) {
	g.begin("packPanelNEON", "func(dst, src []float32, k, ld int)")
	dst, src, k, ld := g.arg("dst_base"), g.arg("src_base"), g.arg("k"), g.arg("ld")
	x := g.newVecs(4)
	g.emit("LSL $2, %v", ld)
	g.emit("CMP $0, %v", k)
	g.emit("BLE done")
	g.label("row")
	g.emit("FLDPQ 32(%v), (%v, %v)", src, x[2], x[3])
	g.emit("FLDPQ (%v), (%v, %v)", src, x[0], x[1])
	g.emit("ADD %v, %v", ld, src)
	g.emit("FSTPQ (%v, %v), 32(%v)", x[2], x[3], dst)
	g.emit("FSTPQ.P (%v, %v), 64(%v)", x[0], x[1], dst)
	g.emit("SUBS $1, %v", k)
	g.emit("BGT row")
	g.label("done")
	g.end()
}

// packT8 writes packT8NEON, which transposes 8 rows in blocks of 8 by 4, with two interleaved 4 by 4 transposes.
func packT8(g *gen) {
	g.begin("packT8NEON", "func(dst, src []float32, blocks, ld int)")
	dst, src, n, ld := g.arg("dst_base"), g.arg("src_base"), g.arg("blocks"), g.arg("ld")
	g.emit("LSL $2, %v", ld)
	var row [8]gpr
	for i := range row {
		row[i] = g.newReg()
		g.emit("MOVD %v, %v", src, row[i])
		g.emit("ADD %v, %v", ld, src)
	}
	g.emit("CMP $0, %v", n)
	g.emit("BLE done")
	g.label("block")
	x, t, y := g.newVecs(8), g.newVecs(8), g.newVecs(8)
	for i, r := range row {
		g.emit("FMOVQ.P 16(%v), %v", r, x[i])
	}
	for h := 0; h < 8; h += 4 {
		// t: elements 0, 2 of rows 0, 1; elements 1, 3 of them; the same of rows 2, 3.
		for i := range 4 {
			a, b := x[h+i&2], x[h+i&2+1]
			g.emit("VTRN%d %s, %s, %s", 1+i&1, b.s4(), a.s4(), t[h+i].s4())
		}
		// y: column j takes the half j/2 of both pairs of rows.
		for j := range 4 {
			a, b := t[h+j&1], t[h+2+j&1]
			g.emit("VTRN%d V%d.D2, V%d.D2, V%d.D2", 1+j/2, int(b), int(a), int(y[h+j]))
		}
	}
	for j := range 4 {
		g.emit("FSTPQ.P (%v, %v), 64(%v)", y[j], y[4+j], dst)
	}
	g.emit("SUBS $1, %v", n)
	g.emit("BGT block")
	g.label("done")
	g.end()
}
