package main

import "fmt"

// rows writes rowsNNEON for 16 and 8 columns, each with a body for 1 to 6 rows.
func rows(g *gen) {
	for _, cols := range []int{16, 8} {
		g.begin(fmt.Sprintf("rows%dNEON", cols), "func(mr int, a *RowsArgs)")
		g.byRows(func(mr int, a gpr) { rowsTile(g, mr, cols/4, a) })
		g.end()
	}
}

// byRows writes a body for each number of rows and a choice between them. A body is given the register of a, and
// ends the function.
func (g *gen) byRows(body func(mr int, a gpr)) {
	mr, a := g.arg("mr"), g.arg("a")
	for m := maxRows - 1; m >= 1; m-- {
		g.p("CMP $%d, %v", m, mr)
		g.p("BEQ rows%d", m)
	}
	gpr, busy := g.gpr, g.busy
	for m := maxRows; m >= 1; m-- {
		if m < maxRows {
			g.p("RET")
			g.l(fmt.Sprintf("rows%d", m))
		}
		g.gpr, g.busy, g.suffix = gpr, busy, fmt.Sprint(m)
		body(m, a)
		g.suffix = ""
	}
}

// A tile is mr rows of nv vectors of accumulators, row by row.
type tile struct {
	g      *gen
	mr, nv int
	acc    []vreg
}

func newTile(g *gen, mr, nv int) tile { return tile{g, mr, nv, g.vs(mr * nv)} }

// add adds to vector v of every row the product of b and that row's element of a.
func (t tile) add(v int, b vreg, a []lane) {
	for i, e := range a {
		t.g.fmlaLane(t.acc[i*t.nv+v], b, e.v, e.i)
	}
}

// A lane is one element of a vector register.
type lane struct {
	v vreg
	i int
}

// store writes the tile to its rows c, adding what is there if the byte at accumulate is not 0; x and y are lost.
func (t tile) store(c []gpr, accumulate string, x, y vreg) {
	g, flag := t.g, t.g.r()
	g.p("MOVBU %s, %v", accumulate, flag)
	g.p("CBZ %v, %s", flag, g.at("store"))
	for i := 0; i < len(t.acc); i += 2 {
		g.p("FLDPQ %d(%v), (%v, %v)", i%t.nv*16, c[i/t.nv], x, y)
		g.fadd(t.acc[i], t.acc[i], x)
		g.fadd(t.acc[i+1], t.acc[i+1], y)
	}
	g.l("store")
	for i := 0; i < len(t.acc); i += 2 {
		g.p("FSTPQ (%v, %v), %d(%v)", t.acc[i], t.acc[i+1], i%t.nv*16, c[i/t.nv])
	}
}

// taps is what Rows and Dot share: the walk over tiles, taps and row pointers.
type taps struct {
	g                            *gen
	a                            gpr
	typ                          string // of a
	base, zero, offs, k, n, left gpr    // k: K; n: taps left; left: elements of k left
	coffs, tiles                 gpr
	tmp                          gpr
	p                            []gpr // rows of this tap, then of C
}

func newTaps(g *gen, typ string, a gpr, mr int) *taps {
	t := &taps{g: g, a: a, typ: typ}
	for _, f := range []struct {
		r    *gpr
		name string
	}{{&t.base, "Base"}, {&t.zero, "Zero"}, {&t.offs, "Offs"}, {&t.k, "K"}, {&t.coffs, "COffs"}, {&t.tiles, "Tiles"}} {
		*f.r = g.r()
		g.p("MOVD %s, %v", t.field(f.name), *f.r)
	}
	t.n, t.left, t.tmp = g.r(), g.r(), g.r()
	for range mr {
		t.p = append(t.p, g.r())
	}
	return t
}

// field is where a field of the arguments stands.
func (t *taps) field(name string) string { return fmt.Sprintf("%s_%s(%v)", t.typ, name, t.a) }

