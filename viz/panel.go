package viz

import (
	"image/color"
	"math"
	"slices"
)

// A plotBox maps the values of a panel to positions on a surface.
type plotBox struct {
	x, y, w, h float64
	xr, yr     span
	log        bool
}

func (b plotBox) at(p xy) xy {
	fx := (p.x - b.xr.lo) / (b.xr.hi - b.xr.lo)
	fy := (p.y - b.yr.lo) / (b.yr.hi - b.yr.lo)
	if b.log {
		fy = math.Log(p.y/b.yr.lo) / math.Log(b.yr.hi/b.yr.lo)
	}
	return xy{b.x + fx*b.w, b.y + (1-fy)*b.h}
}

// A curve is a series prepared for drawing.
type curve struct {
	Series
	runs [][]xy
	col  color.NRGBA
	last float64 // its last value
	end  string  // the label at its right end
}

// panelColors is the order in which curves take class colours: first those that are
// easiest to see as thin lines.
var panelColors = [...]int{0, 1, 2, 3, 4, 7, 5, 6}

func drawPanel(s *surface, p Panel, x, y, w, h float64) {
	cs := make([]curve, len(p.Series))
	xr, yr := span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	whole, counts, most := true, true, 0
	endWidth := 0.0
	for i, sr := range p.Series {
		c := curve{Series: sr, runs: p.points(sr), col: ClassColor(panelColors[i%len(panelColors)])}
		if sr.Color != nil {
			c.col = color.NRGBAModel.Convert(sr.Color).(color.NRGBA)
		}
		for _, run := range c.runs {
			for _, q := range run {
				xr.add(q.x)
				yr.add(q.y)
				whole = whole && q.x == math.Trunc(q.x)
				counts = counts && q.y == math.Trunc(q.y) && math.Abs(q.y) < 1e6
			}
			most = max(most, len(run))
		}
		c.end = shorten(headText.sized(11), sr.Name, 130)
		if n := len(c.runs); n > 0 {
			last := c.runs[n-1]
			c.last = last[len(last)-1].y
		}
		cs[i] = c
	}
	for i := range cs {
		c := &cs[i]
		if n := len(c.runs); n > 0 && counts {
			c.end += "  " + number(c.last, 0)
		} else if n > 0 {
			c.end += "  " + short(c.last)
		}
		endWidth = max(endWidth, headText.sized(11).width(c.end))
	}
	blank := yr.empty()
	if blank {
		xr, yr = span{0, 1}, span{0, 1}
		if p.LogY {
			yr.lo = 0.1
		}
	}
	above := ""
	if !p.LogY && !blank {
		if late := laterRange(cs); (yr.hi-yr.lo) > squeezed*(late.hi-late.lo) && late.hi > late.lo {
			late = span{late.lo - 0.1*(late.hi-late.lo), late.hi + 0.6*(late.hi-late.lo)}
			cut := span{max(yr.lo, late.lo), min(yr.hi, late.hi)}
			above, yr = beyond(yr, cut), cut
		}
	}
	b := plotBox{log: p.LogY, xr: xr, yr: widen(yr, p.LogY, p.YFromZero)}
	if counts && !p.LogY && !blank {
		b.yr = wholeRange(yr, b.yr)
	}
	if xr.lo == xr.hi {
		b.xr = span{xr.lo - 1, xr.hi + 1}
	}
	yTicks := niceTicks(b.yr.lo, b.yr.hi, 5)
	if counts && !p.LogY { // there are no half units
		yTicks = wholeTicks(b.yr)
	}
	if p.LogY {
		yTicks = logTicks(b.yr.lo, b.yr.hi, 5)
	}
	tickWidth := 0.0
	for _, t := range yTicks {
		tickWidth = max(tickWidth, tickText.width(t.text))
	}
	b.x, b.y = x+tickWidth+30, y+58
	b.w, b.h = w-(b.x-x)-endWidth-26, h-58-50

	s.text(x+20, y+26, titleText, shorten(titleText, p.Title, w-40))
	s.text(x+20, y+44, bodyText, shorten(bodyText, joined(p.YLabel, above), w-40))
	for _, t := range yTicks {
		q := b.at(xy{b.xr.lo, t.v})
		s.line([]xy{q, {b.x + b.w, q.y}}, 1, nil, rule)
		s.centred(b.x-8, q.y, tickText.at(1), t.text)
	}
	s.line([]xy{{b.x, b.y + b.h}, {b.x + b.w, b.y + b.h}}, 1, nil, edge)
	want := int(min(b.w/60, 10))
	if whole { // an axis of epochs has no half epochs
		want = int(min(float64(want), b.xr.hi-b.xr.lo))
	}
	xTicks := niceTicks(b.xr.lo, b.xr.hi, want)
	if xr.lo == xr.hi && whole {
		xTicks = []tick{{xr.lo, number(xr.lo, 0)}}
	}
	for _, t := range xTicks {
		q := b.at(xy{t.v, b.yr.lo})
		s.line([]xy{{q.x, b.y + b.h}, {q.x, b.y + b.h + 4}}, 1, nil, edge)
		s.text(q.x, b.y+b.h+17, tickText.at(0.5), t.text)
	}
	s.text(b.x+b.w/2, b.y+b.h+36, bodyText.at(0.5), p.XLabel)
	if blank {
		s.text(b.x+b.w/2, b.y+b.h/2, bodyText.at(0.5), "no finite values")
	}
	for _, c := range slices.Backward(cs) { // the first series on top
		drawCurve(s, b, c, most)
	}
	drawEnds(s, b, cs)
}

