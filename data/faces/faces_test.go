package faces

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
)

const area = Side * Side * 3

// TestDigest checks that the set is the same on every processor, for any number of
// threads.
func TestDigest(t *testing.T) {
	s := newSheet(Side)
	pix := make([]uint8, s.Len()/50*area)
	err := data.Parallel(t.Context(), s.Len()/50, func(i int) error { return s.At(50*i, pix[i*area:(i+1)*area]) })
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	h.Write(pix)
	h.Write(s.attributes())
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != Digest {
		t.Errorf("the set is drawn as %s, want %s", got, Digest)
	}
}

// TestFacesAreIndependent checks that a face does not depend on those drawn before it,
// nor, apart from its pixels, on the size of the image.
func TestFacesAreIndependent(t *testing.T) {
	s, other := newSheet(Side), newSheet(Side)
	a, b := make([]uint8, area), make([]uint8, area)
	for _, i := range []int{7, 8, NTrain, 7} {
		if err := s.At(i, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.At(7, b); err != nil || !bytes.Equal(a, b) {
		t.Errorf("face 7 depends on those before it (%v)", err)
	}
	if err := other.At(NTrain+7, b); err != nil || bytes.Equal(a, b) {
		t.Error("the parts begin alike")
	}
	// Twice as large, and halved again by the mean of four pixels, it is nearly itself.
	large := make([]uint8, 4*area)
	if err := newSheet(2*Side).At(7, large); err != nil {
		t.Fatal(err)
	}
	diff := 0.0
	for y := range Side {
		for x := range 3 * Side {
			px, c := x/3, x%3
			at := func(dy, dx int) float64 { return float64(large[((2*y+dy)*2*Side+2*px+dx)*3+c]) }
			diff += math.Abs((at(0, 0)+at(0, 1)+at(1, 0)+at(1, 1))/4 - float64(a[y*3*Side+x]))
		}
	}
	if diff /= area; diff > 1.5 {
		t.Errorf("at twice the size it differs by %.2f levels a pixel", diff)
	}
	for _, err := range []error{s.At(-1, a), s.At(NTrain+NTest, a), s.At(0, a[:area-1])} {
		if err == nil {
			t.Error("a bad call passed")
		}
	}
}

// TestAnySize checks that nothing is written outside the image, for all traits and odd
// sizes.
func TestAnySize(t *testing.T) {
	for _, side := range []int{1, 2, 7, 33} {
		s := newSheet(side)
		dst := make([]uint8, side*side*3)
		for i := range 50 {
			if err := s.At(i, dst); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAttributeNames checks that the names are sorted, as many as the constants, and
// spelt as in CelebA.
func TestAttributeNames(t *testing.T) {
	if len(Attributes) != numAttributes || slices.Contains(Attributes, "") || !slices.IsSorted(Attributes) {
		t.Errorf("%d names, not all, or not sorted: %v", len(Attributes), Attributes)
	}
	if !strings.Contains(Source().About, fmt.Sprint(numAttributes, " attributes")) {
		t.Errorf("%q does not say that there are %d attributes", Source().About, numAttributes)
	}
}

// TestTraitsAgree checks that traits which exclude each other do not occur together.
func TestTraitsAgree(t *testing.T) {
	var count [numAttributes]int
	const n = 20000
	for i := range n {
		f := draw(rng.New(9).At(uint64(i)))
		has := func(a ...int) (k int) {
			for _, a := range a {
				if f.has[a] {
					k++
				}
			}
			return k
		}
		for a := range f.has {
			if f.has[a] {
				count[a]++
			}
		}
		hair := has(blackHair, brownHair, blondHair, redHair, grayHair)
		for what, wrong := range map[string]bool{
			"hair of two colours, or none":  hair > 1 || hair == 0 && !f.has[bald],
			"hair on a bald head":           f.has[bald] && has(longHair, wavyHair, bangs)+hair > 0,
			"a hat over what shows":         f.has[wearingHat] && has(bald, bangs) > 0,
			"both sides at once":            has(facingLeft, facingRight) > 1 || has(paleSkin, darkSkin) > 1,
			"a woman's beard":               !f.has[male] && (has(goatee, mustache) > 0 || !f.has[noBeard]),
			"a goatee that is no beard":     f.has[goatee] && f.has[noBeard],
			"a smile that is none":          f.has[smiling] != (f.curve > 0.3),
			"a turn that is none":           (has(facingLeft) > 0) != (f.yaw < -0.05) || (has(facingRight) > 0) != (f.yaw > 0.05),
			"a colour that is not the hair": f.hair < blackHair || !f.has[f.hair] && !f.has[bald],
		} {
			if wrong {
				t.Fatalf("face %d: %s: %+v", i, what, f)
			}
		}
	}
	for a, c := range count {
		if c < n*3/100 || c > n*80/100 {
			t.Errorf("%s: %d of %d faces", Attributes[a], c, n)
		}
	}
}

// TestAttributesShow checks that each attribute is visible: in some pixel the faces
// with it differ in the mean from the others, by far more than chance.
func TestAttributesShow(t *testing.T) {
	const n, side = 3000, 24
	s := newSheet(side)
	size := side * side * 3
	has := s.attributes()[:n*numAttributes]
	pix := make([]uint8, n*size)
	if err := data.Parallel(t.Context(), n, func(i int) error { return s.At(i, pix[i*size:(i+1)*size]) }); err != nil {
		t.Fatal(err)
	}
	for a, name := range Attributes {
		best := 0.0
		for p := range size {
			var sum, sum2, k [2]float64
			for i := range n {
				h, v := has[i*numAttributes+a], float64(pix[i*size+p])
				sum[h], sum2[h], k[h] = sum[h]+v, sum2[h]+v*v, k[h]+1
			}
			var mean, variance [2]float64
			for h := range 2 {
				mean[h] = sum[h] / k[h]
				variance[h] = (sum2[h]/k[h] - mean[h]*mean[h]) / k[h]
			}
			best = max(best, math.Abs(mean[0]-mean[1])/math.Sqrt(variance[0]+variance[1]+1e-9))
		}
		if best < 6 {
			t.Errorf("%s: at most %.1f standard errors between those that have it and those that do not", name, best)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var out bytes.Buffer
	opt := data.Options{Size: 4, Progress: &out}
	var r data.Registry
	r.Register(Source())
	set, err := r.Open(t.Context(), Name, opt)
	if err != nil {
		t.Fatal(err)
	}
	if h, w, c, _ := medium.HWC(set.Item()); h != 4 || w != 4 || c != 3 || set.Train.Len() != NTrain || set.Test.Len() != NTest || len(set.Attributes) != numAttributes {
		t.Errorf("%d and %d of %dx%dx%d", set.Train.Len(), set.Test.Len(), h, w, c)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "drawing") {
		t.Errorf("told %q", out.String())
	}
	// The second time it is read.
	out.Reset()
	again, err := r.Open(t.Context(), Name, opt)
	if err != nil || out.Len() > 0 || again.Digest != set.Digest || set.Digest == Digest {
		t.Errorf("again: %v, told %q", err, out.String())
	}
	want, got := make([]uint8, 4*4*3), make([]uint8, 4*4*3)
	s := newSheet(4)
	for _, i := range []int{0, 5, NTest - 1} {
		if s.At(NTrain+i, want) != nil || again.Test.Items.At(i, got) != nil || !bytes.Equal(want, got) {
			t.Errorf("test face %d is another", i)
		}
		f := draw(s.key(NTrain + i))
		for a, h := range f.has {
			if (again.Test.Attributes[i*numAttributes+a] == 1) != h {
				t.Errorf("test face %d: %s is wrong", i, Attributes[a])
			}
		}
	}
	if _, err := r.Open(t.Context(), Name, data.Options{Size: -1}); err == nil {
		t.Error("size -1 passed")
	}
}

// TestFill checks that the area that a shape covers is exact at every position.
func TestFill(t *testing.T) {
	for _, tt := range []struct {
		name    string
		outline []point
		area    float64 // within the image
	}{
		{"square", []point{{2, 3}, {5, 3}, {5, 6}, {2, 6}}, 9},
		{"between pixels", []point{{2.25, 3.5}, {5.5, 3.5}, {5.5, 6.125}, {2.25, 6.125}}, 3.25 * 2.625},
		{"triangle", []point{{1, 1}, {9, 2}, {3, 8.5}}, 0.5 * (8*7.5 - 2*1)},
		{"led the other way", []point{{3, 8.5}, {9, 2}, {1, 1}}, 0.5 * (8*7.5 - 2*1)},
		{"thin", []point{{0.3, 0.2}, {9.7, 9.1}, {9.7, 9.2}, {0.3, 0.3}}, 9.4 * 0.1},
		{"beyond all borders", []point{{-5, -5}, {15, -5}, {15, 15}, {-5, 15}}, 100},
		{"beyond the left", []point{{-3, 2}, {4, 2}, {4, 5}, {-3, 5}}, 12},
		{"aslant over the left", []point{{-4, 2}, {4, 2}, {4, 10}}, 8*8/2 - 4*4/2},
		{"aslant over the right", []point{{6, 0}, {14, 8}, {6, 8}}, 8*8/2 - 4*4/2},
		{"outside", []point{{11, 2}, {14, 2}, {14, 5}}, 0},
		{"above", []point{{1, -9}, {4, -9}, {4, -1}}, 0},
		{"twice round", []point{{2, 2}, {6, 2}, {6, 6}, {2, 6}, {2, 2}, {6, 2}, {6, 6}, {2, 6}}, 16},
		{"a line", []point{{2, 2}, {6, 6}}, 0},
		{"nothing", nil, 0},
	} {
		c := newCanvas(10)
		for range 2 { // what one shape leaves behind would show in the next
			clear(c.pix)
			c.fill(tt.outline, solid(hex(0xff0000)))
		}
		sum := 0.0
		for i, v := range c.pix {
			sum += float64(v) / 0xff00
			if i%3 != 0 && v != 0 {
				t.Fatalf("%s: another colour", tt.name)
			}
		}
		if math.Abs(sum-tt.area) > 0.02 {
			t.Errorf("%s: area %.3f, want %.3f", tt.name, sum, tt.area)
		}
	}
}

// TestBlend checks that two shapes with a common edge leave no seam if each is painted
// over the other's rim.
func TestBlend(t *testing.T) {
	c := newCanvas(4)
	for i := range c.pix {
		c.pix[i] = 0xff00
	}
	c.fill([]point{{0, 0}, {4, 0}, {4, 4}, {0, 4}}, flat{hex(0x000000), 0.25})
	dst := make([]uint8, len(c.pix))
	c.levels(dst)
	for _, v := range dst {
		if v != 191 {
			t.Fatalf("a quarter of black over white is %d, want 191", v)
		}
	}
}

func BenchmarkFace(b *testing.B) {
	s, dst, i := newSheet(Side), make([]uint8, area), 0
	b.ReportAllocs()
	for b.Loop() {
		if err := s.At(i%s.Len(), dst); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "img/s")
}
