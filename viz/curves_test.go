package viz

import (
	"bytes"
	"encoding/xml"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func texts(ts []tick) string {
	var s []string
	for _, t := range ts {
		s = append(s, t.text)
	}
	return strings.Join(s, " ")
}

func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		got  []tick
		want string
	}{
		{niceTicks(-4, 4, 8), "−4 −3 −2 −1 0 1 2 3 4"},
		{niceTicks(0, 1, 5), "0.0 0.2 0.4 0.6 0.8 1.0"},
		{niceTicks(151.2, 197.3, 5), "160 170 180 190"},
		{niceTicks(0, 60000, 4), "0 20,000 40,000 60,000"},
		{niceTicks(3, 3, 5), "3"},
		{logTicks(1, 1000, 5), "1 10 100 1000"},
		{logTicks(0.5, 20, 5), "0.5 1 2 5 10 20"},
		{logTicks(100, 140, 4), "100 110 120 130 140"},
		{logTicks(1e-6, 1e6, 5), "1e−6 1e−4 0.01 1 100 10,000 1e6"},
	} {
		if got := texts(tt.got); got != tt.want {
			t.Errorf("ticks %q, want %q", got, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		d    int
		want string
	}{
		{-0.0001, 1, "0.0"}, {-2.3333, 1, "−2.3"}, {134165, 0, "134,165"}, {-1234567.5, 1, "−1,234,567.5"},
		{9999, 0, "9999"},
	} {
		if got := number(tt.v, tt.d); got != tt.want {
			t.Errorf("number(%g, %d) = %q, want %q", tt.v, tt.d, got, tt.want)
		}
	}
}

func TestSpread(t *testing.T) {
	ys := []float64{10, 11, 12, 100}
	spread(ys, 15, 0, 100)
	for i := 1; i < len(ys); i++ {
		if ys[i]-ys[i-1] < 15-1e-3 {
			t.Errorf("labels %d and %d are %g apart in %v", i-1, i, ys[i]-ys[i-1], ys)
		}
	}
	if ys[0] < 0 || ys[3] > 100 {
		t.Errorf("labels leave [0, 100]: %v", ys)
	}
}

func TestRunsCutAtGaps(t *testing.T) {
	s := Series{Y: []float64{1, 2, math.NaN(), 4, -1, 6}}
	if got := (Panel{}).points(s); len(got) != 2 || len(got[0]) != 2 || len(got[1]) != 3 || got[1][0] != (xy{4, 4}) {
		t.Errorf("runs %v, want 1–2 and 4–6", got)
	}
	log := Panel{CurveOptions: CurveOptions{LogY: true}}
	if got := log.points(s); len(got) != 3 {
		t.Errorf("%d runs on a log axis, want 3: −1 has no place there", len(got))
	}
}

// The lower of two points lies on the bottom of the plot, five hundredths above
// its axis; from zero, half way up.
func TestCurveAtItsPlace(t *testing.T) {
	red := color.NRGBA{255, 0, 0, 255}
	const top, axis = 58 * Density, (420 - 50) * Density
	for _, tt := range []struct {
		opt CurveOptions
		low float64 // of the height, from the axis
	}{
		{CurveOptions{}, 0.05 / 1.1},
		{CurveOptions{LogY: true}, 0.05 / 1.1},
		{CurveOptions{YFromZero: true}, 5 / 10.5},
	} {
		img, err := Curves([]Series{{Y: []float64{5, 10}, Color: red}}, tt.opt)
		if err != nil {
			t.Fatal(err)
		}
		b := img.Bounds()
		lowest, highest := 0, b.Dy()
		for y := range b.Dy() {
			for x := range b.Dx() * 4 / 5 { // without the text at the end
				if rgbAt(img, x, y) == [3]uint8{255, 0, 0} {
					lowest, highest = max(lowest, y), min(highest, y)
				}
			}
		}
		// The dot that marks the point has a radius of 2.3 units.
		if want := axis - tt.low*(axis-top); math.Abs(float64(lowest)-want) > 2.3*Density+1 {
			t.Errorf("%+v: the low point is at %d, want %.0f", tt.opt, lowest, want)
		}
		if lowest-highest < (axis-top)/3 {
			t.Errorf("%+v: the curve spans rows %d to %d", tt.opt, highest, lowest)
		}
	}
}

func TestNoFiniteValuesIsAPicture(t *testing.T) {
	nan := math.NaN()
	for _, y := range [][]float64{nil, {nan}, {math.Inf(1), nan}} {
		for _, log := range []bool{false, true} {
			img, err := Curves([]Series{{Name: "loss", Y: y}}, CurveOptions{LogY: log})
			if err != nil || img.Bounds().Empty() {
				t.Errorf("%v: %v", y, err)
			}
		}
	}
	if _, err := Curves([]Series{{Y: []float64{-1e308, 1e308, 5}}}, CurveOptions{YFromZero: true}); err != nil {
		t.Error(err)
	}
}

func TestPanelsSVGIsXML(t *testing.T) {
	b, err := PanelsSVG([]Panel{{CurveOptions{Title: "a < b & c"}, []Series{{Name: "<x>", Y: []float64{3, 2, 1}}}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	words := svgText(t, b)
	for _, want := range []string{"a < b & c", "<x>"} {
		if !strings.Contains(strings.Join(words, "|"), want) {
			t.Errorf("no %q among %q", want, words)
		}
	}
}

// svgText returns the character data of a well-formed document.
func svgText(t *testing.T, b []byte) []string {
	t.Helper()
	var words []string
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return slices.Clip(words)
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		if c, ok := tok.(xml.CharData); ok {
			if s := strings.TrimSpace(string(c)); s != "" {
				words = append(words, s)
			}
		}
	}
}
