package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/imago-ml/imago/internal/cpuid"
)

// A tapCase holds operands for Rows or Dot. The rows of A are at random offsets of an image, and one in four is outside.
type tapCase struct {
	mr, tiles, taps, k, cols, ldw, panel int
	a, zero, w, c                        guarded
	offs, coffs                          []int32
	before                               []float32 // what C held
}

func newTapCase(r *rand.Rand, mr, tiles, taps, k, cols, ldw, ldc int) *tapCase {
	tc := &tapCase{mr: mr, tiles: tiles, taps: taps, k: k, cols: cols, ldw: ldw, panel: PanelCols}
	if ldw == PanelCols {
		tc.panel = taps*k*PanelCols + r.IntN(3)
	}
	const places = 11
	tc.a, tc.zero = random(r, places*k), newGuarded(k)
	clear(tc.zero.x)
	// W ends with its last column. Elements that are not read are NaN.
	last := 0
	if taps*k > 0 {
		last = tc.at(taps*k-1, cols-1) + 1
	}
	tc.w = newGuarded(last)
	for q := range taps * k {
		for j := range cols {
			tc.w.x[tc.at(q, j)] = float32(r.NormFloat64())
		}
	}
	rows := tiles * mr
	tc.c = random(r, (rows-1)*ldc+cols)
	tc.before = slices.Clone(tc.c.x)
	for i := range tiles * taps * MaxRows {
		o := int32(r.IntN(places) * k)
		if r.IntN(4) == 0 {
			o = -1 - o
		}
		if i%MaxRows >= mr { // rows that do not exist: using them is a wild read
			o = math.MaxInt32
		}
		tc.offs = append(tc.offs, o)
	}
	for i := range tiles * MaxRows {
		row := i/MaxRows*mr + i%MaxRows
		o := int32((rows - 1 - row) * ldc) // any order will do
		if i%MaxRows >= mr {
			o = math.MaxInt32
		}
		tc.coffs = append(tc.coffs, o)
	}
	tc.offs = append(tc.offs, 0) // so that &offs[0] exists
	return tc
}

// at returns the offset of element (q, j) of W.
func (tc *tapCase) at(q, j int) int { return j/PanelCols*tc.panel + q*tc.ldw + j%PanelCols }

// row returns the offset of row i of C.
func (tc *tapCase) row(i int) int { return int(tc.coffs[i/tc.mr*MaxRows+i%tc.mr]) }

// want returns element (i, j) of the result in float64, and the sum of the magnitudes of its terms.
func (tc *tapCase) want(i, j int, accumulate bool) (v, mag float64) {
	if accumulate {
		v = float64(tc.before[tc.row(i)+j])
		mag = math.Abs(v)
	}
	for t := range tc.taps {
		o := tc.offs[(i/tc.mr*tc.taps+t)*MaxRows+i%tc.mr]
		if o < 0 {
			continue
		}
		for k := range tc.k {
			p := float64(tc.a.x[int(o)+k]) * float64(tc.w.x[tc.at(t*tc.k+k, j)])
			v += p
			mag += math.Abs(p)
		}
	}
	return v, mag
}

// check compares C with want, and checks that the elements around the tile are unchanged.
func (tc *tapCase) check(t *testing.T, accumulate bool) {
	t.Helper()
	written := make([]bool, len(tc.c.x))
	for i := range tc.tiles * tc.mr {
		for j := range tc.cols {
			at := tc.row(i) + j
			written[at] = true
			want, mag := tc.want(i, j, accumulate)
			if !withinTolerance(tc.c.x[at], want, sumTol(tc.taps*tc.k, mag)) {
				t.Fatalf("mr=%d tiles=%d taps=%d k=%d cols=%d ldw=%d acc=%v: C[%d][%d] = %v, want %v", tc.mr, tc.tiles, tc.taps,
					tc.k, tc.cols, tc.ldw, accumulate, i, j, tc.c.x[at], want)
			}
		}
	}
	for i, w := range written {
		if !w && !sameBits(tc.c.x[i], tc.before[i]) {
			t.Fatalf("mr=%d cols=%d: wrote outside the tile, at %d", tc.mr, tc.cols, i)
		}
	}
	if !tc.c.intact() {
		t.Fatalf("mr=%d taps=%d k=%d cols=%d: wrote outside C", tc.mr, tc.taps, tc.k, tc.cols)
	}
}

