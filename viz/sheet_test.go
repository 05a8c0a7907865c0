package viz

import (
	"math"
	"strings"
	"testing"
)

func TestSheetPlaces(t *testing.T) {
	pix := flat(4, 4, 0.2, 0.4, 0.6, 0.1, 0.3, 0.5)
	img, err := sheet(tiles{pix, 6, 4, 4, 1}, 2, 3, SheetOptions{Scale: 10, Lead: 1, Tail: 1, Cells: strings.Split("a b c d e f", " ")})
	if err != nil {
		t.Fatal(err)
	}
	const cell = 20.0
	for k, want := range []uint8{51, 102, 153, 26, 77, 128} {
		x := 12 + float64(k%3)*(cell+sheetGap)
		x += sheetApart * float64(k%3)
		y := 10 + float64(k/3)*(cell+sheetWords+sheetGap)
		for _, d := range []float64{0.5, cell - 0.5} {
			if got := rgbAt(img, int((x+d)*Density), int((y+d)*Density)); got != grey(want) {
				t.Errorf("image %d at %v: %v, want %d", k, d, got, want)
			}
		}
		if got := rgbAt(img, int((x-1)*Density), int(y*Density)+1); got != grey(255) {
			t.Errorf("left of image %d: %v, want paper", k, got)
		}
	}
	words, err := sheet(tiles{pix, 6, 4, 4, 1}, 2, 3, SheetOptions{Scale: 10, Title: "a title", Rows: []string{"first", "second"}, Cols: []string{"a", "b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	left := math.Max(bodyText.width("first"), bodyText.width("second")) + 22
	if got := rgbAt(words, int(left+1)*Density, (40+sheetWords+2)*Density); got != grey(51) {
		t.Errorf("beside its words the first image is %v", got)
	}
}

func TestSheetBars(t *testing.T) {
	const w = 8 // so bars are two rows high
	pix := make([]float32, w)
	pix[3] = 1
	img, err := sheet(tiles{pix, 1, 1, w, 1}, 1, 1, SheetOptions{Scale: 10})
	if err != nil {
		t.Fatal(err)
	}
	for row := range 3 {
		for col := range w {
			want := grey(0)
			if row == 2 || col == 3 { // below the bars is paper
				want = grey(255)
			}
			if got := rgbAt(img, 12*Density+10*col+5, 10*Density+10*row+5); got != want {
				t.Errorf("row %d, column %d: %v, want %v", row, col, got, want)
			}
		}
	}
}

func TestSheetErrors(t *testing.T) {
	pix := flat(2, 2, 0, 0, 0, 0)
	for _, tt := range []struct {
		rows, cols int
		opt        SheetOptions
		want       string
	}{
		{2, 3, SheetOptions{}, "values"},
		{0, 4, SheetOptions{}, "0 rows"},
		{1 << 40, 1 << 40, SheetOptions{}, "no more than"},
		{2, 2, SheetOptions{Rows: []string{"a"}}, "1 titles for 2 rows"},
		{2, 2, SheetOptions{Cols: []string{"a"}}, "2 columns"},
		{2, 2, SheetOptions{Cells: []string{"a"}}, "4 images"},
		{2, 2, SheetOptions{Lead: 2}, "leading"},
		{2, 2, SheetOptions{Lead: 1, Tail: 1}, "leading"},
		{2, 2, SheetOptions{Scale: -1}, "scale"},
		{2, 2, SheetOptions{Scale: 4000, Title: strings.Repeat("wide ", 100000)}, "pixels"},
	} {
		if _, err := sheet(tiles{pix, tt.rows * tt.cols, 2, 2, 1}, tt.rows, tt.cols, tt.opt); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d×%d %.40v: %v, want %q", tt.rows, tt.cols, tt.opt, err, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	w := bodyText.width("one two")
	for text, want := range map[string]string{
		"":                      "",
		"one":                   "one",
		"one two three":         "one two|three",
		"one two one two one":   "one two|one two|one",
		"unconditionally there": shorten(bodyText, "unconditionally", w+sheetGap) + "|there",
	} {
		if got := strings.Join(wrap(bodyText, text, w, 3), "|"); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := wrap(bodyText, "one two three four five", w, 2); len(got) != 2 || !strings.HasPrefix(got[1], "three") || !strings.HasSuffix(got[1], "…") {
		t.Errorf("in two lines: %q", got)
	}
}
