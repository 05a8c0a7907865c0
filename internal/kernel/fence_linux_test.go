package kernel

import (
	"math"
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// A fencedPage is a page of memory between two pages that cannot be accessed. With a slice at its end or start, every access
// after the end or before the start is a crash.
type fencedPage struct{ page []float32 }

func newFencedPage(t *testing.T) fencedPage {
	size := syscall.Getpagesize()
	m, err := syscall.Mmap(-1, 0, 3*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	for _, outside := range [][]byte{m[:size], m[2*size:]} {
		if err := syscall.Mprotect(outside, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	p := m[size : 2*size]
	return fencedPage{unsafe.Slice((*float32)(unsafe.Pointer(&p[0])), size/4)}
}

// end returns the last n elements of the page, and start the first n.
func (f fencedPage) end(n int) []float32   { return f.page[len(f.page)-n:] }
func (f fencedPage) start(n int) []float32 { return f.page[:n:n] }

// No kernel reads or writes outside its operands, except that Rows and Outer may read after W and B.
func TestFences(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		f := [4]fencedPage{newFencedPage(t), newFencedPage(t), newFencedPage(t), newFencedPage(t)}
		for _, edge := range []func(f fencedPage, n int) []float32{fencedPage.end, fencedPage.start} {
			for n := 1; n <= 100; n++ {
				d, x := edge(f[3], n), [3][]float32{edge(f[0], n), edge(f[1], n), edge(f[2], n)}
				for _, tt := range elementwiseTests {
					tt.f(d, x)
				}
				for _, tt := range mathTests {
					tt.f(d, x[0])
				}
				MulAdd(d, x[0], x[1], x[2])
				Fill(d, 1)
				Uniform(d, [2]uint64{1, 2}, 3)
				Normal(d, [2]uint64{1, 2}, 3)
				bytes := unsafe.Slice((*uint8)(unsafe.Pointer(&x[0][0])), 4*n)
				ScalePixels(d, bytes[:n])
				ScalePixels(d, bytes[3*n:])
				Sum(d)
				MaxOf(d)
			}
			for n := 1; n <= 33; n++ {
				for k := range 20 {
					PackB(edge(f[1], PackedLen(k, n)), edge(f[0], k*n), k, n, n)
					PackBT(edge(f[1], PackedLen(k, n)), edge(f[0], k*n), k, n, k)
				}
			}
		}
	})
}

func TestTileFences(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		f := [4]fencedPage{newFencedPage(t), newFencedPage(t), newFencedPage(t), newFencedPage(t)}
		first := func(x []float32) *float32 { return unsafe.SliceData(x) }
		r := rand.New(rand.NewPCG(1, 2))
		for mr := 1; mr <= MaxRows; mr++ {
			for cols := 1; cols <= 40; cols++ {
				read := (cols + PanelCols - 1) / PanelCols * PanelCols // the number of columns that the assembly reads
				if cols%PanelCols > 0 && cols%PanelCols <= 8 {
					read -= 8
				}
				for k := 1; k <= 20; k++ {
					const tiles = 2
					offs, coffs := make([]int32, tiles*MaxRows), make([]int32, tiles*MaxRows)
					for i := range offs {
						offs[i], coffs[i] = math.MinInt32/8, math.MaxInt32 // must not be used
						if tile, r0 := i/MaxRows, i%MaxRows; r0 < mr {
							offs[i] = int32(r.IntN(2) * -1) // row 0, or Zero
							coffs[i] = int32((tile*mr + r0) * cols)
						}
					}
					w := f[1].end((k-1)*cols + read)
					c := f[2].end(tiles * mr * cols)
					Rows(mr, &RowsArgs{Base: first(f[0].end(k)), Offs: &offs[0], Zero: first(f[3].end(k)), W: first(w), LdW: cols, LdPanel: PanelCols,
						C: first(c), COffs: &coffs[0], Taps: 1, K: k, Cols: cols, Tiles: tiles})
					if n := tiles * mr; k*n < 1000 {
						Outer(mr, &OuterArgs{A: first(f[0].end(k * n)), LdA: n, B: first(w), LdB: cols, LdPanel: PanelCols,
							C: first(c), LdC: cols, P: k, Cols: cols, Tiles: tiles})
					}
					clear(offs)
					clear(coffs)
					Dot(mr, &DotArgs{Base: first(f[0].end(k)), Offs: &offs[0], W: first(f[1].end(k)), C: first(f[2].end(1)), COffs: &coffs[0],
						Taps: 1, K: k, Tiles: tiles})
				}
			}
		}
	})
}

// Combine and Inverse do not read or write outside their operands.
func TestWinogradFences(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		f := [3]fencedPage{newFencedPage(t), newFencedPage(t), newFencedPage(t)}
		for n := 1; n <= 40; n++ {
			offs := []int32{0, -1, 0, -1}
			x, zero, dst := f[0].end(n), f[1].end(n), f[2].end(n)
			for _, terms := range []int{1, 2, 4} {
				Combine(&CombineArgs{Base: &x[0], Offs: &offs[0], Zero: &zero[0], Dst: &dst[0], Rows: 1, N: n, Terms: terms, Sign: 1})
			}
			m, c := f[0].end(9*n), f[2].end(n)
			Inverse(&InverseArgs{M: &m[0], Step: n, C: &c[0], COffs: &offs[0], Spare: &zero[0], Tiles: 1, N: n})
		}
	})
}
