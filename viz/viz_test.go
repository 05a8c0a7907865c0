package viz

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
)

// flat returns n images of one grey value each.
func flat(h, w int, values ...float32) []float32 {
	var pix []float32
	for _, v := range values {
		for range h * w {
			pix = append(pix, v)
		}
	}
	return pix
}

func rgbAt(img image.Image, x, y int) [3]uint8 {
	b := img.Bounds()
	c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
	return [3]uint8{c.R, c.G, c.B}
}

func grey(v uint8) [3]uint8 { return [3]uint8{v, v, v} }

func TestToByte(t *testing.T) {
	for _, tt := range []struct {
		in   float32
		want uint8
	}{
		{0, 0}, {1, 255}, {0.5, 128}, {-3, 0}, {7, 255}, {float32(math.NaN()), 0},
		{float32(math.Inf(1)), 255}, {float32(math.Inf(-1)), 0}, {1.0 / 255, 1},
	} {
		if got := toByte(tt.in); got != tt.want {
			t.Errorf("toByte(%g) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestGridPlaces(t *testing.T) {
	img, err := grid(tiles{flat(2, 3, 0.2, 0.4, 0.6, 0.8, 1), 5, 2, 3, 1}, 2, GridOptions{Scale: 4, Gap: 5, Background: color.Black})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := img.Bounds().Size(), image.Pt(2*12+3*5, 3*8+4*5); got != want {
		t.Fatalf("size %v, want %v", got, want)
	}
	for k, want := range []uint8{51, 102, 153, 204, 255} {
		x, y := 5+k%2*17, 5+k/2*13
		for _, d := range []image.Point{{0, 0}, {11, 0}, {0, 7}, {11, 7}} {
			if got := rgbAt(img, x+d.X, y+d.Y); got != grey(want) {
				t.Errorf("image %d at %v: %v, want %d", k, d, got, want)
			}
		}
		if got := rgbAt(img, x-1, y); got != grey(0) {
			t.Errorf("left of image %d: %v, want the background", k, got)
		}
	}
	if got := rgbAt(img, 5+17, 5+2*13); got != grey(0) {
		t.Errorf("the open place of the last row is %v, want the background", got)
	}
}

func TestGridColourAndPixels(t *testing.T) {
	pix := []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0} // 2×2 RGB
	img, err := grid(tiles{pix, 1, 2, 2, 3}, 7, GridOptions{Scale: 3, Gap: -1})
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds().Dx() != 6 || img.Bounds().Dy() != 6 {
		t.Fatalf("size %v, want 6×6", img.Bounds())
	}
	for i, want := range [][3]uint8{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0}} {
		for _, d := range []int{0, 2} {
			if got := rgbAt(img, i%2*3+d, i/2*3+d); got != want {
				t.Errorf("pixel %d: %v, want %v", i, got, want)
			}
		}
	}
}

func TestGridTitlesTakeRoom(t *testing.T) {
	pix := flat(8, 8, 0, 0)
	plain, err := grid(tiles{pix, 2, 8, 8, 1}, 2, GridOptions{})
	if err != nil {
		t.Fatal(err)
	}
	titled, err := grid(tiles{pix, 2, 8, 8, 1}, 2, GridOptions{Title: "two", Titles: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := titled.Bounds().Dy() - plain.Bounds().Dy(); got != (30+17)*Density {
		t.Errorf("titles take %d pixels, want %d", got, (30+17)*Density)
	}
}

func TestPairsPlaces(t *testing.T) {
	img, err := pairs(tiles{flat(4, 4, 0.2, 0.4, 0.6), 3, 4, 4, 1}, tiles{flat(4, 4, 0.1, 0.3, 0.5), 3, 4, 4, 1}, PairsOptions{Cols: 2, Scale: 10})
	if err != nil {
		t.Fatal(err)
	}
	// From the right edge: 8 units of margin, 3 of gap, then 20 units an image.
	w := img.Bounds().Dx()
	right := w - 2*(8+3) - 20
	left := right - 2*23
	for _, tt := range []struct {
		name string
		x, y int
		want uint8
	}{
		{"original 0", left, 2*10 + 20, 51},
		{"reconstruction 0", left, 2*33 + 20, 26},
		{"original 1", right, 2*10 + 20, 102},
		{"reconstruction 1", right, 2*33 + 20, 77},
		{"original 2", left, 2*67 + 20, 153},
		{"reconstruction 2", left, 2*90 + 20, 128},
		{"open place", right, 2*67 + 20, 255},
	} {
		if got := rgbAt(img, tt.x, tt.y); got != grey(tt.want) {
			t.Errorf("%s: %v, want %d", tt.name, got, tt.want)
		}
	}
	if !inked(img, image.Rect(0, 2*10, left-40, 2*30)) || !inked(img, image.Rect(0, 2*33, left-40, 2*53)) {
		t.Error("a row has no caption at its left")
	}
}

// inked reports whether r contains a pixel that is not white.
func inked(img image.Image, r image.Rectangle) bool {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if rgbAt(img, x, y) != grey(255) {
				return true
			}
		}
	}
	return false
}

func TestSizesAreErrors(t *testing.T) {
	pix := flat(2, 2, 0, 0, 0, 0)
	pts := [][2]float32{{0, 0}}
	frame := image.NewGray(image.Rect(0, 0, 2, 2))
	one := func(_ any, err error) error { return err }
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"too few values", one(grid(tiles{pix, 5, 2, 2, 1}, 2, GridOptions{})), "16 values, want 20"},
		{"no images", one(grid(tiles{nil, 0, 2, 2, 1}, 2, GridOptions{})), "0 images"},
		{"negative", one(grid(tiles{nil, 1, -2, 2, 1}, 2, GridOptions{})), "at least one of each"},
		{"two channels", one(grid(tiles{pix, 2, 2, 2, 2}, 2, GridOptions{})), "2 channels, want 1"},
		{"product overflows", one(grid(tiles{nil, 1 << 31, 1 << 31, 1 << 31, 1}, 2, GridOptions{})), "more than"},
		{"no columns", one(grid(tiles{pix, 4, 2, 2, 1}, 0, GridOptions{})), "0 columns"},
		{"scale", one(grid(tiles{pix, 4, 2, 2, 1}, 1, GridOptions{Scale: 1 << 40})), "scale"},
		{"canvas", one(grid(tiles{pix, 4, 2, 2, 1}, 2, GridOptions{Scale: 2, Gap: 4096 * 3})), "gap"},
		{"large canvas", one(grid(tiles{pix, 4, 2, 2, 1}, 1, GridOptions{Gap: 4096, Scale: 4096})), "picture of"},
		{"titles", one(grid(tiles{pix, 4, 2, 2, 1}, 2, GridOptions{Titles: []string{"a"}})), "1 titles for 4"},
		{"pairs", one(pairs(tiles{pix, 4, 2, 2, 1}, tiles{pix[:4], 4, 2, 2, 1}, PairsOptions{})), "reconstructions: 4 values, want 16"},
		{"pairs columns", one(pairs(tiles{pix, 4, 2, 2, 1}, tiles{pix, 4, 2, 2, 1}, PairsOptions{Cols: -1})), "-1 columns"},
		{"manifold side", one(manifold(tiles{pix, 0, 2, 2, 1}, 0, -1, 1, ManifoldOptions{})), "0 images a side"},
		{"manifold range", one(manifold(tiles{pix, 4, 2, 2, 1}, 2, 1, -1, ManifoldOptions{})), "smaller first"},
		{"manifold NaN", one(ManifoldPoints(2, math.NaN(), 1)), "smaller first"},
		{"manifold infinite", one(ManifoldPoints(2, 0, math.Inf(1))), "finite"},
		{"manifold count", one(manifold(tiles{pix, 9, 2, 2, 1}, 3, -1, 1, ManifoldOptions{})), "16 values, want 36"},
		{"manifold options", one(manifold(tiles{pix, 4, 2, 2, 1}, 2, -1, 1, ManifoldOptions{PerUnit: 9})), "0 to 4 pixels"},
		{"labels", one(Scatter(pts, []int32{}, nil, ScatterOptions{})), "0 labels for 1 points"},
		{"label below", one(Scatter(pts, []int32{-1}, nil, ScatterOptions{})), "label -1 of point 0"},
		{"label above", one(Scatter(pts, []int32{2}, []string{"a", "b"}, ScatterOptions{})), "want 0 to 1"},
		{"scatter range", one(Scatter(pts, nil, nil, ScatterOptions{Lo: 2, Hi: 1})), "from 2 to 1"},
		{"no panels", one(Panels(nil, 2)), "0 panels"},
		{"no series", one(Curves(nil, CurveOptions{})), "no series"},
		{"x and y", one(Curves([]Series{{Name: "a", X: []float64{1}, Y: []float64{1, 2}}}, CurveOptions{})), "1 x and 2 y"},
		{"no layers", one(Network(nil, "")), "0 layers"},
		{"unknown input", one(Network([]NetLayer{{Name: "a", Inputs: []string{"b"}}}, "")), `"a" takes "b"`},
		{"twice", one(Network([]NetLayer{{Name: "a"}, {Name: "a"}}, "")), "both named"},
		{"cycle", one(Network([]NetLayer{{Name: "a", Inputs: []string{"b"}}, {Name: "b", Inputs: []string{"a"}}}, "")), "cycle"},
		{"itself", one(NetworkSVG([]NetLayer{{Name: "a", Inputs: []string{"a"}}}, "")), "cycle"},
		{"no frames", one(GIF(nil, AnimationOptions{})), "0 frames"},
		{"nil frame", one(GIF([]image.Image{nil}, AnimationOptions{})), "frame 0 is empty"},
		{"frame sizes", one(GIF([]image.Image{frame, image.NewGray(image.Rect(0, 0, 3, 2))}, AnimationOptions{})), "frame 1 is 3×2"},
		{"delay", one(GIF([]image.Image{frame}, AnimationOptions{Delay: -1})), "delay"},
		{"png", one(PNG(nil)), "empty"},
	} {
		switch {
		case tt.err == nil:
			t.Errorf("%s: no error, want %q", tt.name, tt.want)
		case !strings.Contains(tt.err.Error(), tt.want) || !strings.HasPrefix(tt.err.Error(), "viz: "):
			t.Errorf("%s: error %q, want viz: … %q", tt.name, tt.err, tt.want)
		}
	}
}

