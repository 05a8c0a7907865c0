package digits

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
)

func TestSkeletons(t *testing.T) {
	h, err := hands()
	if err != nil {
		t.Fatal(err)
	}
	for d, variants := range h {
		var sum float32
		for i, v := range variants {
			sum += v.share
			if !(v.share > 0) || len(v.forms) < 2 {
				t.Errorf("%d: variant %d has share %v and %d forms, want more than 0 and at least 2", d, i, v.share, len(v.forms))
			}
		}
		if !(math.Abs(float64(sum)-1) < 1e-5) {
			t.Errorf("%d: shares sum to %v, want 1", d, sum)
		}
	}
}

func TestParseForm(t *testing.T) {
	f, err := parseForm("10,20 -5,100! 0,0 | 1,2 3,4")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.knots) != 5 || f.ends[0] != 3 || f.ends[1] != 5 {
		t.Errorf("%d knots, ends %v; want 5, [3 5]", len(f.knots), f.ends)
	}
	if k := f.knots[1]; !k.corner || k.x != -0.05 || k.y != 1 || f.knots[0].corner {
		t.Errorf("knot 1 = %+v, want a corner at (-0.05, 1)", k)
	}
	for _, bad := range []string{"", "1,2", "1,2 3", "1,2 x,3", "1,2 3,4 |", "1,2!! 3,4"} {
		if _, err := parseForm(bad); err == nil {
			t.Errorf("parseForm(%q) passed", bad)
		}
	}
	for name, table := range map[string][10][]glyph{
		"corner": {{{1, habit{}, []string{"1,2 3,4 5,6", "1,2 3,4! 5,6"}}}},
		"knots":  {{{1, habit{}, []string{"1,2 3,4 5,6", "1,2 3,4"}}}},
		"lift":   {{{1, habit{}, []string{"1,2 3,4 5,6 7,8", "1,2 3,4 | 5,6 7,8"}}}},
		"lifts":  {{{1, habit{}, []string{"1,2 3,4 | 1,2 3,4 | 1,2 3,4 | 1,2 3,4"}}}},
	} {
		if _, err := parseGlyphs(table); err == nil {
			t.Errorf("%s: a table that cannot be blended passed", name)
		}
	}
}

// TestDrawGolden compares with bytes that were drawn on amd64 and hold on every
// processor. If they change on purpose, version and Digest change with them.
func TestDrawGolden(t *testing.T) {
	const want = "f9fbb5edfd67468922a495a5bd98afe802bd878d2747d356bd059b1d02e8f5de"
	h := sha256.New()
	dst := make([]uint8, Side*Side)
	for i := range 100 {
		if err := Draw(rng.New(7).At(uint64(i)), i%10, dst); err != nil {
			t.Fatal(err)
		}
		h.Write(dst)
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("100 digits hash to %s, want %s", got, want)
	}
}

func TestDrawErrors(t *testing.T) {
	dst := make([]uint8, Side*Side)
	for _, digit := range []int{-1, 10} {
		if Draw(rng.New(0), digit, dst) == nil {
			t.Errorf("digit %d passed", digit)
		}
	}
	if Draw(rng.New(0), 3, dst[1:]) == nil {
		t.Error("783 bytes passed for an image")
	}
	s, err := newSheet("test", 10, Side)
	if err != nil {
		t.Fatal(err)
	}
	if s.At(-1, dst) == nil || s.At(10, dst) == nil || s.At(0, dst[1:]) == nil {
		t.Error("a bad call of At passed")
	}
}

// TestThreads checks that an image does not depend on the number of threads or on the
// images that a pen drew before.
func TestThreads(t *testing.T) {
	const n = 2000
	draw := func(threads int) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		s, err := newSheet("train", n, Side)
		if err != nil {
			t.Fatal(err)
		}
		pix := make([]uint8, n*Side*Side)
		err = data.Parallel(context.Background(), n, func(i int) error { return s.At(i, pix[i*Side*Side:(i+1)*Side*Side]) })
		if err != nil {
			t.Fatal(err)
		}
		return digest(pix, s)
	}
	one := draw(1)
	for _, threads := range []int{2, 5} {
		if got := draw(threads); got != one {
			t.Errorf("%d threads drew %s, one drew %s", threads, got, one)
		}
	}
}

func TestDrawAllocatesNothing(t *testing.T) {
	h, err := hands()
	if err != nil {
		t.Fatal(err)
	}
	p, dst, i := newPen(Side, h), make([]uint8, Side*Side), 0
	if n := testing.AllocsPerRun(100, func() { p.draw(rng.New(0).At(uint64(i)), i%10, dst); i++ }); n != 0 {
		t.Errorf("%v allocations an image, want none", n)
	}
}

// TestSegment checks the width of a straight stroke, and that only its edge is grey.
func TestSegment(t *testing.T) {
	c := newCanvas(20)
	c.clear()
	c.segment(ink{4, 10, 2}, ink{16, 10, 2}, 0.5)
	dst := make([]uint8, 400)
	c.grey(dst, 0.5)
	var column int
	for y := range 20 {
		column += int(dst[y*20+10])
	}
	if column != 4*255 {
		t.Errorf("a stroke of radius 2 has %.3f white pixels across, want 4", float64(column)/255)
	}
	var area float64
	for _, v := range dst {
		area += float64(v) / 255
	}
	// Pixels sample the round caps at their centres only: hence the tolerance.
	if want := 12*4 + math.Pi*4; !(math.Abs(area-want) < 0.8) {
		t.Errorf("area %.2f, want that of the capsule, %.2f", area, want)
	}
}

func BenchmarkDraw(b *testing.B) {
	h, err := hands()
	if err != nil {
		b.Fatal(err)
	}
	p, dst, key, i := newPen(Side, h), make([]uint8, Side*Side), rng.New(0), 0
	for b.Loop() {
		p.draw(key.At(uint64(i)), i%10, dst)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "img/s")
}
