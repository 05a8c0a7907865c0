package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestOuter(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for mr := 1; mr <= MaxRows; mr++ {
			for cols := 1; cols <= PanelCols; cols++ {
				for p := range 20 {
					for _, gather := range []bool{false, true} {
						for _, acc := range []bool{false, true} {
							testOuter(t, r, mr, cols, p, gather, acc)
						}
					}
				}
			}
		}
	})
}

func testOuter(t *testing.T, r *rand.Rand, mr, cols, p int, gather, acc bool) {
	lda, ldb, ldc := mr+r.IntN(4), cols+r.IntN(20), cols+r.IntN(4)
	a := random(r, max(0, (p-1)*lda+mr))
	b := random(r, max(0, (p-1)*ldb+cols))
	for i := range b.x { // between the rows of a ragged B there is NaN
		if i%ldb >= cols {
			b.x[i] = nan32
		}
	}
	c := random(r, (mr-1)*ldc+cols)
	before := slices.Clone(c.x)
	zero := guard(MaxRows)
	clear(zero.x)
	args := OuterArgs{A: a.p(), LdA: lda, Zero: zero.p(), B: b.p(), LdB: ldb, C: c.p(), LdC: ldc, P: p, Cols: cols, Accumulate: acc}
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
	Outer(mr, &args)
	for i := range mr {
		for j := range min(ldc, len(c.x)-i*ldc) {
			got, was := c.x[i*ldc+j], float64(before[i*ldc+j])
			if j >= cols {
				if !same(got, float32(was)) {
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
				v := float64(a.x[int(offs[q])+i]) * float64(b.x[q*ldb+j])
				want += v
				mag += math.Abs(v)
			}
			if !within(got, want, sumTol(p, mag)) {
				t.Fatalf("mr=%d cols=%d p=%d gather=%v acc=%v: C[%d][%d] = %v, want %v", mr, cols, p, gather, acc, i, j, got, want)
			}
		}
	}
	if !c.intact() {
		t.Fatalf("mr=%d cols=%d p=%d: wrote outside C", mr, cols, p)
	}
}

// An element does not depend on the tile it is computed in, to the bit, nor on
// which way the rows of A are found.
func TestOuterTiling(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		const p = 53
		a, b := random(r, p*MaxRows), random(r, p*PanelCols)
		offs := make([]int32, p)
		for i := range offs {
			offs[i] = int32(i * MaxRows)
		}
		whole := guard(MaxRows * PanelCols)
		Outer(MaxRows, &OuterArgs{A: a.p(), LdA: MaxRows, B: b.p(), LdB: PanelCols, C: whole.p(), LdC: PanelCols, P: p, Cols: PanelCols})
		for mr := 1; mr <= MaxRows; mr++ {
			for cols := 1; cols <= PanelCols; cols++ {
				c := guard(mr * cols)
				Outer(mr, &OuterArgs{A: a.p(), AOffs: &offs[0], B: b.p(), LdB: PanelCols, C: c.p(), LdC: cols, P: p, Cols: cols})
				for i := range mr {
					for j := range cols {
						if got, want := c.x[i*cols+j], whole.x[i*PanelCols+j]; !same(got, want) {
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
		mr, cols, p int
		gather      bool
	}{{6, 16, 256, false}, {6, 16, 256, true}, {4, 16, 256, false}, {3, 16, 256, true}, {1, 16, 256, true}, {6, 8, 256, false}} {
		b.Run(fmt.Sprintf("mr=%d/cols=%d/p=%d/gather=%v", s.mr, s.cols, s.p, s.gather), func(b *testing.B) {
			x, y, c := make([]float32, s.p*6), make([]float32, s.p*16), make([]float32, 6*16)
			args := &OuterArgs{A: &x[0], LdA: 6, B: &y[0], LdB: s.cols, C: &c[0], LdC: 16, P: s.p, Cols: s.cols}
			if s.gather {
				offs := make([]int32, s.p)
				for i := range offs {
					offs[i] = int32(i * 6)
				}
				args.AOffs = &offs[0]
			}
			for b.Loop() {
				Outer(s.mr, args)
			}
			gflops(b, 2*s.mr*s.cols*s.p)
		})
	}
}