// widen adds the margins of an axis to the range of its values.
func widen(r span, log, fromZero bool) span {
	if log {
		if r.lo == r.hi {
			return span{r.lo / 2, r.hi * 2}
		}
		f := math.Pow(r.hi/r.lo, 0.05)
		return span{r.lo / f, r.hi * f}
	}
	if fromZero {
		r.add(0)
	}
	pad := 0.05 * (r.hi - r.lo)
	if pad == 0 {
		pad = max(math.Abs(r.lo)*0.1, 1e-3)
	}
	out := span{r.lo - pad, r.hi + pad}
	if fromZero && r.lo == 0 {
		out.lo = 0
	}
	if fromZero && r.hi == 0 {
		out.hi = 0
	}
	return out
}

func drawCurve(s *surface, b plotBox, c curve, most int) {
	var dash []float64
	if c.Dashed {
		dash = []float64{5, 3.5}
	}
	for _, run := range c.runs {
		pts := make([]xy, len(run))
		for i, q := range run {
			pts[i] = b.at(q)
		}
		for _, part := range b.visible(pts) {
			s.line(part, 1.8, dash, c.col)
		}
		if most <= 25 || len(run) == 1 {
			for _, q := range pts {
				if q.y < b.y-1 || q.y > b.y+b.h+1 {
					continue
				}
				s.dot(q.x, q.y, 3.2, paper)
				s.dot(q.x, q.y, 2.3, c.col)
			}
		}
	}
}

// drawEnds writes each curve's name and last value beside its right end, moved apart
// where they would overlap.
func drawEnds(s *surface, b plotBox, cs []curve) {
	const pitch = 15.0
	type label struct {
		from, y float64 // where the curve ends, where the text goes
		c       curve
	}
	var ls []label
	for _, c := range cs {
		y := b.y + b.h
		if n := len(c.runs); n > 0 {
			last := c.runs[n-1]
			y = min(max(b.at(last[len(last)-1]).y, b.y), b.y+b.h)
		}
		ls = append(ls, label{y, y, c})
	}
	slices.SortStableFunc(ls, func(a, b label) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	ys := make([]float64, len(ls))
	for i, l := range ls {
		ys[i] = l.y
	}
	spread(ys, pitch, b.y, b.y+b.h)
	for i, l := range ls {
		s.centred(b.x+b.w+10, ys[i], headText.sized(11).in(readable(l.c.col)), l.c.end)
	}
}

// readable returns a colour darkened until text in it is legible on white.
func readable(c color.NRGBA) color.NRGBA {
	for range 12 {
		if 0.2126*float64(c.R)+0.7152*float64(c.G)+0.0722*float64(c.B) < 130 {
			break
		}
		c = mix(c, ink, 0.15)
	}
	return c
}

// spread moves ascending ys apart to a distance of pitch, by the smallest pairwise
// shifts, and keeps them within [lo, hi] where they fit.
func spread(ys []float64, pitch, lo, hi float64) {
	for range 60 {
		moved := false
		for i := 1; i < len(ys); i++ {
			if d := pitch - (ys[i] - ys[i-1]); d > 1e-6 {
				ys[i-1] -= d / 2
				ys[i] += d / 2
				moved = true
			}
		}
		if !moved {
			break
		}
	}
	if n := len(ys); n > 0 && float64(n-1)*pitch <= hi-lo {
		ys[0] = max(ys[0], lo)
		for i := 1; i < n; i++ {
			ys[i] = max(ys[i], ys[i-1]+pitch)
		}
		ys[n-1] = min(ys[n-1], hi)
		for i := n - 2; i >= 0; i-- {
			ys[i] = min(ys[i], ys[i+1]-pitch)
		}
	}
}
