package viz

import (
	"fmt"
	"image"

	"github.com/imago-ml/imago/data/medium"
)

// PairsOptions are the layout and the words of pairs. The zero value is good.
type PairsOptions struct {
	Cols     int       // pairs a row; 0 = 10
	Scale    int       // pixels a side an image pixel takes; 0 = as large as keeps a cell within 128 pixels
	Title    string    // above; "" = none
	Captions [2]string // of the two rows; "" = "original" and "reconstruction"
}

// Pairs draws n originals, (n, Shape), each with its reconstruction, (n, Shape), right
// below it, and the captions of the two at the left of each row.
func Pairs(item medium.Item, originals, reconstructions []float32, opt PairsOptions) (image.Image, error) {
	x, err := drawTiles("pairs: originals", item, originals)
	if err != nil {
		return nil, err
	}
	y, err := drawTiles("pairs: reconstructions", item, reconstructions)
	if err != nil {
		return nil, err
	}
	return pairs(x, y, opt)
}

func pairs(originals, reconstructions tiles, opt PairsOptions) (image.Image, error) {
	if err := originals.check("pairs: originals"); err != nil {
		return nil, err
	}
	if err := reconstructions.check("pairs: reconstructions"); err != nil {
		return nil, err
	}
	n := originals.n
	if reconstructions.n != n {
		return nil, fmt.Errorf("viz: pairs: reconstructions: %d images, want %d as originals", reconstructions.n, n)
	}
	if opt.Cols < 0 || opt.Scale < 0 || opt.Scale > maxScale {
		return nil, fmt.Errorf("viz: pairs: %d columns at scale %d, want 0 or more, scale at most %d", opt.Cols, opt.Scale, maxScale)
	}
	cols := opt.Cols
	if cols == 0 {
		cols = 10
	}
	cols = min(cols, n)
	blocks := (n + cols - 1) / cols
	originals, scale, note := originals.sized(opt.Scale, 128, sheetPixels/2)
	reconstructions, _, _ = reconstructions.sized(opt.Scale, 128, sheetPixels/2)
	opt.Title = withNote(opt.Title, note)
	h, w := originals.h, originals.w
	caps := opt.Captions
	for i, s := range [2]string{"original", "reconstruction"} {
		if caps[i] == "" {
			caps[i] = s
		}
	}
	t := bodyText.at(1)
	left := max(t.width(caps[0]), t.width(caps[1])) + 22
	top := 10.0
	if opt.Title != "" {
		top = 40
	}
	cw, ch := float64(w*scale)/Density, float64(h*scale)/Density
	const gap, between = 3.0, 14.0
	block := 2*ch + gap + between
	width := max(left+float64(cols)*(cw+gap)+8, titleText.width(opt.Title)+24)
	s, err := newRaster("pairs", width, top+float64(blocks)*block-between+10, Density)
	if err != nil {
		return nil, err
	}
	s.text(12, 26, titleText, shorten(titleText, opt.Title, s.w-20))
	for k := range n {
		x, y := left+float64(k%cols)*(cw+gap), top+float64(k/cols)*block
		for i, both := range [2]tiles{originals, reconstructions} {
			row := y + float64(i)*(ch+gap)
			s.tile(s.px(x), s.px(row), scale, both, k)
			if k%cols == 0 {
				s.centred(left-10, row+ch/2, t, caps[i])
			}
		}
	}
	return s.image(), nil
}
