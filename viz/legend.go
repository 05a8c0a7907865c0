package viz

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The numbers of classes that a scatter can show.
const (
	maxGlyphs = 100              // marked by their names, of two characters at most
	maxDots   = 2 * len(classes) // discs and rings of ten colours
	topDots   = len(classes)     // that are kept of more, if they have half of the points
	maxLegend = 30               // rows that fit beside the plot
)

// A legendEntry is the marker of a class and its row of a legend.
type legendEntry struct {
	mark string // the text that marks a point; "" = a disc
	ring bool   // a ring in place of a disc
	name string
	col  color.NRGBA
}

// A classing says how the points of each class are drawn.
type classing struct {
	entries []legendEntry
	of      map[int32]int // the entry of a label
	note    string        // what the reader must know of it; "" = nothing
}

// classesOf returns how the classes that have points are drawn. Classes whose names have one
// or two characters, such as digits, are marked by their names, others by dots. Of more
// classes than can be told apart the most frequent ones keep their colours and the others
// are grey; if these are most of the points there are no entries, and the points are to be
// coloured by density.
func classesOf(labels []int32, names []string) classing {
	count := map[int32]int{}
	for _, l := range labels {
		count[l]++
	}
	present := slices.Sorted(maps.Keys(count))
	name := func(l int32) string {
		if names == nil {
			return strconv.Itoa(int(l))
		}
		return names[l]
	}
	short := !slices.ContainsFunc(present, func(l int32) bool {
		n := utf8.RuneCountInString(name(l))
		return n < 1 || n > 2
	})
	var c classing
	if len(labels) == 0 {
		return c
	}
	shown, all := present, len(present)
	if most := maxDots; !short && all > most || all > maxGlyphs {
		slices.SortStableFunc(shown, func(a, b int32) int { return cmp.Compare(count[b], count[a]) })
		shown = slices.Sorted(slices.Values(shown[:topDots]))
		covered := 0
		for _, l := range shown {
			covered += count[l]
		}
		if 2*covered < len(labels) {
			c.note = fmt.Sprintf("%s classes, more than colours can tell apart: coloured by density", number(float64(all), 0))
			return c
		}
		c.note = fmt.Sprintf("the %d most frequent of %s classes", topDots, number(float64(all), 0))
		short = false
	}
	c.of = map[int32]int{}
	limit := int32(maxDots)
	if short {
		limit = maxGlyphs
	}
	byRank := slices.ContainsFunc(shown, func(l int32) bool { return l >= limit })
	for rank, l := range shown {
		at := int(l) // so that the colour of a class is the same in every figure
		if byRank {
			at = rank
		}
		e := legendEntry{name: name(l), col: ClassColor(at)}
		switch {
		case short || name(l) == "+":
			e.mark = name(l)
		case at >= len(classes):
			e.ring, e.col = true, ClassColor(at-len(classes))
		}
		c.of[l] = len(c.entries)
		c.entries = append(c.entries, e)
	}
	if len(shown) < all {
		for _, l := range present {
			if _, ok := c.of[l]; !ok {
				c.of[l] = len(c.entries)
			}
		}
		c.entries = append(c.entries, legendEntry{name: fmt.Sprintf("%s others", number(float64(all-len(shown)), 0)), col: edge})
	}
	return c
}

// rows returns the rows of the legend: those that fit, and how many more there are.
func (c classing) rows() []legendEntry {
	rows := c.entries
	if len(rows) > maxLegend {
		rows = append(slices.Clone(rows[:maxLegend-1]), legendEntry{name: fmt.Sprintf("and %d more", len(rows)-maxLegend+1)})
	}
	return rows
}

// text returns the words of a row beside its marker; none if the marker is the name.
func (e legendEntry) text() string {
	if e.name == e.mark {
		return ""
	}
	return shorten(bodyText.sized(12.5), e.name, 170)
}

// width returns the room that a legend takes at the right of a plot, in units.
func (c classing) width() float64 {
	w := 34.0
	for _, e := range c.rows() {
		w = max(w, 62+bodyText.sized(12.5).width(e.text()))
	}
	return w
}

func (c classing) draw(s *surface, x, y float64) {
	for i, e := range c.rows() {
		row := y + 11 + 22*float64(i)
		switch {
		case e.mark != "":
			s.card(x, row-9, 24, 18, 4, mix(paper, e.col, 0.13), e.col, 0)
			s.centred(x+12, row, style{size: 12.5, bold: true, col: e.col, align: 0.5}, e.mark)
		case e.col.A != 0:
			s.dot(x+12, row, 6, e.col)
			if e.ring {
				s.dot(x+12, row, 3, paper)
			}
		}
		s.centred(x+32, row, bodyText.sized(12.5), e.text())
	}
}
