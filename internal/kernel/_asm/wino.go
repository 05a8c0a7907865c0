package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wino writes the functions of wino.go.
func wino(g *gen) {
	for _, terms := range []int{1, 2, 4} {
		combine(g, terms)
	}
	g.eachWidth(func(suffix string) { inverse(g, suffix) })
}

// combine writes combine1, combine2 or combine4. They work row by row, with the two vectors of a panel in each iteration.
func combine(g *gen, terms int) {
	g.begin(fmt.Sprintf("combine%d", terms))
	a := g.Dereference(g.Param("a"))
	rows := g.load(a.Field("Rows"))
	g.TESTQ(rows, rows)
	g.JLE(LabelRef("done"))
	panel := g.GP64() // the distance of the panels in bytes
	g.MOVQ(rows, panel)
	g.SHLQ(U8(6), panel)
	base, zero := g.load(a.Field("Base")), g.load(a.Field("Zero"))
	offs, dst := g.load(a.Field("Offs")), g.load(a.Field("Dst"))
	n := g.GP64()
	g.MOVQ(g.addr(a.Field("N")), n)
	g.ANDQ(U8(7), n)
	mask := g.firstLanes(n)
	sign := g.YMM()
	g.VBROADCASTSS(g.addr(a.Field("Sign")), sign)
	var x [4]reg.GPVirtual
	for i := range terms {
		x[i] = g.GP64()
	}
	d, i := g.GP64(), g.GP64()
	// vector combines the vectors at byte i+disp of the rows.
	vector := func(disp int, masked bool) {
		at := func(t int) Mem { return Mem{Base: x[t], Index: i, Scale: 1, Disp: disp} }
		get := func(t int) reg.VecVirtual {
			v := g.YMM()
			if masked {
				g.loadMasked(at(t), mask, v)
			} else {
				g.VMOVUPS(at(t), v)
			}
			return v
		}
		var term [4]Op
		for t := range terms {
			if masked || t%2 == 1 || terms == 1 {
				term[t] = get(t)
			} else {
				term[t] = at(t)
			}
		}
		y := term[0]
		if terms > 1 {
			y = term[1]
			g.VFMADD213PS(term[0], sign, y)
		}
		if terms > 2 {
			g.VFMADD213PS(term[2], sign, term[3])
			g.VFMADD231PS(term[3], sign, y)
		}
		if masked {
			g.storeMasked(y, mask, Mem{Base: d, Disp: disp})
		} else {
			g.VMOVUPS(y, Mem{Base: d, Disp: disp})
		}
	}
	g.Label("row")
	for t := range terms {
		g.MOVLQSX(Mem{Base: offs, Disp: 4 * t}, x[t])
		g.TESTQ(x[t], x[t])
		g.LEAQ(Mem{Base: base, Index: x[t], Scale: 4}, x[t]) // does not change the flags
		g.CMOVQLT(zero, x[t])
	}
	g.ADDQ(U8(4*terms), offs)
	g.MOVQ(dst, d)
	g.XORQ(i, i)
	g.MOVQ(g.addr(a.Field("N")), n)
	g.SUBQ(U8(16), n)
	g.JLT(LabelRef("half"))
	g.Label("two")
	vector(0, false)
	vector(32, false)
	g.ADDQ(U8(64), i)
	g.ADDQ(panel, d)
	g.SUBQ(U8(16), n)
	g.JGE(LabelRef("two"))
	g.Label("half")
	g.ADDQ(U8(8), n) // the number of remaining elements minus 8
	g.JLT(LabelRef("tail"))
	vector(0, false)
	g.ADDQ(U8(32), i)
	g.ADDQ(U8(32), d)
	g.SUBQ(U8(8), n)
	g.Label("tail")
	g.CMPQ(n, I8(-8))
	g.JEQ(LabelRef("next"))
	vector(0, true)
	g.Label("next")
	g.ADDQ(U8(64), dst)
	g.DECQ(rows)
	g.JNZ(LabelRef("row"))
	g.Label("done")
	g.end()
}

