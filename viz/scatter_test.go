package viz

import (
	"image"
	"math"
	"testing"
)

// near reports whether a pixel close to a colour lies within r of (x, y).
func near(img image.Image, x, y, r int, c [3]uint8) bool {
	for yy := y - r; yy <= y+r; yy++ {
		for xx := x - r; xx <= x+r; xx++ {
			p, d := rgbAt(img, xx, yy), 0.0
			for k := range 3 {
				d = max(d, math.Abs(float64(p[k])-float64(c[k])))
			}
			if d <= 12 {
				return true
			}
		}
	}
	return false
}

func placeOf(p [2]float32, lo, hi float64) (x, y int) {
	f := scatterSide / (hi - lo) * Density
	return int(scatterLeft*Density + (float64(p[0])-lo)*f), int(scatterTop*Density + (hi-float64(p[1]))*f)
}

func TestScatterColoursAtPlaces(t *testing.T) {
	var pts [][2]float32
	var labels []int32
	for i := range 10 {
		pts = append(pts, [2]float32{float32(i)*0.7 - 3.1, float32(i%3)*2 - 2.3})
		labels = append(labels, int32(i))
	}
	img, err := Scatter(pts, labels, nil, ScatterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pts {
		x, y := placeOf(p, -4, 4)
		c := ClassColor(i)
		if !near(img, x, y, 12, [3]uint8{c.R, c.G, c.B}) {
			t.Errorf("no pixel of class %d at its place (%d, %d)", i, x, y)
		}
		other := ClassColor((i + 1) % 10)
		if near(img, x, y, 12, [3]uint8{other.R, other.G, other.B}) {
			t.Errorf("a pixel of class %d at the place of class %d", (i+1)%10, i)
		}
		row := int((scatterTop + 11 + 22*float64(i)) * Density)
		if !near(img, int((scatterLeft+scatterSide+18+12)*Density), row, 12, [3]uint8{c.R, c.G, c.B}) {
			t.Errorf("class %d is not in the legend", i)
		}
	}
}

func TestScatterRangeAndOutside(t *testing.T) {
	nan := float32(math.NaN())
	pts := [][2]float32{{1, 1}, {50, 0}, {nan, 0}, {0, float32(math.Inf(-1))}}
	for _, labels := range [][]int32{nil, {0, 1, 2, 3}} {
		img, err := Scatter(pts, labels, nil, ScatterOptions{Lo: 0, Hi: 2})
		if err != nil {
			t.Fatal(err)
		}
		x, y := placeOf(pts[0], 0, 2)
		if !inked(img, image.Rect(x-9, y-9, x-2, y+9)) {
			t.Error("the point within the range is not drawn")
		}
	}
}

func TestMarkers(t *testing.T) {
	for _, tt := range []struct {
		classes []string
		want    string
	}{
		{[]string{"0", "1"}, "1"}, {[]string{"お", "き"}, "き"},
		{[]string{"Bag", "Coat"}, "1"}, {[]string{"a", "long"}, "1"}, {[]string{"", "b"}, "1"},
	} {
		if got := marker(tt.classes, 1); got != tt.want {
			t.Errorf("marker of %q: %q, want %q", tt.classes, got, tt.want)
		}
	}
}

// TestShuffledIsAFixedPermutation checks that the order of drawing does not follow the
// order of the points: the last class would cover the others.
func TestShuffledIsAFixedPermutation(t *testing.T) {
	in := make([]int, 1000)
	for i := range in {
		in[i] = i
	}
	a, b := shuffled(in), shuffled(in)
	seen, inPlace := make([]bool, len(in)), 0
	for i, v := range a {
		if b[i] != v {
			t.Fatal("two calls differ")
		}
		seen[v] = true
		if v == i {
			inPlace++
		}
	}
	for i, ok := range seen {
		if !ok {
			t.Fatalf("%d is lost", i)
		}
	}
	if inPlace > 20 {
		t.Errorf("%d of 1000 did not move", inPlace)
	}
}

func TestDensityOrders(t *testing.T) {
	var pts [][2]float32
	for i := range 100 {
		pts = append(pts, [2]float32{1 + float32(i)*1e-4, 1})
	}
	pts = append(pts, [2]float32{-3, -3})
	inside := make([]int, len(pts))
	for i := range inside {
		inside[i] = i
	}
	d := density(pts, inside, -4, 4)
	if d[0] != 1 || !(d[100] > 0 && d[100] < 0.2) {
		t.Errorf("crowd %g, loner %g, want 1 and about 0.1", d[0], d[100])
	}
}

func TestScatterTruncatesLegend(t *testing.T) {
	names := make([]string, 200)
	es := legendEntries(names)
	if len(es) != maxLegend || es[maxLegend-1].name != "and 171 more" {
		t.Errorf("%d rows, last %+v", len(es), es[len(es)-1])
	}
}

func BenchmarkScatter10k(b *testing.B) {
	pts, labels := make([][2]float32, 10000), make([]int32, 10000)
	for i := range pts {
		pts[i] = [2]float32{float32(math.Sin(float64(i))) * 3, float32(math.Cos(float64(3*i))) * 3}
		labels[i] = int32(i % 10)
	}
	for b.Loop() {
		if _, err := Scatter(pts, labels, nil, ScatterOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