func (tc *tapCase) rows(accumulate bool) {
	Rows(tc.mr, &RowsArgs{Base: tc.a.p(), Offs: &tc.offs[0], Zero: tc.zero.p(), W: tc.w.p(), LdW: tc.ldw, LdPanel: tc.panel,
		C: tc.c.p(), COffs: &tc.coffs[0], Taps: tc.taps, K: tc.k, Cols: tc.cols, Tiles: tc.tiles, Accumulate: accumulate})
}

func TestRows(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for mr := 1; mr <= MaxRows; mr++ {
			for cols := 1; cols <= 70; cols++ {
				for k := range 41 {
					if cols > PanelCols+1 && k > 9 && k != 40 {
						continue
					}
					taps, tiles := r.IntN(10), 1+r.IntN(3)
					for _, ldw := range []int{PanelCols, max(cols, PanelCols+1), cols + PanelCols + r.IntN(30)} {
						tc := newTapCase(r, mr, tiles, taps, k, cols, ldw, cols+r.IntN(5))
						acc := r.IntN(2) == 0
						tc.rows(acc)
						tc.check(t, acc)
					}
				}
			}
		}
	})
}

// An element has the same bits in every tiling.
func TestRowsTiling(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		const wide = 3*PanelCols + 5
		whole := newTapCase(r, MaxRows, 1, 9, 37, wide, PanelCols, wide)
		whole.rows(false)
		for mr := 1; mr <= MaxRows; mr++ {
			for cols := 1; cols <= wide; cols++ {
				c := newGuarded(mr * cols)
				coffs := make([]int32, mr)
				for i := range coffs {
					coffs[i] = int32(i * cols)
				}
				Rows(mr, &RowsArgs{Base: whole.a.p(), Offs: &whole.offs[0], Zero: whole.zero.p(), W: whole.w.p(),
					LdW: PanelCols, LdPanel: whole.panel, C: c.p(), COffs: &coffs[0], Taps: 9, K: 37, Cols: cols})
				for i := range mr {
					for j := range cols {
						if got, want := c.x[i*cols+j], whole.c.x[whole.row(i)+j]; !sameBits(got, want) {
							t.Fatalf("mr=%d cols=%d: C[%d][%d] = %v, in the whole tile %v", mr, cols, i, j, got, want)
						}
					}
				}
			}
		}
	})
}

// Zero may be nil if no offset is negative.
func TestRowsNilZero(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		a, w, c, off := []float32{2, 3}, make([]float32, 2*PanelCols), make([]float32, PanelCols), make([]int32, MaxRows)
		w[0], w[PanelCols] = 5, 7
		Rows(1, &RowsArgs{Base: &a[0], Offs: &off[0], W: &w[0], LdW: PanelCols, C: &c[0], COffs: &off[0], Taps: 1, K: 2, Cols: PanelCols})
		Dot(1, &DotArgs{Base: &a[0], Offs: &off[0], W: &a[0], C: &c[1], COffs: &off[0], Taps: 1, K: 2})
		if c[0] != 31 || c[1] != 13 {
			t.Errorf("got %v, want 31 and 13", c[:2])
		}
	})
}

func TestDot(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for mr := 1; mr <= MaxRows; mr++ {
			for k := range 41 {
				for taps := range 10 {
					for _, acc := range []bool{false, true} {
						tc := newTapCase(r, mr, 1+r.IntN(3), taps, k, 1, 1, 1+r.IntN(3))
						Dot(mr, &DotArgs{Base: tc.a.p(), Offs: &tc.offs[0], Zero: tc.zero.p(), W: tc.w.p(), C: tc.c.p(),
							COffs: &tc.coffs[0], Taps: taps, K: k, Tiles: tc.tiles, Accumulate: acc})
						tc.check(t, acc)
					}
				}
			}
		}
	})
}