func TestPNGLosesNothing(t *testing.T) {
	greyImg := image.NewRGBA(image.Rect(0, 0, 20, 20))
	few, many := image.NewRGBA(greyImg.Rect), image.NewRGBA(greyImg.Rect)
	for i := range 400 {
		v := uint8(i)
		greyImg.SetRGBA(i%20, i/20, color.RGBA{v, v, v, 255})
		few.SetRGBA(i%20, i/20, color.RGBA{uint8(i % 3), 9, 200, 255})
		many.SetRGBA(i%20, i/20, color.RGBA{v, uint8(i >> 4), 7, 255})
	}
	for _, tt := range []struct {
		name  string
		img   *image.RGBA
		model color.Model // nil = a palette
	}{{"grey", greyImg, color.GrayModel}, {"few", few, nil}, {"many", many, color.RGBAModel}} {
		b, err := PNG(tt.img)
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if _, pal := got.ColorModel().(color.Palette); pal != (tt.model == nil) || !pal && got.ColorModel() != tt.model {
			t.Errorf("%s: stored as %T", tt.name, got)
		}
		for i := range 400 {
			if a, b := rgbAt(got, i%20, i/20), rgbAt(tt.img, i%20, i/20); a != b {
				t.Fatalf("%s: pixel %d is %v, was %v", tt.name, i, a, b)
			}
		}
	}
}
