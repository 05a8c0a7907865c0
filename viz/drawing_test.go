package viz

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"slices"
	"testing"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The tiles of a sheet stand in its file: adjoining ones as one rectangle, none of a
// chart, and a background of the caller's own with all that is on it.
func TestTilesOfFiles(t *testing.T) {
	black := flat(2, 2, 0, 0, 0, 0)
	few := tiles{black[:8], 2, 2, 2, 1}
	for name, tt := range map[string]struct {
		img  image.Image
		want string
	}{
		"manifold": {must(manifold(tiles{black, 4, 2, 2, 1}, 2, -1, 1, ManifoldOptions{Side: 8})), "[(132,36)-(140,44)] true"},
		"grid":     {must(grid(few, 2, GridOptions{Scale: 2, Gap: 3})), "[(3,3)-(7,7) (10,3)-(14,7)] true"},
		"black":    {must(grid(few, 2, GridOptions{Scale: 2, Gap: 3, Background: image.Black})), "[(0,0)-(17,10) (3,3)-(7,7) (10,3)-(14,7)] true"},
		"chart":    {must(Curves([]Series{{Name: "a", Y: []float64{1, 2}}}, CurveOptions{})), "[] true"},
		"other":    {image.NewGray(image.Rect(0, 0, 5, 5)), "[] false"},
	} {
		b := must(PNG(tt.img))
		tiles, known := tilesOf(b)
		if got := fmt.Sprint(tiles, known); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if img, err := png.Decode(bytes.NewReader(b)); err != nil || img.Bounds() != tt.img.Bounds() {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := must(PNG(must(grid(few, 1, GridOptions{}))))
	for n := range len(b) { // no cut of the file makes it panic
		tilesOf(b[:n])
	}
}

// On a dark page paper is dark and ink is light, with the contrast that text needs, and
// tiles are as they were.
func TestOverlay(t *testing.T) {
	for channels := range 2 { // a grey file, and one of many colours
		pix := flat(8, 8, 1, 0)
		if channels == 1 {
			pix = make([]float32, 2*8*8*3)
			for i := range pix {
				pix[i] = float32(i) / float32(len(pix))
			}
		}
		checkOverlay(t, must(PNG(must(grid(tiles{pix, 2, 8, 8, 1 + 2*channels}, 2, GridOptions{Scale: 8, Title: "a title"})))))
	}
	checkOverlay(t, must(PNG(must(sheet(tiles{flat(8, 8, 1, 0), 2, 8, 8, 1}, 1, 2, SheetOptions{Title: "a title"})))))
	if b, err := overlay(must(PNG(image.NewGray(image.Rect(0, 0, 3, 3))))); b != nil || err != nil {
		t.Errorf("a picture whose parts are not known has an overlay: %v", err)
	}
	for i := range 12 { // the hue stays
		c := ClassColor(i)
		_, a, b := toOklab([3]uint8{c.R, c.G, c.B})
		l, da, db := toOklab(darkened([3]uint8{c.R, c.G, c.B}))
		if l < 0.4 || a*da+b*db <= 0 {
			t.Errorf("class %d: lightness %.2f, axes %.2f %.2f from %.2f %.2f", i, l, da, db, a, b)
		}
	}
}

func checkOverlay(t *testing.T, file []byte) {
	t.Helper()
	img := must(png.Decode(bytes.NewReader(must(overlay(file)))))
	light := must(png.Decode(bytes.NewReader(file)))
	if img.Bounds() != light.Bounds() {
		t.Fatalf("%v over %v", img.Bounds(), light.Bounds())
	}
	tiles, _ := tilesOf(file)
	lightest := uint8(0)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			_, _, _, a := img.At(x, y).RGBA()
			inside := slices.ContainsFunc(tiles, image.Pt(x, y).In)
			if inside != (a == 0) {
				t.Fatalf("(%d, %d): alpha %d, in a tile: %v", x, y, a, inside)
			}
			if !inside {
				lightest = max(lightest, rgbAt(img, x, y)[0])
			}
		}
	}
	if p := rgbAt(img, 0, 0); p[0] > 40 || lightest < 200 {
		t.Errorf("paper %v, ink %d", p, lightest)
	}
}