// The kernels do not allocate.
func TestAllocs(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		tc := newTapCase(rand.New(rand.NewPCG(7, 8)), MaxRows, 2, 3, 5, 11, 11, 11)
		x := make([]float32, 100)
		if n := testing.AllocsPerRun(10, func() {
			tc.rows(true)
			Outer(2, &OuterArgs{A: tc.a.p(), LdA: 5, B: tc.w.p(), LdB: 11, C: tc.c.p(), LdC: 11, P: 3, Cols: 11})
			Exp(x, x)
			Sum(x)
		}); n != 0 {
			t.Errorf("%v allocations a run, want none", n)
		}
	})
}

func BenchmarkRows(b *testing.B) {
	for _, s := range []struct{ mr, tiles, cols, taps, k int }{
		{6, 1, 16, 1, 256}, {6, 16, 16, 1, 32}, {6, 16, 16, 1, 64}, {6, 16, 16, 9, 32}, {6, 8, 16, 9, 1}, {6, 8, 32, 9, 1},
		{6, 16, 32, 1, 64}, {6, 16, 64, 1, 64}, {6, 8, 32, 9, 32}, {6, 8, 64, 9, 64}, {6, 8, 64, 4, 64}, {6, 8, 256, 1, 784},
		{5, 16, 16, 1, 64}, {4, 16, 16, 1, 64}, {4, 16, 32, 1, 64}, {3, 16, 32, 1, 64}, {2, 16, 16, 1, 64}, {2, 16, 32, 1, 64}, {1, 16, 16, 1, 64}, {1, 16, 32, 1, 64},
		{6, 16, 8, 1, 64}, {6, 16, 10, 1, 64},
	} {
		cpuid.EachImpl(b, fmt.Sprintf("mr=%d/tiles=%d/cols=%d/taps=%d/k=%d", s.mr, s.tiles, s.cols, s.taps, s.k), func(b *testing.B) {
			panel := s.taps * s.k * PanelCols
			rows := s.mr * s.tiles
			a := make([]float32, rows*s.k)
			w := make([]float32, (s.cols+15)/16*panel)
			c := make([]float32, rows*s.cols)
			var offs, coffs []int32
			for t := range s.tiles {
				for i := range 6 * s.taps {
					offs = append(offs, int32((t*s.mr+i%6)%rows*s.k))
				}
				for i := range 6 {
					coffs = append(coffs, int32((t*s.mr+i)%rows*s.cols))
				}
			}
			args := &RowsArgs{Base: &a[0], Offs: &offs[0], W: &w[0], LdW: PanelCols, LdPanel: panel, C: &c[0], COffs: &coffs[0],
				Taps: s.taps, K: s.k, Cols: s.cols, Tiles: s.tiles}
			for b.Loop() {
				Rows(s.mr, args)
			}
			gflops(b, 2*rows*s.cols*s.taps*s.k)
		})
	}
}

func BenchmarkDot(b *testing.B) {
	for _, s := range []struct{ mr, tiles, taps, k int }{{6, 1, 9, 32}, {6, 16, 9, 32}, {6, 1, 1, 1024}, {1, 1, 1, 1024}, {6, 16, 16, 64}} {
		cpuid.EachImpl(b, fmt.Sprintf("mr=%d/tiles=%d/taps=%d/k=%d", s.mr, s.tiles, s.taps, s.k), func(b *testing.B) {
			a, w, c := make([]float32, 6*s.k), make([]float32, s.taps*s.k), make([]float32, 6)
			var offs, coffs []int32
			for i := range 6 * s.taps * s.tiles {
				offs = append(offs, int32(i%6*s.k))
				coffs = append(coffs, int32(i%6))
			}
			args := &DotArgs{Base: &a[0], Offs: &offs[0], W: &w[0], C: &c[0], COffs: &coffs[0], Taps: s.taps, K: s.k, Tiles: s.tiles}
			for b.Loop() {
				Dot(s.mr, args)
			}
			gflops(b, 2*s.mr*s.tiles*s.taps*s.k)
		})
	}
}

// gflops reports the rate of a benchmark with so many floating-point operations in each iteration.
func gflops(b *testing.B, flops int) {
	b.ReportMetric(float64(b.N)*float64(flops)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
