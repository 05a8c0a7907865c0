package viz

import (
	"math"
	"testing"
)

func TestManifoldPointsOrder(t *testing.T) {
	pts, err := ManifoldPoints(3, -3, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]float32{{-3, 3}, {0, 3}, {3, 3}, {-3, 0}, {0, 0}, {3, 0}, {-3, -3}, {0, -3}, {3, -3}}
	for i := range want {
		if pts[i] != want[i] {
			t.Errorf("point %d is %v, want %v", i, pts[i], want[i])
		}
	}
	one, err := ManifoldPoints(1, -1, 3)
	if err != nil || len(one) != 1 || one[0] != [2]float32{1, 1} {
		t.Errorf("n = 1: %v, %v, want the middle", one, err)
	}
}

// TestManifoldCellsAndAxes draws images whose grey is a function of their point and
// checks their positions: brighter to the right with z[0], brighter upward with z[1].
func TestManifoldCellsAndAxes(t *testing.T) {
	for _, tt := range []struct {
		n      int
		lo, hi float64
	}{{10, -3, 3}, {30, -4, 4}} {
		pts, err := ManifoldPoints(tt.n, tt.lo, tt.hi)
		if err != nil {
			t.Fatal(err)
		}
		const h, w = 28, 28
		var pix []float32
		value := func(p [2]float32) float32 { return (p[0]-float32(tt.lo))/16 + (p[1]-float32(tt.lo))/64 }
		for _, p := range pts {
			pix = append(pix, flat(h, w, value(p))...)
		}
		img, err := manifold(tiles{pix, tt.n * tt.n, h, w, 1}, tt.n, tt.lo, tt.hi, ManifoldOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cell := 1680 / (tt.n * 28) * 28
		left, top := 66*Density, 18*Density
		for i := range tt.n {
			for j := range tt.n {
				z0 := tt.lo + (tt.hi-tt.lo)*float64(j)/float64(tt.n-1)
				z1 := tt.hi - (tt.hi-tt.lo)*float64(i)/float64(tt.n-1)
				want := toByte(value([2]float32{float32(z0), float32(z1)}))
				got := rgbAt(img, left+j*cell+cell/2, top+i*cell+cell/2)
				if d := math.Abs(float64(got[0]) - float64(want)); d > 1 || got != grey(got[0]) {
					t.Fatalf("n=%d, cell (%d, %d), z = (%.2f, %.2f): %v, want %d", tt.n, i, j, z0, z1, got, want)
				}
			}
		}
		// A tick stands below the middle of the last column: the label of hi.
		x, y := left+(tt.n-1)*cell+cell/2, top+tt.n*cell+4
		if got := rgbAt(img, x, y); got != grey(edge.R) {
			t.Errorf("n=%d: no tick below the last column at (%d, %d): %v", tt.n, x, y, got)
		}
	}
}

func TestManifoldTicks(t *testing.T) {
	ts := manifoldTicks(10, -3, 3)
	if len(ts) != 10 || ts[0].text != "−3.0" || ts[1].text != "−2.3" || ts[9].text != "3.0" {
		t.Errorf("10 over [-3, 3]: %v, want every column to one decimal", ts)
	}
	ts = manifoldTicks(30, -4, 4)
	if len(ts) != 9 || ts[0] != (tick{-4, "−4"}) || ts[4] != (tick{0, "0"}) || ts[8] != (tick{4, "4"}) {
		t.Errorf("30 over [-4, 4]: %v, want the whole numbers", ts)
	}
}

func TestManifoldPerUnit(t *testing.T) {
	pix := flat(28, 28, make([]float32, 900)...)
	img, err := manifold(tiles{pix, 900, 28, 28, 1}, 30, -4, 4, ManifoldOptions{PerUnit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Dx(); got != 840+66+22 {
		t.Errorf("%d pixels wide at one a unit, want %d", got, 840+66+22)
	}
}
