package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
)

// The distances in a picture of maps, in units.
const (
	mapSide   = 190.0
	mapWidth  = mapSide + 120 // with its axis and its key
	mapHeight = mapSide + 76
	mapLeft   = 40.0
	mapTop    = 30.0
	mapWords  = 8 // words of a column that have a colour
)

// drawPlane draws a map of each column of n×n records decoded from ManifoldPoints(n, lo,
// hi): the colour of a place is the value there.
func (r *records) drawPlane(n int, lo, hi float64, opt ManifoldOptions) (image.Image, error) {
	dens := opt.PerUnit
	if dens == 0 {
		dens = Density
	}
	if dens < 0 || dens > 4 {
		return nil, fmt.Errorf("viz: manifold: %d pixels a unit, want 0 to 4", dens)
	}
	cols := min(len(r.fields), 4)
	rows := (len(r.fields) + cols - 1) / cols
	words := figureWords{opt.Title, withNote(opt.Note, r.note)}
	width := max(float64(cols)*mapWidth+24, words.width())
	top, lines := words.room(width)
	s, err := newRaster("manifold", width, top+float64(rows)*mapHeight+6, dens)
	if err != nil {
		return nil, err
	}
	words.draw(s, lines)
	cells := make([][]any, r.n)
	for k := range cells {
		cells[k] = r.cells(k)
	}
	for i, f := range r.fields {
		x, y := 12+float64(i%cols)*mapWidth, top+float64(i/cols)*mapHeight
		column := make([]any, r.n)
		for k := range column {
			column[k] = cells[k][f.at]
		}
		s.text(x+mapLeft, y+20, headText, shorten(headText, f.name, mapWidth-mapLeft-12))
		if f.words {
			s.wordMap(column, n, x+mapLeft, y+mapTop)
		} else {
			s.numberMap(column, f, n, x+mapLeft, y+mapTop)
		}
		at := func(v float64) float64 { return mapSide * ((v-lo)/(hi-lo)*float64(n-1) + 0.5) / float64(n) }
		if n == 1 {
			at = func(float64) float64 { return mapSide / 2 }
		}
		for _, t := range niceTicks(lo, hi, 4) {
			s.text(x+mapLeft+at(t.v), y+mapTop+mapSide+14, tickText.at(0.5), t.text)
			s.centred(x+mapLeft-6, y+mapTop+mapSide-at(t.v), tickText.at(1), t.text)
		}
		s.text(x+mapLeft+mapSide/2, y+mapTop+mapSide+30, bodyText.at(0.5), orElse(opt.XLabel, "z[0]"))
		s.upward(x+12, y+mapTop+mapSide/2, bodyText, orElse(opt.YLabel, "z[1]"))
	}
	return s.image(), nil
}

// place fills the place of record k of n×n on a map at (x, y).
func (s *surface) place(k, n int, x, y float64, c color.NRGBA) {
	cut := func(i int) float64 { return math.Round(mapSide * float64(i) / float64(n)) }
	i, j := k/n, k%n
	s.rect(x+cut(j), y+cut(i), cut(j+1)-cut(j), cut(i+1)-cut(i), c)
}

// numberMap draws a column of numbers as a map, with a key of its smallest and largest.
func (s *surface) numberMap(column []any, f field, n int, x, y float64) {
	r := span{math.Inf(1), math.Inf(-1)}
	for _, v := range column {
		if v, ok := v.(float64); ok && math.Abs(v) < 1e300 {
			r.add(v)
		}
	}
	if r.empty() {
		r = span{0, 1}
	}
	for k, v := range column {
		if v, ok := v.(float64); ok {
			t := (v - r.lo) / max(r.hi-r.lo, 1e-300)
			s.place(k, n, x, y, densityColor(t))
		}
	}
	s.keep(image.Rect(s.px(x), s.px(y), s.px(x+mapSide), s.px(y+mapSide)))
	const bar = 12.0
	at := x + mapSide + 10
	for i := range 60 {
		s.rect(at, y+mapSide*float64(i)/60, bar, mapSide/60+0.5, densityColor(1-float64(i)/59))
	}
	s.keep(image.Rect(s.px(at), s.px(y), s.px(at+bar), s.px(y+mapSide)))
	s.centred(at+bar+5, y+5, tickText, f.text(r.hi))
	s.centred(at+bar+5, y+mapSide-5, tickText, f.text(r.lo))
}

// wordMap draws a column of words as a map, with the most frequent as a key.
func (s *surface) wordMap(column []any, n int, x, y float64) {
	count := map[string]int{}
	for _, v := range column {
		count[fmt.Sprint(v)]++
	}
	var all []string
	for word := range count {
		all = append(all, word)
	}
	slices.SortFunc(all, func(a, b string) int {
		if d := count[b] - count[a]; d != 0 {
			return d
		}
		if a < b {
			return -1
		}
		return 1
	})
	colors := map[string]color.NRGBA{}
	for i, word := range all {
		if i == mapWords {
			s.centred(x+mapSide+10, y+9+18*float64(i), tickText, "and others")
			break
		}
		colors[word] = ClassColor(i)
		s.dot(x+mapSide+14, y+9+18*float64(i), 5, ClassColor(i))
		s.centred(x+mapSide+23, y+9+18*float64(i), tickText, shorten(tickText, word, 52))
	}
	for k, v := range column {
		c, ok := colors[fmt.Sprint(v)]
		if !ok {
			c = edge
		}
		s.place(k, n, x, y, c)
	}
	s.keep(image.Rect(s.px(x), s.px(y), s.px(x+mapSide), s.px(y+mapSide)))
}
