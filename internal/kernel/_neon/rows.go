package main

import "fmt"

// rows writes rows16NEON and rows8NEON, each with code for 1 to 6 rows.
func rows(g *gen) {
	for _, cols := range []int{16, 8} {
		g.begin(fmt.Sprintf("rows%dNEON", cols), "func(mr int, a *RowsArgs)")
		g.byRows(func(mr int, a gpr) { rowsTile(g, mr, cols/4, a) })
		g.end()
	}
}

// byRows writes the code of body for each number of rows, and a jump to it. The argument a is the register of the arguments.
func (g *gen) byRows(body func(mr int, a gpr)) {
	mr, a := g.arg("mr"), g.arg("a")
	for m := maxRows - 1; m >= 1; m-- {
		g.emit("CMP $%d, %v", m, mr)
		g.emit("BEQ rows%d", m)
	}
	gpr, busy := g.gpr, g.used
	for m := maxRows; m >= 1; m-- {
		if m < maxRows {
			g.emit("RET")
			g.label(fmt.Sprintf("rows%d", m))
		}
		g.gpr, g.used, g.suffix = gpr, busy, fmt.Sprint(m)
		body(m, a)
		g.suffix = ""
	}
}

// A tile is mr rows of nv vector accumulators.
type tile struct {
	g      *gen
	mr, nv int
	acc    []vreg
}

func newTile(g *gen, mr, nv int) tile { return tile{g, mr, nv, g.newVecs(mr * nv)} }

// add adds the product of b and element i of a to vector v of each row i.
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

// store writes the tile to its rows c, or adds it to them if the byte at accumulate is not 0. It overwrites x and y.
func (t tile) store(c []gpr, accumulate string, x, y vreg) {
	g, flag := t.g, t.g.newReg()
	g.emit("MOVBU %s, %v", accumulate, flag)
	g.emit("CBZ %v, %s", flag, g.labelName("store"))
	for i := 0; i < len(t.acc); i += 2 {
		g.emit("FLDPQ %d(%v), (%v, %v)", i%t.nv*16, c[i/t.nv], x, y)
		g.fadd(t.acc[i], t.acc[i], x)
		g.fadd(t.acc[i+1], t.acc[i+1], y)
	}
	g.label("store")
	for i := 0; i < len(t.acc); i += 2 {
		g.emit("FSTPQ (%v, %v), %d(%v)", t.acc[i], t.acc[i+1], i%t.nv*16, c[i/t.nv])
	}
}

// taps is the loop over tiles, taps and row pointers, which Rows and Dot share.
type taps struct {
	g                            *gen
	a                            gpr
	typ                          string // the type of a
	base, zero, offs, k, n, left gpr    // k: K; n: the remaining taps; left: the remaining elements of k
	coffs, tiles                 gpr
	tmp                          gpr
	p                            []gpr // the rows of this tap, and then the rows of C
}

// newTaps loads the arguments and returns the loop for mr rows.
func newTaps(g *gen, typ string, a gpr, mr int) *taps {
	t := &taps{g: g, a: a, typ: typ}
	for _, f := range []struct {
		r    *gpr
		name string
	}{{&t.base, "Base"}, {&t.zero, "Zero"}, {&t.offs, "Offs"}, {&t.k, "K"}, {&t.coffs, "COffs"}, {&t.tiles, "Tiles"}} {
		*f.r = g.newReg()
		g.emit("MOVD %s, %v", t.field(f.name), *f.r)
	}
	t.n, t.left, t.tmp = g.newReg(), g.newReg(), g.newReg()
	for range mr {
		t.p = append(t.p, g.newReg())
	}
	return t
}

// field returns the address of a field of the arguments.
func (t *taps) field(name string) string { return fmt.Sprintf("%s_%s(%v)", t.typ, name, t.a) }

