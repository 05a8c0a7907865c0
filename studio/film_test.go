package studio_test

import (
	"bytes"
	"flag"
	"image"
	"image/gif"
	"image/png"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/imago-ml/imago/internal/chromium"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/viz"
)

var update = flag.Bool("update", false, "write the moving picture of README.md anew")

// storedFilm is the moving picture of README.md.
const storedFilm = "../docs/studio.gif"

// mostFilm is the size of the moving picture of README.md, in bytes: everybody who clones the repository gets it.
const mostFilm = 400_000

// TestFilm films the pointer on its way through the latent plane, once along the digits, and sees that the picture follows. It
// compares the first frame with that of docs/studio.gif, which it writes with -update.
func TestFilm(t *testing.T) {
	frames := 8
	if *update {
		frames = 36
	}
	p := openStudio(t)
	chromium.Size(t, p.Tab, 1100, 640, false)
	p.open("/explore/zoo%3Acnn-vae", explored)
	var film []image.Image
	var last []float32
	for i := range frames {
		angle := 2 * math.Pi * float64(i) / float64(frames)
		x, y := p.at(".x-box", 0.32+0.2*math.Cos(angle), 0.5+0.3*math.Sin(angle))
		chromium.Run(t, p.Tab, chromedp.MouseEvent(chromedp.MouseMoved, x, y))
		now := p.numbers(settled)
		if slices.Equal(now, last) {
			t.Fatalf("at frame %d the picture is that of the frame before", i)
		}
		last = now
		shot := chromium.Run(t, p.Tab, chromedp.CaptureScreenshot())
		img, err := png.Decode(bytes.NewReader(shot))
		if err != nil {
			t.Fatal(err)
		}
		film = append(film, img)
	}
	made, err := viz.GIF(film, viz.AnimationOptions{Delay: 90 * time.Millisecond, Hold: 90 * time.Millisecond, MaxSide: 760})
	if err != nil {
		t.Fatal(err)
	}
	if len(made) > mostFilm {
		t.Errorf("the film has %d bytes, want at most %d", len(made), mostFilm)
	}
	if !*update {
		stored := runtest.Must(gif.Decode(bytes.NewReader(runtest.Must(os.ReadFile(storedFilm)))))
		chromium.Same(t, runtest.Must(gif.Decode(bytes.NewReader(made))), stored, storedFilm+", first frame") // another model gave 9.1
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(storedFilm, made, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
