package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomOffsets returns n random offsets of rows of k elements; one in four is negative.
func randomOffsets(r *rand.Rand, n, places, k int) []int32 {
	offs := make([]int32, n)
	for i := range offs {
		if offs[i] = int32(r.IntN(places) * k); r.IntN(4) == 0 {
			offs[i] = -1 - offs[i]
		}
	}
	return offs
}

func TestCombine(t *testing.T) {
	const places = 7
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= 50; n++ {
			for _, terms := range []int{1, 2, 4} {
				for rows := range 4 {
					sign := float32(1 - 2*r.IntN(2))
					x, zero, offs := random(r, places*n), newGuarded(n), randomOffsets(r, rows*terms+1, places, n)
					clear(zero.x)
					dst := random(r, PackedLen(rows, n))
					before := slices.Clone(dst.x)
					Combine(&CombineArgs{Base: x.p(), Offs: &offs[0], Zero: zero.p(), Dst: dst.p(), Rows: rows, N: n, Terms: terms, Sign: sign})
					at := func(row, i, j int) float32 {
						if o := offs[row*terms+i]; o >= 0 {
							return x.x[int(o)+j]
						}
						return 0
					}
					for i, got := range dst.x {
						row, j := i/PanelCols%max(rows, 1), i/PanelCols/max(rows, 1)*PanelCols+i%PanelCols
						if j >= n {
							if !sameBits(got, before[i]) {
								t.Fatalf("n=%d rows=%d: wrote column %d", n, rows, j)
							}
							continue
						}
						want := at(row, 0, j)
						if terms > 1 {
							want += sign * at(row, 1, j)
						}
						if terms > 2 {
							want += sign * (at(row, 2, j) + sign*at(row, 3, j))
						}
						if got != want {
							t.Fatalf("n=%d rows=%d terms=%d sign=%v: row %d, column %d = %v, want %v", n, rows, terms, sign, row, j, got, want)
						}
					}
					if !dst.intact() {
						t.Fatalf("n=%d rows=%d terms=%d: wrote outside", n, rows, terms)
					}
				}
			}
		}
	})
}

// The assembly of Inverse has the bits of its definition, entry by entry of the two matrices.
func TestInverse(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for n := 1; n <= 50; n++ {
			for tiles := range 4 {
				step := tiles*n + r.IntN(3)
				m := random(r, 8*step+tiles*n)
				c, spare := random(r, 4*tiles*n), newGuarded(n)
				before := slices.Clone(c.x)
				offs := make([]int32, 4*tiles+1)
				for i, o := range r.Perm(4 * tiles) {
					if offs[i] = int32(o * n); r.IntN(4) == 0 {
						offs[i] = -1
					}
				}
				Inverse(&InverseArgs{M: m.p(), Step: step, C: c.p(), COffs: &offs[0], Spare: spare.p(), Tiles: tiles, N: n})
				want := before
				for i, o := range offs[:4*tiles] {
					if o < 0 {
						continue
					}
					for j := range n {
						at := func(p, q int) float32 { return m.x[(3*p+q)*step+i/4*n+j] }
						var side [3]float32 // columns
						for p := range side {
							if side[p] = at(p, 0) + at(p, 1); i%2 == 1 {
								side[p] = at(p, 1) - at(p, 2)
							}
						}
						if want[int(o)+j] = side[0] + side[1]; i%4 >= 2 {
							want[int(o)+j] = side[1] - side[2]
						}
					}
				}
				if !slices.Equal(c.x, want) {
					t.Fatalf("n=%d tiles=%d: got %v, want %v", n, tiles, c.x, want)
				}
				if !c.intact() || !spare.intact() {
					t.Fatalf("n=%d tiles=%d: wrote outside", n, tiles)
				}
			}
		}
	})
}

func BenchmarkCombine(b *testing.B) {
	for _, terms := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("terms=%d", terms), func(b *testing.B) {
			const rows, n = 64, 64
			x, dst, offs := make([]float32, 2*rows*n), make([]float32, rows*n), make([]int32, rows*terms)
			for i := range offs {
				offs[i] = int32(i % (2 * rows) * n)
			}
			a := &CombineArgs{Base: &x[0], Offs: &offs[0], Dst: &dst[0], Rows: rows, N: n, Terms: terms, Sign: -1}
			for b.Loop() {
				Combine(a)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(rows*n/8), "ns/vector")
		})
	}
}

func BenchmarkInverse(b *testing.B) {
	const tiles, n = 64, 64
	const step = tiles*n + 16 // the nine products use different sets of the cache
	m, c, offs := make([]float32, 9*step), make([]float32, 4*tiles*n), make([]int32, 4*tiles)
	for i := range offs {
		offs[i] = int32(i * n)
	}
	a := &InverseArgs{M: &m[0], Step: step, C: &c[0], COffs: &offs[0], Tiles: tiles, N: n}
	for b.Loop() {
		Inverse(a)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(tiles*n/8), "ns/vector")
}
