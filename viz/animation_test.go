package viz

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"math"
	"slices"
	"testing"
	"time"
)

func decodeGIF(t *testing.T, b []byte) (*gif.GIF, []*image.RGBA) {
	t.Helper()
	g, err := gif.DecodeAll(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	screen := image.NewRGBA(image.Rect(0, 0, g.Config.Width, g.Config.Height))
	var shown []*image.RGBA
	for _, f := range g.Image {
		draw.Draw(screen, f.Rect, f, f.Rect.Min, draw.Over)
		c := image.NewRGBA(screen.Rect)
		copy(c.Pix, screen.Pix)
		shown = append(shown, c)
	}
	return g, shown
}

func greyFrames(n int) []image.Image {
	var fs []image.Image
	for k := range n {
		f := image.NewGray(image.Rect(3, 5, 43, 35)) // an origin that is not 0
		for i := range f.Pix {
			f.Pix[i] = uint8(i % 251)
		}
		f.SetGray(3+k, 5, color.Gray{255})
		fs = append(fs, f)
	}
	return fs
}

func TestGIFFramesAndDelays(t *testing.T) {
	b, err := GIF(greyFrames(4), AnimationOptions{Delay: 120 * time.Millisecond, Hold: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	g, _ := decodeGIF(t, b)
	if want := []int{12, 12, 12, 300}; !slices.Equal(g.Delay, want) {
		t.Errorf("delays %v, want %v", g.Delay, want)
	}
	if g.LoopCount != 0 {
		t.Errorf("loop count %d, want 0: for ever", g.LoopCount)
	}
	if g.Config.Width != 40 || g.Config.Height != 30 {
		t.Errorf("%d×%d, want 40×30", g.Config.Width, g.Config.Height)
	}
	// Two pixels changed from frame to frame: that is all a frame holds.
	if got := g.Image[2].Rect; got != image.Rect(2, 0, 3, 1) && got.Dx() > 2 {
		t.Errorf("frame 2 holds %v", got)
	}
	once, err := GIF(greyFrames(2), AnimationOptions{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	if g, _ := decodeGIF(t, once); g.LoopCount != -1 || !slices.Equal(g.Delay, []int{25, 200}) {
		t.Errorf("once: loop count %d, delays %v, want -1 and 25, 200", g.LoopCount, g.Delay)
	}
}

func TestGIFShowsTheFrames(t *testing.T) {
	frames := greyFrames(5)
	b, err := GIF(frames, AnimationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, shown := decodeGIF(t, b)
	for k, s := range shown {
		for y := range 30 {
			for x := range 40 {
				got, want := rgbAt(s, x, y), rgbAt(frames[k], x, y)
				if math.Abs(float64(got[0])-float64(want[0])) > 1 || got != grey(got[0]) {
					t.Fatalf("frame %d at (%d, %d): %v, want %v", k, x, y, got, want)
				}
			}
		}
	}
}

func TestGIFColour(t *testing.T) {
	// A smooth field of far more colours than a palette holds, and a thin red line.
	f := image.NewRGBA(image.Rect(0, 0, 128, 128))
	for y := range 128 {
		for x := range 128 {
			f.SetRGBA(x, y, color.RGBA{uint8(x), uint8(2 * y), uint8(255 - x - y/2), 255})
		}
	}
	for x := range 128 {
		f.SetRGBA(x, 64, color.RGBA{255, 0, 0, 255})
		for y := range 20 {
			f.SetRGBA(x, y, color.RGBA{255, 255, 255, 255})
		}
		f.SetRGBA(x, 20, color.RGBA{252, 252, 252, 255})
	}
	b, err := GIF([]image.Image{f, f}, AnimationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, shown := decodeGIF(t, b)
	sum := 0.0
	for y := range 128 {
		for x := range 128 {
			a, b := rgbAt(f, x, y), rgbAt(shown[1], x, y)
			for k := range 3 {
				sum += math.Abs(float64(a[k]) - float64(b[k]))
			}
		}
	}
	if mean := sum / (3 * 128 * 128); mean > 7 {
		t.Errorf("a channel is off by %.2f on the mean, want at most 7", mean)
	}
	if got := rgbAt(shown[0], 60, 3); got != grey(255) {
		t.Errorf("white paper is %v", got)
	}
	if got := rgbAt(shown[0], 60, 64); got[0] < 240 || got[1] > 12 || got[2] > 12 {
		t.Errorf("the red line is %v", got)
	}
}

func TestGIFFewColoursAreExact(t *testing.T) {
	f := image.NewRGBA(image.Rect(0, 0, 30, 10))
	fill(f, paper)
	for i := range 10 {
		f.Set(i, 3, ClassColor(i))
	}
	b, err := GIF([]image.Image{f}, AnimationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, shown := decodeGIF(t, b)
	for i := range 30 {
		if got, want := rgbAt(shown[0], i, 3), rgbAt(f, i, 3); got != want {
			t.Errorf("pixel %d is %v, want %v", i, got, want)
		}
	}
}

func TestGIFShrinks(t *testing.T) {
	big := image.NewGray(image.Rect(0, 0, 2000, 500))
	for _, tt := range []struct{ max, w, h int }{{0, 960, 240}, {100, 100, 25}, {-1, 2000, 500}} {
		b, err := GIF([]image.Image{big}, AnimationOptions{MaxSide: tt.max})
		if err != nil {
			t.Fatal(err)
		}
		if g, _ := decodeGIF(t, b); g.Config.Width != tt.w || g.Config.Height != tt.h {
			t.Errorf("MaxSide %d: %d×%d, want %d×%d", tt.max, g.Config.Width, g.Config.Height, tt.w, tt.h)
		}
	}
}

func TestGIFSameBytes(t *testing.T) {
	f := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range f.Pix {
		f.Pix[i] = uint8(i*i>>5) | 1
	}
	for i := 3; i < len(f.Pix); i += 4 {
		f.Pix[i] = 255
	}
	a, err := GIF([]image.Image{f}, AnimationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := GIF([]image.Image{f}, AnimationOptions{})
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("the same frames gave other bytes (%v)", err)
	}
}
