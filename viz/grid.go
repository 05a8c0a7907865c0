package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/imago-ml/imago/data/medium"
)

// GridOptions are the size and the titles of a grid. The zero value is good.
type GridOptions struct {
	Scale      int         // pixels a side an image pixel takes; 0 = as large as keeps a cell within 128 pixels
	Gap        int         // pixels between cells; 0 = a sixteenth of a cell, negative = none
	Background color.Color // nil = white
	Title      string      // above the sheet; "" = none
	Note       string      // below the title: what numbers and marks mean; "" = none
	Titles     []string    // under each image, one an image; nil = none
	MaxPixels  int         // of all images together, which are drawn smaller for it; 0 = 2²⁴
}

// autoScale returns the largest whole factor that keeps side pixels within want, at
// least 1.
func autoScale(side, want int) int { return max(1, want/side) }

// maxScale bounds the magnification, so that products with it do not overflow.
const maxScale = 4096

// Grid draws n items, values (n, Shape), cols in a row, row after row from the top left. A
// last row that is not full leaves the remaining cells empty. Items are enlarged by
// repeating pixels. cols is limited to n.
func Grid(item medium.Item, values []float32, cols int, opt GridOptions) (image.Image, error) {
	if r, ok := recordsOf(item, values); ok {
		if err := opt.check(r.n, cols); err != nil {
			return nil, err
		}
		return r.draw("grid", figureWords{opt.Title, opt.Note}, numbered(r.n, opt.Titles), 0)
	}
	t, err := drawTiles("grid", item, values)
	if err != nil {
		return nil, err
	}
	return grid(t, cols, opt)
}

func grid(t tiles, cols int, opt GridOptions) (image.Image, error) {
	if err := t.check("grid"); err != nil {
		return nil, err
	}
	n := t.n
	if err := opt.check(n, cols); err != nil {
		return nil, err
	}
	cols = min(cols, n)
	rows := (n + cols - 1) / cols
	t, scale, small := t.sized(opt.Scale, 128, opt.MaxPixels)
	words := figureWords{opt.Title, withNote(opt.Note, small)}
	cw, ch := t.w*scale, t.h*scale
	gap := opt.Gap
	switch {
	case gap == 0:
		gap = max(2, max(cw, ch)/16)
	case gap < 0:
		gap = 0
	}
	label := 0 // height under a cell
	if opt.Titles != nil {
		label = 17 * Density
	}
	pw, head := cols*cw+(cols+1)*gap, 0 // head: height of the words above
	var lines []string
	if words != (figureWords{}) {
		if rows*cols > 1 { // the words of one small image are cut: it may be a frame of many
			pw = max(pw, int(math.Ceil(words.width()))*Density)
		}
		var top float64
		top, lines = words.room(float64(pw) / Density)
		head = int(top-10) * Density
	}
	ph := rows*(ch+label) + (rows+1)*gap + head
	s, err := newRaster("grid", float64(pw)/Density, float64(ph)/Density, Density)
	if err != nil {
		return nil, err
	}
	if opt.Background != nil {
		fill(s.img, opt.Background)
		s.keep(s.img.Rect)
	}
	words.draw(s, lines)
	for k := range n {
		x, y := gap+k%cols*(cw+gap), head+gap+k/cols*(ch+label+gap)
		s.tile(x, y, scale, t, k)
		if label > 0 {
			style := tickText.at(0.5)
			s.text((float64(x)+float64(cw)/2)/Density, float64(y+ch)/Density+12, style,
				shorten(style, opt.Titles[k], float64(cw+gap)/Density))
		}
	}
	// The canvas is of whole units.
	s.img = s.img.SubImage(image.Rect(0, 0, pw, ph)).(*image.RGBA)
	return s.image(), nil
}

// check returns an error unless n images in so many columns can be drawn.
func (opt *GridOptions) check(n, cols int) error {
	switch {
	case cols < 1:
		return fmt.Errorf("viz: grid: %d columns, want at least 1", cols)
	case opt.Scale < 0 || opt.Scale > maxScale || opt.Gap > maxScale:
		return fmt.Errorf("viz: grid: scale %d and gap %d, want 0 to %d", opt.Scale, opt.Gap, maxScale)
	case opt.Titles != nil && len(opt.Titles) != n:
		return fmt.Errorf("viz: grid: %d titles for %d images, want one each", len(opt.Titles), n)
	}
	return nil
}
