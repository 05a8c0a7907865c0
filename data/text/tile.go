package text

import (
	"image"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"

	"github.com/imago-ml/imago/data/medium"
)

// The picture of a text: black on white, in lines of letters of one width.
const (
	letterWidth  = 8
	lineHeight   = 16
	margin       = 4 // on each side
	mostLetters  = 40
	fewLetters   = 8
	mostLines    = 6
	wordsLetters = 5 // of a word and the blank after it, about
)

// letters returns how many letters a line of a tile has, and how many lines there are.
func (m Medium) letters(item medium.Item) (columns, rows int) {
	n := item.Size()
	if m.Joint != "" {
		n *= wordsLetters
	}
	columns = min(max(n, fewLetters), mostLetters)
	return columns, min((n+columns-1)/columns, mostLines)
}

// TileSize returns the size of the picture of a text.
func (m Medium) TileSize(item medium.Item) (h, w, c int) {
	columns, rows := m.letters(item)
	return rows*lineHeight + 2*margin, columns*letterWidth + 2*margin, 1
}

// Tile draws one text. A text that is longer than the picture ends with … there.
func (m Medium) Tile(item medium.Item, values, dst []float32) {
	h, w, _ := m.TileSize(item)
	columns, rows := m.letters(item)
	img := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	face := inconsolata.Regular8x16
	d := font.Drawer{Dst: img, Src: image.Black, Face: face}
	for i, line := range wrap(m.Text(item, values), columns, rows) {
		d.Dot = fixed.P(margin, margin+i*lineHeight+face.Ascent)
		d.DrawString(line)
	}
	for i, v := range img.Pix {
		dst[i] = float32(v) / 255
	}
}

// wrap divides a text into lines of at most so many letters, between words where that is
// possible. If they are more than rows, the last one ends with ….
func wrap(text string, columns, rows int) []string {
	var out []string
	rest := []rune(text)
	for len(rest) > 0 {
		n := min(columns, len(rest))
		for k := n; n < len(rest) && k > 0; k-- {
			if rest[k] == ' ' {
				n = k
				break
			}
		}
		if len(out) == rows-1 && n < len(rest) {
			n = min(n, columns-1)
			return append(out, string(rest[:n])+"…")
		}
		out = append(out, string(rest[:n]))
		rest = rest[n:]
		for len(rest) > 0 && rest[0] == ' ' {
			rest = rest[1:]
		}
	}
	return out
}