// begin starts a tile at label "tile" and a tap at label "tap". Without taps it jumps to label "sum". clear writes the code that
// initialises a tile.
func (t *taps) begin(clear func()) {
	g := t.g
	g.label("tile")
	clear()
	g.emit("MOVD %s, %v", t.field("Taps"), t.n)
	g.emit("CMP $0, %v", t.n)
	g.emit("BLE %s", g.labelName("sum"))
	g.label("tap")
	for i, p := range t.p {
		g.emit("MOVW %d(%v), %v", 4*i, t.offs, t.tmp)
		g.emit("ADD %v<<2, %v, %v", t.tmp, t.base, p)
		g.emit("CMP $0, %v", t.tmp)
		g.emit("CSEL LT, %v, %v, %v", t.zero, p, p)
	}
}

// nextTap ends a tap and jumps to the next one. After the last tap it computes the addresses of the rows of C, at label "sum".
func (t *taps) nextTap() {
	g := t.g
	g.emit("ADD $%d, %v", 4*maxRows, t.offs)
	g.emit("SUBS $1, %v", t.n)
	g.emit("BGT %s", g.labelName("tap"))
	g.label("sum")
	g.emit("MOVD %s, %v", t.field("C"), t.left)
	for i, p := range t.p {
		g.emit("MOVW %d(%v), %v", 4*i, t.coffs, t.tmp)
		g.emit("ADD %v<<2, %v, %v", t.tmp, t.left, p)
	}
}

// nextTile jumps to the next tile, whose offsets follow in both tables.
func (t *taps) nextTile() {
	g := t.g
	g.emit("ADD $%d, %v", 4*maxRows, t.coffs)
	g.emit("SUBS $1, %v", t.tiles)
	g.emit("BGT %s", g.labelName("tile"))
}

// rowsTile writes the code for mr rows and 4·nv columns. It computes four k in each iteration, with a vector of A from each row
// and two registers for the vectors of W, each of which is loaded as soon as the products with the one before have started.
// The 24 accumulators, 6 vectors of A and 2 of W use all 32 registers. The loop of 6 rows and 16 columns has 124 instructions:
// 96 products (FMLA), 22 loads, and 6 for pointers and the loop. If a core can start half as many loads in a cycle as
// products, and 1.3 times as many instructions, the products determine the speed. There are mr·nv independent products, 24
// here, and 4 pipes with a latency of 4 need 16.
func rowsTile(g *gen, mr, nv int, a gpr) {
	b := [2]vreg{g.newVec(), g.newVec()}
	av := g.newVecs(mr)
	c := newTile(g, mr, nv)
	t := newTaps(g, "RowsArgs", a, mr)
	w, ldw := g.newReg(), g.newReg()
	g.emit("MOVD %s, %v", t.field("LdW"), ldw)
	g.emit("LSL $2, %v", ldw)

	// steps adds the products for n values of k, whose elements of A are in av.
	steps := func(n int) {
		load := func(i int) {
			if i >= n*nv {
				return
			}
			g.emit("FMOVQ %d(%v), %v", i%nv*16, w, b[i%2])
			if i%nv == nv-1 {
				g.emit("ADD %v, %v", ldw, w)
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
		g.emit("MOVD %s, %v", t.field("W"), w)
	})
	g.emit("SUBS $4, %v, %v", t.k, t.left)
	g.emit("BLT %s", g.labelName("few"))
	g.label("loop")
	for i, p := range t.p {
		g.emit("FMOVQ.P 16(%v), %v", p, av[i])
	}
	steps(4)
	g.emit("SUBS $4, %v", t.left)
	g.emit("BGE %s", g.labelName("loop"))
	g.label("few")
	g.emit("ADDS $4, %v", t.left)
	g.emit("BLE %s", g.labelName("next"))
	g.label("one")
	for i, p := range t.p {
		g.emit("FMOVS.P 4(%v), %v", p, av[i])
	}
	steps(1)
	g.emit("SUBS $1, %v", t.left)
	g.emit("BGT %s", g.labelName("one"))
	g.label("next")
	t.nextTap()
	c.store(t.p, t.field("Accumulate"), b[0], b[1])
	t.nextTile()
}