// inverse writes inverseAVX2 or inverseAVX512, which work tile by tile. The pointers to pixels point after the whole vectors of a row, so that
// one register is their index and the loop counter.
func inverse(g *gen, suffix string) {
	g.begin("inverse" + suffix)
	shift := map[int]uint8{8: 3, 16: 4}[g.lanes] // of the lanes of a vector
	a := g.Dereference(g.Param("a"))
	tiles := g.load(a.Field("Tiles"))
	g.TESTQ(tiles, tiles)
	g.JLE(LabelRef("done"))
	step, offs := g.load(a.Field("Step")), g.load(a.Field("COffs"))
	g.SHLQ(U8(2), step)
	var m [3]reg.Register // the rows of the matrix
	m[0] = g.load(a.Field("M"))
	for i := 1; i < 3; i++ {
		p := g.GP64()
		g.LEAQ(Mem{Base: m[i-1], Index: step, Scale: 2}, p)
		g.ADDQ(step, p)
		m[i] = p
	}
	i := g.GP64()
	g.MOVQ(g.addr(a.Field("N")), i)
	g.ANDQ(U8(g.lanes-1), i)
	mask := g.firstLanes(i)
	var y [4]reg.GPVirtual
	for k := range y {
		y[k] = g.GP64()
	}
	vector := func(masked bool) {
		load := func(x Mem) reg.VecVirtual {
			v := g.vector()
			if masked {
				g.loadMasked(x, mask, v)
			} else {
				g.VMOVUPS(x, v)
			}
			return v
		}
		store := func(v reg.VecVirtual, k int) {
			d := Mem{Base: y[k], Index: i, Scale: 1}
			if masked {
				g.storeMasked(v, mask, d)
			} else {
				g.VMOVUPS(v, d)
			}
		}
		var l, r [3]reg.VecVirtual
		for k := range m {
			l[k], r[k] = load(Mem{Base: m[k]}), load(Mem{Base: m[k], Index: step, Scale: 2})
			mid := load(Mem{Base: m[k], Index: step, Scale: 1})
			g.VADDPS(mid, l[k], l[k])
			g.VSUBPS(r[k], mid, r[k])
		}
		g.VADDPS(l[1], l[0], l[0])
		store(l[0], 0)
		g.VADDPS(r[1], r[0], r[0])
		store(r[0], 1)
		g.VSUBPS(l[2], l[1], l[1])
		store(l[1], 2)
		g.VSUBPS(r[2], r[1], r[1])
		store(r[1], 3)
	}
	g.Label("tile")
	g.MOVQ(g.addr(a.Field("N")), i)
	g.SHRQ(U8(shift), i)
	g.SHLQ(U8(shift+2), i)
	for k, p := range y {
		c := g.GP64()
		g.MOVQ(g.addr(a.Field("C")), c)
		g.MOVLQSX(Mem{Base: offs, Disp: 4 * k}, p)
		g.TESTQ(p, p)
		g.LEAQ(Mem{Base: c, Index: p, Scale: 4}, p) // does not change the flags
		g.CMOVQLT(g.addr(a.Field("Spare")), p)
		g.ADDQ(i, p)
	}
	g.ADDQ(U8(16), offs)
	g.NEGQ(i)
	g.JEQ(LabelRef("tail"))
	g.Label("loop")
	vector(false)
	for _, p := range m {
		g.ADDQ(U8(4*g.lanes), p)
	}
	g.ADDQ(U8(4*g.lanes), i)
	g.JNZ(LabelRef("loop"))
	g.Label("tail")
	n := g.GP64()
	g.MOVQ(g.addr(a.Field("N")), n)
	g.ANDQ(U8(g.lanes-1), n)
	g.JEQ(LabelRef("next"))
	vector(true)
	for _, p := range m {
		g.LEAQ(Mem{Base: p, Index: n, Scale: 4}, p)
	}
	g.Label("next")
	g.DECQ(tiles)
	g.JNZ(LabelRef("tile"))
	g.Label("done")
	g.end()
}
