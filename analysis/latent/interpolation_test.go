package latent

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
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
	r := float32(2 * math.Sqrt2 / 2)
	for _, tt := range []struct {
		from, to []float32
		at       float64
		want     []float32
	}{
		{a, []float32{6, 0, 0}, 0.25, []float32{3.75, 0, 0}}, // one direction
		{a, []float32{0, 0, 0}, 0.25, []float32{2.25, 0, 0}}, // to 0 and from it
		{[]float32{0, 0, 0}, a, 0.25, []float32{0.75, 0, 0}}, //
		{a, []float32{-1, 0, 0}, 0.5, []float32{0, 2, 0}},    // opposite: by the second unit
		{a, []float32{-1, 0, 0}, 0.75, []float32{-1.5 * r / 2, 1.5 * r / 2, 0}},
		{[]float32{1, 0}, []float32{-2, 0.001}, 0.5, []float32{0.000375, 1.5}}, // half of π − 0.0005 from (1, 0)
		{[]float32{2}, []float32{-4}, 0.25, []float32{2.5}},                    // one unit has no way round
		{[]float32{2}, []float32{-4}, 0.5, []float32{-3}},
		{[]float32{2}, []float32{-4}, 1, []float32{-4}},
	} {
		got := make([]float32, len(tt.want))
		if Spherical(tt.from, tt.to, tt.at, got); Euclidean(got, tt.want) > 1e-6 {
			t.Errorf("from %v to %v at %v: %v, want %v", tt.from, tt.to, tt.at, got, tt.want)
		}
	}
	nan := float32(math.NaN())
	for _, bad := range []struct {
		a, b []float32
		n    int
	}{{a, b, 1}, {a, b[:2], 4}, {nil, nil, 4}, {[]float32{1, nan}, []float32{1, 2}, 4}} {
		if _, err := Interpolate(Linear, bad.a, bad.b, bad.n); err == nil {
			t.Errorf("%v gave no error", bad)
		}
	}
}

// TestCodesThatAreNotFinite checks that errors name the code and the unit.
func TestCodesThatAreNotFinite(t *testing.T) {
	inf, huge := float32(math.Inf(1)), float32(math.MaxFloat32)
	_, ends := Interpolate(Linear, []float32{1, 2, 3}, []float32{4, inf, 6}, 5)
	_, stops := Walk(Spherical, []float32{1, 2, 3, 4, 5, -inf}, 2, 5)
	// The point half way is (0, √2·huge).
	_, between := Interpolate(Spherical, []float32{huge, huge}, []float32{-huge, huge}, 3)
	for want, err := range map[string]error{
		"unit 1 of code 1 is +Inf": ends, "unit 1 of code 2 is -Inf": stops, "between: unit 1 of code 1 is +Inf": between,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestSphericalStaysBetween checks of random pairs of codes of 1 to 128 units that no point of the
// path is shorter or longer than both ends, that the path begins and ends at them, and that it
// turns by equal angles, at most π in all, without a jump.
func TestSphericalStaysBetween(t *testing.T) {
	const pairs, steps = 100_000, 8
	key := rng.New(14)
	kinds := []struct {
		name   string
		change func(i int, a, b []float32)
	}{
		{"two draws", func(int, []float32, []float32) {}},
		{"of different lengths", func(i int, a, b []float32) { scale(b, math.Pow(10, float64(i%61-30))) }},
		{"nearly opposite", func(i int, a, b []float32) { mixed(b, a, -3, math.Pow(10, -float64(i%9))) }},
		{"nearly equal", func(i int, a, b []float32) { mixed(b, a, 2, math.Pow(10, -float64(i%9))) }},
		{"opposite", func(_ int, a, b []float32) { mixed(b, a, -2, 0) }},
		{"equal", func(_ int, a, b []float32) { copy(b, a) }},
		{"along one unit", func(i int, a, b []float32) { clear(a[1:]); clear(b[1:]) }},
		{"tiny", func(i int, a, b []float32) { scale(a, 1e-38); scale(b, 1e-44) }},
		{"huge", func(i int, a, b []float32) { scale(a, 1e36); scale(b, 1e37) }},
		{"to 0", func(_ int, a, b []float32) { clear(b) }},
		{"from 0", func(_ int, a, b []float32) { clear(a) }},
		{"both 0", func(_ int, a, b []float32) { clear(a); clear(b) }},
	}
	for i := range pairs {
		units := 1 + i/len(kinds)%128
		codes := make([]float32, 2*units)
		key.At(uint64(i)).Normal(codes)
		a, b := codes[:units], codes[units:]
		kind := kinds[i%len(kinds)]
		kind.change(i/len(kinds), a, b)
		la, lb := norm(a), norm(b)
		// A number is rounded by 2⁻²⁴ of itself, or by half of the least float32.
		const rounding = 0x1p-22
		least := 1e-45 * math.Sqrt(float64(units))
		z, err := Interpolate(Spherical, a, b, steps+1)
		if err != nil {
			t.Fatalf("%s, %d units: %v", kind.name, units, err)
		}
		if !slices.Equal(row(z, units, 0), a) || !slices.Equal(row(z, units, steps), b) {
			t.Fatalf("%s: the path from %v to %v is %v", kind.name, a, b, z)
		}
		for k := range steps + 1 {
			if l := norm(row(z, units, k)); !(l >= min(la, lb)*(1-rounding)-least && l <= max(la, lb)*(1+rounding)+least) {
				t.Fatalf("%s, %d units: at %d/%d the length is %v, between ends of %v and %v", kind.name, units, k, steps, l, la, lb)
			}
		}
		if units == 1 {
			continue // it has no way round
		}
		// A step of the path is an arc of π/8 at most, and an eighth of the difference of the lengths.
		bound := max(la, lb)*math.Pi/steps + math.Abs(la-lb)/steps + max(la, lb)*rounding + 2*least
		for k := range steps {
			if d := Euclidean(row(z, units, k), row(z, units, k+1)); !(d <= bound) {
				t.Fatalf("%s, %d units: step %d has length %v, want at most %v", kind.name, units, k, d, bound)
			}
		}
	}
}

// scale multiplies a code by a factor.
func scale(code []float32, by float64) {
	for i, v := range code {
		code[i] = float32(float64(v) * by)
	}
}

// mixed writes wa·a + wb·dst to dst.
func mixed(dst, a []float32, wa, wb float64) {
	for i, v := range dst {
		dst[i] = float32(wa*float64(a[i]) + wb*float64(v))
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
