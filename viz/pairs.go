package viz

import (
	"fmt"
	"image"
	"strconv"

	"github.com/imago-ml/imago/data/medium"
)

// PairsOptions are the layout and the words of pairs. The zero value is good.
type PairsOptions struct {
	Cols     int       // pairs a row; 0 = 10
	Scale    int       // pixels a side an image pixel takes; 0 = as large as keeps a cell within 128 pixels
	Title    string    // above; "" = none
	Note     string    // below the title: what is shown; "" = none
	Captions [2]string // of the two rows; "" = "original" and "reconstruction"
}

// Pairs draws n originals, (n, Shape), each with its reconstruction, (n, Shape), right
// below it, and the captions of the two at the left of each row.
func Pairs(item medium.Item, originals, reconstructions []float32, opt PairsOptions) (image.Image, error) {
	if r, ok := recordsOf(item, originals); ok && len(reconstructions) == len(originals) {
		return pairsOfRecords(r, reconstructions, opt)
	}
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
	words := figureWords{opt.Title, withNote(opt.Note, note)}
	h, w := originals.h, originals.w
	caps := opt.captions()
	t := bodyText.at(1)
	left := max(t.width(caps[0]), t.width(caps[1])) + 22
	cw, ch := float64(w*scale)/Density, float64(h*scale)/Density
	const gap, between = 3.0, 14.0
	block := 2*ch + gap + between
	width := max(left+float64(cols)*(cw+gap)+8, words.width())
	top, lines := words.room(width)
	s, err := newRaster("pairs", width, top+float64(blocks)*block-between+10, Density)
	if err != nil {
		return nil, err
	}
	words.draw(s, lines)
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

// captions returns the captions of the two rows.
func (opt *PairsOptions) captions() [2]string {
	return [2]string{orElse(opt.Captions[0], "original"), orElse(opt.Captions[1], "reconstruction")}
}

// pairsOfRecords draws records, each with its reconstruction below it.
func pairsOfRecords(r records, reconstructions []float32, opt PairsOptions) (image.Image, error) {
	size := r.item.Size()
	var both []float32
	var labels []recordLabel
	caps := opt.captions()
	for k := range r.n {
		both = append(append(both, r.values[k*size:(k+1)*size]...), reconstructions[k*size:(k+1)*size]...)
		labels = append(labels, recordLabel{strconv.Itoa(k + 1), caps[0]}, recordLabel{"", caps[1]})
	}
	all, _ := recordsOf(r.item, both)
	return all.draw("pairs", figureWords{opt.Title, opt.Note}, labels, 2)
}
