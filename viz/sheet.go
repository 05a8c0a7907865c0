package viz

import (
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data/medium"
)

// SheetOptions are the size and the words of a sheet of rows and columns. The zero
// value is a sheet without words.
type SheetOptions struct {
	Scale int      // pixels a side an image pixel takes; 0 = as large as keeps a cell within 128 pixels
	Title string   // above; "" = none
	Note  string   // below the title: what numbers and marks mean; "" = none
	Rows  []string // left of each row; nil = none
	Cols  []string // above each column, in up to three lines; nil = none
	Cells []string // under each image, row by row, a line each for the parts between "\n"; nil = none
	Lead  int      // number of columns at the left set apart from the others, for their originals
	Tail  int      // number of columns at the right set apart

	MaxPixels int // of all images together, which are drawn smaller for it; 0 = 2²⁴
}

// The distances on a sheet, in units.
const (
	sheetGap   = 3.0
	sheetApart = 14.0 // between the columns that stand apart and the others
	sheetRow   = 170.0
	sheetWords = 17.0
	sheetLine  = 13.0 // from line to line of words above a column
)

// Sheet draws rows×cols items, values (rows·cols, Shape), row after row, with words beside
// rows and above columns: an edit, a traversal, an interpolation. A tile of one row of
// pixels is drawn as bars, a quarter as high as wide and at most 64 rows. Records, such as
// the rows of a table, are drawn as lines of a table, with their words before them.
func Sheet(item medium.Item, values []float32, rows, cols int, opt SheetOptions) (image.Image, error) {
	if r, ok := recordsOf(item, values); ok {
		if err := opt.check(r.n, rows, cols); err != nil {
			return nil, err
		}
		return r.draw("sheet", figureWords{opt.Title, opt.Note}, opt.labels(rows, cols), cols)
	}
	t, err := drawTiles("sheet", item, values)
	if err != nil {
		return nil, err
	}
	return sheet(t, rows, cols, opt)
}

func sheet(t tiles, rows, cols int, opt SheetOptions) (image.Image, error) {
	if err := opt.check(t.n, rows, cols); err != nil {
		return nil, err
	}
	if err := t.check("sheet"); err != nil {
		return nil, err
	}
	if t.h == 1 {
		t.h = min(max(1, t.w/4), 64)
		t.pix = bars(t.pix, t.w*t.c, t.h)
	}
	t, scale, small := t.sized(opt.Scale, 128, opt.MaxPixels)
	words := figureWords{opt.Title, withNote(opt.Note, small)}
	cw, ch := float64(t.w*scale)/Density, float64(t.h*scale)/Density

	side := bodyText.at(1)
	left := 12.0
	for _, name := range opt.Rows {
		left = max(left, min(side.width(name), sheetRow)+22)
	}
	heads := make([][]string, len(opt.Cols))
	deep := 0
	for k, name := range opt.Cols {
		heads[k] = wrap(bodyText, name, cw, 3)
		deep = max(deep, len(heads[k]))
	}
	under := make([]float64, rows) // room for the words below the images of a row
	for i, cell := range opt.Cells {
		if cell != "" {
			under[i/cols] = max(under[i/cols], sheetWords+sheetLine*float64(strings.Count(cell, "\n")))
		}
	}
	x := func(col int) float64 {
		at := left + float64(col)*(cw+sheetGap)
		if opt.Lead > 0 && col >= opt.Lead {
			at += sheetApart
		}
		if opt.Tail > 0 && col >= cols-opt.Tail {
			at += sheetApart
		}
		return at
	}
	right := x(cols-1) + cw + sheetGap
	width := max(right+9, words.width())
	top, lines := words.room(width)
	if deep > 0 {
		top += sheetWords + sheetLine*float64(deep-1)
	}
	s, err := newRaster("sheet", width, top+float64(rows)*(ch+sheetGap)+sum(under)+8, Density)
	if err != nil {
		return nil, err
	}
	words.draw(s, lines)
	for k, lines := range heads {
		for i, line := range lines {
			s.text(x(k)+cw/2, top-7-sheetLine*float64(len(lines)-1-i), bodyText.at(0.5), line)
		}
	}
	for r := range rows {
		y := top + float64(r)*(ch+sheetGap) + sum(under[:r])
		if opt.Rows != nil {
			s.centred(left-10, y+ch/2, side, shorten(side, opt.Rows[r], sheetRow))
		}
		for k := range cols {
			i := r*cols + k
			s.tile(s.px(x(k)), s.px(y), scale, t, i)
			if opt.Cells != nil {
				style := tickText.at(0.5)
				for n, line := range strings.Split(opt.Cells[i], "\n") {
					s.text(x(k)+cw/2, y+ch+12+sheetLine*float64(n), style, shorten(style, line, cw+sheetGap))
				}
			}
		}
	}
	return s.image(), nil
}

// check returns an error unless n images are so many rows and columns, with fitting words.
func (opt *SheetOptions) check(n, rows, cols int) error {
	if rows < 1 || cols < 1 || rows > maxPixels/cols {
		return fmt.Errorf("viz: sheet: %d rows of %d images, want at least one of each and no more than %d images", rows, cols, maxPixels)
	}
	if n != rows*cols {
		return fmt.Errorf("viz: sheet: %d images, want %d in %d rows of %d", n, rows*cols, rows, cols)
	}
	if opt.Scale < 0 || opt.Scale > maxScale || opt.Lead < 0 || opt.Tail < 0 || opt.Lead >= cols-opt.Tail {
		return fmt.Errorf("viz: sheet: scale %d, %d leading and %d last columns of %d, want scale 0 to %d and a column between", opt.Scale, opt.Lead, opt.Tail, cols, maxScale)
	}
	for _, words := range []struct {
		of   string
		have []string
		want int
	}{{"rows", opt.Rows, rows}, {"columns", opt.Cols, cols}, {"images", opt.Cells, n}} {
		if words.have != nil && len(words.have) != words.want {
			return fmt.Errorf("viz: sheet: %d titles for %d %s, want one each or none", len(words.have), words.want, words.of)
		}
	}
	return nil
}

// labels returns the words of each image: its row at the first of a row, its column and its
// own.
func (opt *SheetOptions) labels(rows, cols int) []recordLabel {
	labels := make([]recordLabel, rows*cols)
	for i := range labels {
		var column, cell string
		if opt.Cols != nil {
			column = opt.Cols[i%cols]
		}
		if opt.Cells != nil {
			cell = strings.ReplaceAll(opt.Cells[i], "\n", ", ")
		}
		labels[i].name = joined(column, cell)
		if opt.Rows != nil && i%cols == 0 {
			labels[i].group = opt.Rows[i/cols]
		}
	}
	return labels
}

// sum returns the sum of lengths.
func sum(lengths []float64) float64 {
	total := 0.0
	for _, l := range lengths {
		total += l
	}
	return total
}

// bars returns pix with each line of line values repeated times.
func bars(pix []float32, line, times int) []float32 {
	var out []float32
	for at := 0; at < len(pix); at += line {
		out = append(out, slices.Repeat(pix[at:at+line], times)...)
	}
	return out
}

// wrap breaks text at spaces into at most so many lines of width w; longer text is
// shortened.
func wrap(t style, text string, w float64, lines int) []string {
	var out []string
	for _, word := range strings.Fields(text) {
		if n := len(out); n > 0 && (n == lines || t.width(out[n-1]+" "+word) <= w) {
			out[n-1] += " " + word
		} else {
			out = append(out, word)
		}
	}
	for i, line := range out {
		out[i] = shorten(t, line, w+sheetGap)
	}
	return out
}
