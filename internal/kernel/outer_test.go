package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/imago-ml/imago/internal/cpuid"
)

func TestOuter(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for mr := 1; mr <= MaxRows; mr++ {
			for cols := 1; cols <= 70; cols++ {
				for p := range 20 {
					if cols > PanelCols+1 && p > 5 {
						continue
					}
					for _, rows := range []string{"fixed", "gathered", "listed"} {
						for _, acc := range []bool{false, true} {
							testOuter(t, r, mr, 1+r.IntN(3), cols, p, rows, acc)
						}
					}
				}
			}
		}
	})
}

// testOuter checks Outer against float64. The argument layout is "fixed" for rows at fixed strides, "gathered" for rows of A
// at the offsets of a table, and "listed" for rows of B at the offsets of a table.
func testOuter(t *testing.T, r *rand.Rand, mr, tiles, cols, p int, layout string, acc bool) {
	rows, gather := mr*tiles, layout == "gathered"
	lda, ldb, ldc := rows+r.IntN(4), cols+r.IntN(20), cols+r.IntN(4)
	panel := PanelCols
	if r.IntN(2) == 0 { // packed
		ldb, panel = PanelCols, p*PanelCols+r.IntN(3)
	}
	at := func(q, j int) int { return j/PanelCols*panel + q*ldb + j%PanelCols }
	a := random(r, max(0, (p-1)*lda+rows))
	last := 0
	if p > 0 {
		last = at(p-1, cols-1) + 1
	}
	b := newGuarded(last) // elements that are not read are NaN
	for q := range p {
		for j := range cols {
			b.x[at(q, j)] = float32(r.NormFloat64())
		}
	}
	c := random(r, (rows-1)*ldc+cols)
	before := slices.Clone(c.x)
	zero := newGuarded(MaxRows)
	clear(zero.x)
	args := OuterArgs{A: a.p(), LdA: lda, Zero: zero.p(), B: b.p(), LdB: ldb, LdPanel: panel,
		C: c.p(), LdC: ldc, P: p, Cols: cols, Tiles: tiles, Accumulate: acc}
	offs := make([]int32, p+1)
	for i := range p {
		offs[i] = int32(i * lda)
		if gather {
			offs[i] = int32(r.IntN(p) * lda)
			if r.IntN(4) == 0 {
				offs[i] = -1 - offs[i]
			}
		}
	}
	if gather {
		args.AOffs, args.LdA = &offs[0], math.MaxInt32 // not to be used
	}
	of := make([]int, p) // row of B
	list := make([]int32, p+1)
	for i := range of {
		if of[i] = i; layout == "listed" {
			of[i] = r.IntN(p)
		}
		list[i] = int32(of[i] * ldb)
	}
	if layout == "listed" {
		args.BOffs, args.LdB = &list[0], math.MaxInt32
	}
	Outer(mr, &args)
	for i := range rows {
		for j := range min(ldc, len(c.x)-i*ldc) {
			got, was := c.x[i*ldc+j], float64(before[i*ldc+j])
			if j >= cols {
				if !sameBits(got, float32(was)) {
					t.Fatalf("mr=%d cols=%d p=%d: wrote outside the tile, C[%d][%d]", mr, cols, p, i, j)
				}
				continue
			}
			var want, mag float64
			if acc {
				want, mag = was, math.Abs(was)
			}
			for q := range p {
				if offs[q] < 0 {
					continue
				}
				v := float64(a.x[int(offs[q])+i]) * float64(b.x[at(of[q], j)])
				want += v
				mag += math.Abs(v)
			}
			if !withinTolerance(got, want, sumTol(p, mag)) {
				t.Fatalf("mr=%d tiles=%d cols=%d p=%d %s acc=%v: C[%d][%d] = %v, want %v", mr, tiles, cols, p, layout, acc, i, j, got, want)
			}
		}
	}
	if !c.intact() {
		t.Fatalf("mr=%d cols=%d p=%d: wrote outside C", mr, cols, p)
	}
}

// An element has the same bits in every tiling and with every layout of the rows of A.
func TestOuterTiling(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		const p, wide = 53, 3*PanelCols + 5
		a, b := random(r, p*MaxRows), random(r, PackedLen(p, wide))
		offs := make([]int32, p)
		for i := range offs {
			offs[i] = int32(i * MaxRows)
		}
		whole := newGuarded(MaxRows * wide)
		Outer(MaxRows, &OuterArgs{A: a.p(), LdA: MaxRows, B: b.p(), LdB: PanelCols, LdPanel: p * PanelCols, C: whole.p(), LdC: wide, P: p, Cols: wide})
		for mr := 1; mr <= MaxRows; mr++ {
			for cols := 1; cols <= wide; cols++ {
				c := newGuarded(mr * cols)
				Outer(mr, &OuterArgs{A: a.p(), AOffs: &offs[0], B: b.p(), LdB: PanelCols, LdPanel: p * PanelCols,
					C: c.p(), LdC: cols, P: p, Cols: cols})
				for i := range mr {
					for j := range cols {
						if got, want := c.x[i*cols+j], whole.x[i*wide+j]; !sameBits(got, want) {
							t.Fatalf("mr=%d cols=%d: C[%d][%d] = %v, in the whole tile %v", mr, cols, i, j, got, want)
						}
					}
				}
			}
		}
	})
}

func BenchmarkOuter(b *testing.B) {
	for _, s := range []struct {
		mr, tiles, cols, p int
		gather             bool
	}{
		{6, 1, 16, 256, false}, {6, 1, 16, 256, true}, {6, 8, 16, 49, true}, {6, 8, 16, 9, false}, {4, 8, 16, 49, true}, {4, 8, 64, 196, true},
		{6, 5, 64, 196, true}, {3, 1, 16, 256, true}, {1, 1, 16, 256, true}, {6, 1, 8, 256, false},
	} {
		cpuid.EachImpl(b, fmt.Sprintf("mr=%d/tiles=%d/cols=%d/p=%d/gather=%v", s.mr, s.tiles, s.cols, s.p, s.gather), func(b *testing.B) {
			rows := s.mr * s.tiles
			x, y, c := make([]float32, s.p*rows), make([]float32, s.p*s.cols), make([]float32, rows*s.cols)
			args := &OuterArgs{A: &x[0], LdA: rows, B: &y[0], LdB: s.cols, LdPanel: PanelCols, C: &c[0], LdC: s.cols, P: s.p, Cols: s.cols, Tiles: s.tiles}
			if s.gather {
				offs := make([]int32, s.p)
				for i := range offs {
					offs[i] = int32(i * rows)
				}
				args.AOffs = &offs[0]
			}
			for b.Loop() {
				Outer(s.mr, args)
			}
			gflops(b, 2*rows*s.cols*s.p)
		})
	}
}
