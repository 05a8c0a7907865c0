package viz

import (
	"fmt"
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

// Names of two characters mark their points, longer ones have dots; of more classes than
// can be told apart the frequent ones are kept if they are most of the points.
func TestClassesOf(t *testing.T) {
	cycle := func(n, classes int) []int32 {
		labels := make([]int32, n)
		for i := range labels {
			labels[i] = int32(i % classes)
		}
		return labels
	}
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("person %d", i)
	}
	skewed := cycle(1001, 1001)
	for i := range 2000 {
		skewed = append(skewed, int32(990+i%10))
	}
	for name, tt := range map[string]struct {
		labels  []int32
		classes []string
		want    string // the first and the last entry, the number of entries, the note
	}{
		"digits":      {cycle(20, 10), nil, "0 9 10 "},
		"kana":        {cycle(4, 2), []string{"お", "き"}, "お き 2 "},
		"words":       {cycle(4, 2), []string{"Bag", "Coat"}, "●Bag ●Coat 2 "},
		"a word":      {cycle(4, 2), []string{"a", "long"}, "●a ●long 2 "},
		"draws":       {cycle(4, 2), []string{"long", "+"}, "●long + 2 "},
		"no name":     {cycle(4, 2), []string{"", "b"}, "● ●b 2 "},
		"sparse":      {[]int32{5000, 3, 5000}, nil, "●3 ●5000 2 "},
		"twenty":      {cycle(40, 20), many, "●person 0 ○person 19 20 "},
		"no labels":   {nil, nil, "0 "},
		"1001 people": {cycle(1001, 1001), many, "0 1001 classes, more than colours can tell apart: coloured by density"},
		"few people":  {skewed, many, "●person 990 ●991 others 11 the 10 most frequent of 1001 classes"},
	} {
		c := classesOf(tt.labels, tt.classes)
		text := func(e legendEntry) string {
			switch {
			case e.mark != "":
				return e.mark
			case e.ring:
				return "○" + e.name
			}
			return "●" + e.name
		}
		got := ""
		if n := len(c.entries); n > 0 {
			got = text(c.entries[0]) + " " + text(c.entries[n-1]) + " "
		}
		if got += fmt.Sprint(len(c.entries)) + " " + c.note; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		for _, l := range tt.labels {
			if k, ok := c.of[l]; len(c.entries) > 0 && (!ok || k >= len(c.entries)) {
				t.Errorf("%s: class %d has entry %d of %d", name, l, k, len(c.entries))
				break
			}
		}
		points := make([][2]float32, len(tt.labels))
		for i := range points {
			points[i] = [2]float32{float32(i%7) - 3, float32(i%5) - 2}
		}
		if _, err := Scatter(points, tt.labels, tt.classes, ScatterOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	sparse := classesOf([]int32{5000, 3}, nil)
	if a, b := sparse.entries[0].col, sparse.entries[1].col; a != ClassColor(0) || b != ClassColor(1) {
		t.Errorf("two sparse classes have the colours %v and %v", a, b)
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
	labels := make([]int32, 80)
	for i := range labels {
		labels[i] = int32(i)
	}
	rows := classesOf(labels, nil).rows()
	if len(rows) != maxLegend || rows[maxLegend-1].text() != "and 51 more" {
		t.Errorf("%d rows, last %+v", len(rows), rows[len(rows)-1])
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
