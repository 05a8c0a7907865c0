package viz

import (
	"fmt"
	"image"
	"math"
	"slices"
)

// An Axis is one of the parallel axes of Parallel: that of words, each at a place of its
// own, or of numbers.
type Axis struct {
	Name    string
	Words   []string  // of each line; nil = the axis is of numbers
	Order   []string  // of the words, from below; nil = that of first use
	Numbers []float64 // of each line
	Log     bool      // the axis of numbers is logarithmic: they are above 0
}

// ParallelOptions are the texts of Parallel.
type ParallelOptions struct {
	Title string
	Note  string // below the title
	// Up says that large values of the last axis are good: those lines are dark.
	Up bool
}

const (
	maxAxes     = 16
	axisPitch   = 190.0 // units between two axes
	axisHeight  = 330.0
	axisTop     = 100.0
	axisMargin  = 90.0
	axisBottom  = 30.0
	maxAxisRows = 5000 // lines
)

// Parallel draws parallel coordinates: each line is one trial, and crosses each axis at
// its value there (Inselberg 1985). Its colour is the rank of its value on the last axis,
// the best dark and on top. A line whose last number is not finite is left out, and the
// note says how many are.
func Parallel(axes []Axis, opt ParallelOptions) (image.Image, error) {
	if len(axes) < 2 || len(axes) > maxAxes {
		return nil, fmt.Errorf("viz: parallel: %d axes, want 2 to %d", len(axes), maxAxes)
	}
	n := len(axes[0].Words) + len(axes[0].Numbers)
	for _, a := range axes {
		if (a.Words != nil) == (a.Numbers != nil) || len(a.Words)+len(a.Numbers) != n || n > maxAxisRows {
			return nil, fmt.Errorf("viz: parallel: axis %s has %d words and %d numbers, want as many of one kind as the others, %d, up to %d", a.Name, len(a.Words), len(a.Numbers), n, maxAxisRows)
		}
	}
	value := axes[len(axes)-1]
	if value.Numbers == nil {
		return nil, fmt.Errorf("viz: parallel: the last axis, %s, has words: want the numbers that the lines are coloured by", value.Name)
	}
	var order []int // the lines with a value, the best last
	for i, v := range value.Numbers {
		if finite(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		c := 0
		switch a, b := value.Numbers[i], value.Numbers[j]; {
		case a < b:
			c = 1
		case a > b:
			c = -1
		}
		if opt.Up {
			c = -c
		}
		return c
	})
	if left := n - len(order); left > 0 {
		if opt.Note != "" {
			opt.Note += "; "
		}
		opt.Note += fmt.Sprintf("%d of %d without a value are left out", left, n)
	}
	w := 2*axisMargin + axisPitch*float64(len(axes)-1)
	s, err := newRaster("parallel", w, axisTop+axisHeight+axisBottom, Density)
	if err != nil {
		return nil, err
	}
	s.text(20, 28, titleText, shorten(titleText, opt.Title, w-40))
	s.text(20, 46, bodyText, shorten(bodyText, opt.Note, w-40))
	lines := make([][]xy, len(order))
	marks := make([][]mark, len(axes))
	for k, a := range axes {
		place, m := a.scale(order)
		marks[k] = m
		for j, i := range order {
			lines[j] = append(lines[j], xy{axisMargin + axisPitch*float64(k), axisTop + (1-place(i))*axisHeight})
		}
	}
	for j, line := range lines {
		rank, width := 1.0, 1.2
		if len(lines) > 1 {
			rank = float64(j) / float64(len(lines)-1)
		}
		if j == len(lines)-1 {
			width = 2.6 // the best
		}
		s.line(line, width, nil, withAlpha(densityColor(rank), 0.55+0.45*rank))
	}
	for k, a := range axes { // above the lines
		s.drawAxis(a.Name, axisMargin+axisPitch*float64(k), marks[k])
	}
	return s.image(), nil
}

// finite reports whether v is a number that can be drawn.
func finite(v float64) bool { return math.Abs(v) < 1e300 }

// A mark is a text at a place on an axis, from 0 at its lower end to 1.
type mark struct {
	at   float64
	text string
}

// scale returns the place of each line on the axis, and the marks beside it. Only the
// lines of order are counted.
func (a Axis) scale(order []int) (place func(line int) float64, marks []mark) {
	if a.Words != nil {
		words := slices.Clone(a.Order)
		for i := range a.Words {
			if slices.Contains(order, i) && !slices.Contains(words, a.Words[i]) {
				words = append(words, a.Words[i])
			}
		}
		at := func(k int) float64 { return (float64(k) + 0.5) / float64(len(words)) }
		for k, word := range words {
			marks = append(marks, mark{at(k), word})
		}
		return func(i int) float64 { return at(slices.Index(words, a.Words[i])) }, marks
	}
	r := span{math.Inf(1), math.Inf(-1)}
	for _, i := range order {
		if v := a.Numbers[i]; finite(v) && (!a.Log || v > 0) {
			r.add(v)
		}
	}
	if r.empty() {
		return func(int) float64 { return 0.5 }, nil
	}
	logarithmic := a.Log && r.lo < r.hi
	if r.lo == r.hi {
		r = span{r.lo - 1, r.hi + 1}
	}
	at := func(v float64) float64 {
		if logarithmic {
			return math.Log(v/r.lo) / math.Log(r.hi/r.lo)
		}
		return (v - r.lo) / (r.hi - r.lo)
	}
	ticks := niceTicks(r.lo, r.hi, 6)
	if logarithmic {
		ticks = logTicks(r.lo, r.hi, 6)
	}
	for _, t := range ticks {
		marks = append(marks, mark{at(t.v), t.text})
	}
	return func(i int) float64 { return min(max(at(a.Numbers[i]), 0), 1) }, marks
}

// drawAxis draws an axis at x, its name above it and the marks to its left.
func (s *surface) drawAxis(name string, x float64, marks []mark) {
	s.line([]xy{{x, axisTop}, {x, axisTop + axisHeight}}, 1.5, nil, ink)
	s.text(x, axisTop-14, headText.at(0.5), shorten(headText, name, axisPitch-12))
	for _, m := range marks {
		y := axisTop + (1-m.at)*axisHeight
		text := shorten(tickText, m.text, axisMargin-14)
		width := tickText.width(text)
		s.rect(x-9-width-2, y-7, width+4, 14, withAlpha(paper, 0.85)) // so that lines do not cross the text
		s.line([]xy{{x - 4, y}, {x + 4, y}}, 1.5, nil, ink)
		s.centred(x-9, y, tickText.at(1), text)
	}
}
