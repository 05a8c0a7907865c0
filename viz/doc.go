// Package viz draws pictures, and one self-contained web page, from plain numbers:
// grids of images, originals beside reconstructions, the latent manifold and scatter,
// loss curves, layer diagrams, animations, the report of a run.
//
// It promises that the same numbers give the same bytes, that a wrong size gives an
// error and never a panic, and that its results need nothing else: fonts are in the
// binary, and the page loads nothing. It must not know any model, data set, checkpoint
// or run: it receives numbers and names.
//
// Each figure is a function that returns an image.Image: Grid, Sheet, Manifold,
// Scatter, Curves, Panels, Network. PNG encodes it, GIF encodes several, WriteReport
// writes the page.
//
// N items, such as images, are given as their medium.Item and values (N, Shape), row
// major. Their medium draws each as a tile: H rows of W columns of C channels, 1 (grey)
// or 3 (red, green, blue), in [0, 1]. Values outside [0, 1] are clamped; NaN is drawn as
// 0.
//
// Figures are laid out in units and rasterised with Density pixels to a unit, so that
// they are sharp on a screen with two pixels to a point.
package viz

import (
	"fmt"

	"github.com/imago-ml/imago/data/medium"
)

// Density is the number of pixels to a layout unit, along each axis, in the figures of
// this package.
const Density = 2

// maxPixels bounds a picture, so that a wrong option gives an error instead of
// exhausting the memory: 2²⁷ pixels are 512 MiB.
const maxPixels = 1 << 27

// tiles are the pictures of n items.
type tiles struct {
	pix        []float32 // (n, h, w, c)
	n, h, w, c int
}

// drawTiles returns the tiles of items of a medium: values (n, Shape).
func drawTiles(place string, item medium.Item, values []float32) (t tiles, err error) {
	if t.pix, t.h, t.w, t.c, err = medium.Draw(item, values); err != nil {
		return t, fmt.Errorf("viz: %s: %w", place, err)
	}
	t.n = len(values) / item.Size()
	return t, nil
}

// size returns the number of values of one tile.
func (t tiles) size() int { return t.h * t.w * t.c }

// at returns tile k.
func (t tiles) at(k int) []float32 { return t.pix[k*t.size() : (k+1)*t.size()] }

// check returns an error unless t has at least one tile, of a size that can be drawn;
// place names the argument in the error.
func (t tiles) check(place string) error {
	n, h, w, c := t.n, t.h, t.w, t.c
	if n < 1 || h < 1 || w < 1 {
		return fmt.Errorf("viz: %s: %d images of %d×%d pixels, want at least one of each", place, n, h, w)
	}
	if c != 1 && c != 3 {
		return fmt.Errorf("viz: %s: %d channels, want 1 (grey) or 3 (RGB)", place, c)
	}
	if h > maxPixels/w || h*w > maxPixels/n {
		return fmt.Errorf("viz: %s: %d images of %d×%d pixels are more than %d pixels; draw fewer", place, n, h, w, maxPixels)
	}
	if want := n * h * w * c; len(t.pix) != want {
		return fmt.Errorf("viz: %s: %d values, want %d for (%d, %d, %d, %d)", place, len(t.pix), want, n, h, w, c)
	}
	return nil
}