// begin starts a tile at label "tile" and a tap at label "tap"; without taps it goes to label "sum". clear sets what
// is for each tile.
func (t *taps) begin(clear func()) {
	g := t.g
	g.l("tile")
	clear()
	g.p("MOVD %s, %v", t.field("Taps"), t.n)
	g.p("CMP $0, %v", t.n)
	g.p("BLE %s", g.at("sum"))
	g.l("tap")
	for i, p := range t.p {
		g.p("MOVW %d(%v), %v", 4*i, t.offs, t.tmp)
		g.p("ADD %v<<2, %v, %v", t.tmp, t.base, p)
		g.p("CMP $0, %v", t.tmp)
		g.p("CSEL LT, %v, %v, %v", t.zero, p, p)
	}
}

// nextTap ends a tap and goes to the next one; after the last come the rows of C, at label "sum".
func (t *taps) nextTap() {
	g := t.g
	g.p("ADD $%d, %v", 4*maxRows, t.offs)
	g.p("SUBS $1, %v", t.n)
	g.p("BGT %s", g.at("tap"))
	g.l("sum")
	g.p("MOVD %s, %v", t.field("C"), t.left)
	for i, p := range t.p {
		g.p("MOVW %d(%v), %v", 4*i, t.coffs, t.tmp)
		g.p("ADD %v<<2, %v, %v", t.tmp, t.left, p)
	}
}

// nextTile goes to the next tile: its offsets follow those just used, in both tables.
func (t *taps) nextTile() {
	g := t.g
	g.p("ADD $%d, %v", 4*maxRows, t.coffs)
	g.p("SUBS $1, %v", t.tiles)
	g.p("BGT %s", g.at("tile"))
}

// rowsTile takes four k a turn: a vector of A from each row, and two registers for the vectors of W, each loaded as
// soon as the products with the one before are under way. So 24 accumulators, 6 vectors of A and 2 of W are the 32
// registers there are. The loop of 6 rows by 16 columns is 124 instructions: 96 products (FMLA), 22 loads, 6 on
// pointers and the turn. A core with as many loads a cycle as half its products, and 1.3 times as many instructions,
// is bound by its products alone; the products of a chain are mr·nv apart, 24 here, and 4 pipes of latency 4 need 16.
func rowsTile(g *gen, mr, nv int, a gpr) {
	b := [2]vreg{g.v(), g.v()}
	av := g.vs(mr)
	c := newTile(g, mr, nv)
	t := newTaps(g, "RowsArgs", a, mr)
	w, ldw := g.r(), g.r()
	g.p("MOVD %s, %v", t.field("LdW"), ldw)
	g.p("LSL $2, %v", ldw)

	// steps adds the products of n elements of k, whose elements of A are in av.
	steps := func(n int) {
		load := func(i int) {
			if i >= n*nv {
				return
			}
			g.p("FMOVQ %d(%v), %v", i%nv*16, w, b[i%2])
			if i%nv == nv-1 {
				g.p("ADD %v, %v", ldw, w)
			}
		}
		load(0)
		load(1)
		for i := range n * nv {
			var e []lane
			for _, v := range av {
				e = append(e, lane{v, i / nv})
			}
			c.add(i%nv, b[i%2], e)
			load(i + 2)
		}
	}
	t.begin(func() {
		g.clear(c.acc...)
		g.p("MOVD %s, %v", t.field("W"), w)
	})
	g.p("SUBS $4, %v, %v", t.k, t.left)
	g.p("BLT %s", g.at("few"))
	g.l("loop")
	for i, p := range t.p {
		g.p("FMOVQ.P 16(%v), %v", p, av[i])
	}
	steps(4)
	g.p("SUBS $4, %v", t.left)
	g.p("BGE %s", g.at("loop"))
	g.l("few")
	g.p("ADDS $4, %v", t.left)
	g.p("BLE %s", g.at("next"))
	g.l("one")
	for i, p := range t.p {
		g.p("FMOVS.P 4(%v), %v", p, av[i])
	}
	steps(1)
	g.p("SUBS $1, %v", t.left)
	g.p("BGT %s", g.at("one"))
	g.l("next")
	t.nextTap()
	c.store(t.p, t.field("Accumulate"), b[0], b[1])
	t.nextTile()
}
