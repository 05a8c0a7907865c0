package viz

import (
	"fmt"
	"image"
)

// PairsOptions says how originals and reconstructions are laid out.
type PairsOptions struct {
	Cols     int       // pairs a row; 0 = 10
	Scale    int       // pixels a side an image pixel takes; 0 = as large as keeps a cell within 128 pixels
	Title    string    // above; "" = none
	Captions [2]string // of the two rows; "" = "original" and "reconstruction"
}

// Pairs draws n originals (n, h, w, c), each with its reconstruction (n, h, w, c)
// right below it, and says at the left of each row which it is.
func Pairs(originals, reconstructions []float32, n, h, w, c int, opt PairsOptions) (image.Image, error) {
	if err := checkImages("pairs: originals", originals, n, h, w, c); err != nil {
		return nil, err
	}
	if err := checkImages("pairs: reconstructions", reconstructions, n, h, w, c); err != nil {
		return nil, err
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
	scale := opt.Scale
	if scale == 0 {
		scale = autoScale(max(h, w), 128)
	}
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
	size := h * w * c
	for k := range n {
		x, y := left+float64(k%cols)*(cw+gap), top+float64(k/cols)*block
		for i, pix := range [2][]float32{originals, reconstructions} {
			row := y + float64(i)*(ch+gap)
			blit(s.img, s.px(x), s.px(row), scale, pix[k*size:(k+1)*size], h, w, c)
			if k%cols == 0 {
				s.centred(left-10, row+ch/2, t, caps[i])
			}
		}
	}
	return s.img, nil
}
