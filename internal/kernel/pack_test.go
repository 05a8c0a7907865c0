package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestPack(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		ks := []int{packRows + 8, 2*packRows + 6}
		for k := range 21 {
			ks = append(ks, k)
		}
		for n := range 51 {
			for _, k := range ks {
				for _, more := range []int{0, 3} { // ld beyond the row
					testPack(t, r, k, n, more)
				}
			}
		}
	})
}

func testPack(t *testing.T, r *rand.Rand, k, n, more int) {
	ld, ldt := n+more, k+more
	b := random(r, max(0, (k-1)*ld+n))
	bt := random(r, max(0, (n-1)*ldt+k))
	if k == 0 || n == 0 {
		b, bt = newGuarded(0), newGuarded(0)
	}
	for name, pack := range map[string]struct {
		f  func(dst []float32)
		at func(row, col int) float32
	}{
		"PackB": {func(d []float32) { PackB(d, b.x, k, n, ld) }, func(r, c int) float32 { return b.x[r*ld+c] }},
		"PackBRows": {func(d []float32) {
			PackBRows(d, b.x, k, n, ld, k/3, k)
			PackBRows(d, b.x, k, n, ld, 0, k/3)
		}, func(r, c int) float32 { return b.x[r*ld+c] }},
		"PackBT": {func(d []float32) { PackBT(d, bt.x, k, n, ldt) }, func(r, c int) float32 { return bt.x[c*ldt+r] }},
	} {
		dst := newGuarded(PackedLen(k, n))
		pack.f(dst.x)
		for i, got := range dst.x {
			row, col := i/PanelCols%k, i/(PanelCols*k)*PanelCols+i%PanelCols
			var want float32
			if col < n {
				want = pack.at(row, col)
			}
			if !sameBits(got, want) {
				t.Fatalf("%s k=%d n=%d ld=+%d: row %d, column %d is %v, want %v", name, k, n, more, row, col, got, want)
			}
		}
		if !dst.intact() {
			t.Fatalf("%s k=%d n=%d: wrote outside dst", name, k, n)
		}
	}
}

func TestPackedLen(t *testing.T) {
	for _, tt := range []struct{ k, n, want int }{{0, 5, 0}, {5, 0, 0}, {3, 1, 48}, {3, 16, 48}, {3, 17, 96}} {
		if got := PackedLen(tt.k, tt.n); got != tt.want {
			t.Errorf("PackedLen(%d, %d) = %d, want %d", tt.k, tt.n, got, tt.want)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	const k, n = 256, 256
	src, dst := make([]float32, k*n), make([]float32, PackedLen(k, n))
	for name, f := range map[string]func(){
		"PackB":  func() { PackB(dst, src, k, n, n) },
		"PackBT": func() { PackBT(dst, src, k, n, k) },
	} {
		b.Run(fmt.Sprintf("%s/%dx%d", name, k, n), func(b *testing.B) {
			b.SetBytes(k * n * 8)
			for b.Loop() {
				f()
			}
		})
	}
}
