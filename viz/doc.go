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
// In every comment of this package N images of H rows, W columns and C channels (1
// grey, 3 red-green-blue) are float32 pixels in [0, 1], row major as (N, H, W, C).
// Pixels outside [0, 1] are clamped; NaN is drawn as 0.
//
// Figures are laid out in units and rasterised with Density pixels to a unit, so that
// they are sharp on a screen with two pixels to a point.
package viz

import "fmt"

// Density is the number of pixels to a layout unit, along each axis, in the figures of
// this package.
const Density = 2

// maxPixels bounds a picture, so that a wrong option gives an error instead of
// exhausting the memory: 2²⁷ pixels are 512 MiB.
const maxPixels = 1 << 27

// checkImages returns an error unless pix holds n images of h×w×c; place names the
// argument in the error.
func checkImages(place string, pix []float32, n, h, w, c int) error {
	if n < 1 || h < 1 || w < 1 {
		return fmt.Errorf("viz: %s: %d images of %d×%d pixels, want at least one of each", place, n, h, w)
	}
	if c != 1 && c != 3 {
		return fmt.Errorf("viz: %s: %d channels, want 1 (grey) or 3 (RGB)", place, c)
	}
	if h > maxPixels/w || h*w > maxPixels/n {
		return fmt.Errorf("viz: %s: %d images of %d×%d pixels are more than %d pixels; draw fewer", place, n, h, w, maxPixels)
	}
	if want := n * h * w * c; len(pix) != want {
		return fmt.Errorf("viz: %s: %d values, want %d for (%d, %d, %d, %d)", place, len(pix), want, n, h, w, c)
	}
	return nil
}
