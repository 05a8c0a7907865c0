package viz

import (
	"image/color"
	"math"
	"slices"
	"strings"
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

func drawPanel(s *surface, p Panel, x, y, w, h float64) {
	g := p.plot()
	endWidth, ends := 0.0, make([]string, len(g.curves))
	for i, c := range g.curves {
		ends[i] = shorten(headText.sized(11), c.Name, 130)
		if c.last != "" {
			ends[i] += "  " + c.last
		}
		endWidth = max(endWidth, headText.sized(11).width(ends[i]))
	}
	b := plotBox{log: p.LogY, xr: g.xr, yr: g.yr}
	yTicks := g.yTicks(5)
	tickWidth := 0.0
	for _, t := range yTicks {
		tickWidth = max(tickWidth, tickText.width(t.text))
	}
	b.x, b.y = x+tickWidth+30, y+58
	b.w, b.h = w-(b.x-x)-endWidth-26, h-58-50

	unit := p.YLabel
	if g.note != "" {
		unit = strings.TrimPrefix(unit+"; "+g.note, "; ")
	}
	s.text(x+20, y+26, titleText, shorten(titleText, p.Title, w-40))
	s.text(x+20, y+44, bodyText, shorten(bodyText, unit, w-40))
	for _, t := range yTicks {
		q := b.at(xy{b.xr.lo, t.v})
		s.line([]xy{q, {b.x + b.w, q.y}}, 1, nil, rule)
		s.centred(b.x-8, q.y, tickText.at(1), t.text)
	}
	s.line([]xy{{b.x, b.y + b.h}, {b.x + b.w, b.y + b.h}}, 1, nil, edge)
	for _, t := range g.xTicks(int(min(b.w/60, 10))) {
		q := b.at(xy{t.v, b.yr.lo})
		s.line([]xy{{q.x, b.y + b.h}, {q.x, b.y + b.h + 4}}, 1, nil, edge)
		s.text(q.x, b.y+b.h+17, tickText.at(0.5), t.text)
	}
	s.text(b.x+b.w/2, b.y+b.h+36, bodyText.at(0.5), p.XLabel)
	if g.blank {
		s.text(b.x+b.w/2, b.y+b.h/2, bodyText.at(0.5), "no finite values")
	}
	for _, c := range slices.Backward(g.curves) { // the first series on top
		drawCurve(s, b, c, g.most)
	}
	drawEnds(s, b, g.curves, ends)
}

// fewPoints is the number of points of a curve up to which each has a dot.
const fewPoints = 25

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
		s.line(pts, 1.8, dash, c.col)
		if len(run) == 1 && most > fewPoints {
			s.dot(pts[0].x, pts[0].y, 2.3, c.col)
		}
	}
	if most > fewPoints {
		return
	}
	for _, q := range c.points {
		if q.y >= b.yr.lo && q.y <= b.yr.hi {
			at := b.at(q)
			s.dot(at.x, at.y, 3.2, paper)
			s.dot(at.x, at.y, 2.3, c.col)
		}
	}
}

// drawEnds writes each curve's name and last value beside its right end, moved apart
// where they would overlap.
func drawEnds(s *surface, b plotBox, cs []curve, ends []string) {
	const pitch = 15.0
	type label struct {
		from, y float64 // where the curve ends, where the text goes
		text    string
		col     color.NRGBA
	}
	var ls []label
	for i, c := range cs {
		y := b.y + b.h
		if n := len(c.runs); n > 0 {
			last := c.runs[n-1]
			y = b.at(last[len(last)-1]).y
		}
		ls = append(ls, label{y, y, ends[i], c.col})
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
		s.centred(b.x+b.w+10, ys[i], headText.sized(11).in(readable(l.col)), l.text)
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
