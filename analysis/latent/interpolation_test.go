package latent

import (
	"math"
	"testing"
)

func norm(v []float32) float64 { return Euclidean(v, make([]float32, len(v))) }

func TestInterpolations(t *testing.T) {
	a, b := []float32{3, 0, 0}, []float32{0, 3, 0}
	mid := make([]float32, 3)
	Linear(a, b, 0.5, mid)
	if norm(mid) != 1.5*math.Sqrt2 {
		t.Errorf("half of a straight line lies at %v", mid)
	}
	// A third of a quarter circle of radius 3.
	for _, k := range []float64{0, 1, 2, 3} {
		Spherical(a, b, k/3, mid)
		s, c := math.Sincos(k * math.Pi / 6)
		if math.Abs(float64(mid[0])-3*c) > 1e-6 || math.Abs(float64(mid[1])-3*s) > 1e-6 || mid[2] != 0 {
			t.Errorf("at %v/3: %v, want %v %v 0", k, mid, 3*c, 3*s)
		}
	}
	// Any two codes of one length keep it; of two lengths the ends are the codes.
	c, d := []float32{1, -2, 2}, []float32{-2, -1, 2}
	for i := range 11 {
		Spherical(c, d, float64(i)/10, mid)
		if math.Abs(norm(mid)-3) > 1e-6 {
			t.Errorf("at %d/10 the length is %v, want 3", i, norm(mid))
		}
	}
	e := []float32{0, 0, 5}
	if z, err := Interpolate(Spherical, c, e, 3); err != nil || Euclidean(z[:3], c) > 1e-6 || Euclidean(z[6:], e) > 1e-6 {
		t.Errorf("from %v to %v: %v, %v", c, e, z, err)
	}
	// No circle: the same way, opposite ways, no way at all.
	for _, to := range [][]float32{{6, 0, 0}, {-1, 0, 0}, {0, 0, 0}} {
		Spherical(a, to, 0.25, mid)
		if want := 0.75*3 + 0.25*to[0]; mid[0] != want || mid[1] != 0 {
			t.Errorf("from %v to %v: %v, want %v 0 0", a, to, mid, want)
		}
	}
	for _, bad := range []struct {
		a, b []float32
		n    int
	}{{a, b, 1}, {a, b[:2], 4}, {nil, nil, 4}} {
		if _, err := Interpolate(Linear, bad.a, bad.b, bad.n); err == nil {
			t.Errorf("%v gave no error", bad)
		}
	}
}

func TestWalk(t *testing.T) {
	z, err := Walk(Linear, []float32{0, 4, 1}, 1, 4)
	if err != nil || !same(z, []float32{0, 1, 2, 3, 4, 3.25, 2.5, 1.75, 1, 0.75, 0.5, 0.25}) {
		t.Errorf("a walk over 0, 4, 1: %v, %v", z, err)
	}
	for _, stops := range [][]float32{nil, {1, 2}, {1, 2, 3}} {
		if _, err := Walk(Linear, stops, 2, 4); err == nil {
			t.Errorf("stops %v gave no error", stops)
		}
	}
}
