package viz

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/english"
)

// A plot is a panel prepared for drawing: its axes and curves.
type plot struct {
	curves         []curve
	xr, yr         span
	log            bool
	wholeX, wholeY bool   // all values are whole numbers, and so are the ticks
	blank          bool   // there is nothing to draw
	most           int    // points of the longest run of a curve
	note           string // what the curves leave out, and what lies outside the y axis; "" = nothing
}

// A curve is a series prepared for drawing.
type curve struct {
	Series
	points []xy   // of all runs, as they were given
	runs   [][]xy // within the axes
	col    color.NRGBA
	last   string // its last value; "" = it has none
}

// panelColors is the order in which curves take class colours: first those that are
// easiest to see as thin lines.
var panelColors = [...]int{0, 1, 2, 3, 4, 7, 5, 6}

// plot returns the axes and curves of a panel.
func (p Panel) plot() plot {
	g := plot{log: p.LogY, wholeX: true, wholeY: true, note: p.Note}
	xr, yr := span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	for i, sr := range p.Series {
		c := curve{Series: sr, runs: p.points(sr), col: ClassColor(panelColors[i%len(panelColors)])}
		if sr.Color != nil {
			c.col = color.NRGBAModel.Convert(sr.Color).(color.NRGBA)
		}
		c.points = slices.Concat(c.runs...)
		for _, q := range c.points {
			xr.add(q.x)
			yr.add(q.y)
			g.wholeX = g.wholeX && q.x == math.Trunc(q.x)
			g.wholeY = g.wholeY && q.y == math.Trunc(q.y)
		}
		for _, run := range c.runs {
			g.most = max(g.most, len(run))
		}
		g.curves = append(g.curves, c)
	}
	for i := range g.curves {
		if c := &g.curves[i]; len(c.points) > 0 {
			c.last = g.value(c.points[len(c.points)-1].y)
		}
	}
	if g.blank = yr.empty(); g.blank {
		xr, yr = span{0, 1}, span{0, 1}
		if p.LogY {
			yr.lo = 0.1
		}
	}
	if xr.lo == xr.hi {
		xr = span{xr.lo - 1, xr.hi + 1}
	}
	if !p.LogY && !g.blank {
		yr = g.settle(xr, yr)
	}
	g.xr, g.yr = xr, widen(yr, p.LogY, p.YFromZero)
	if g.wholeY && yr.lo == yr.hi {
		g.yr = span{yr.lo - 1, yr.hi + 1}
		if p.YFromZero || yr.lo == 0 {
			g.yr.lo = min(0, yr.lo)
		}
	}
	return g
}

// The first values of a training are often far from all others.
const (
	earlyShare = 0.2 // of the x axis, which may be left out of the y axis
	earlyTimes = 4.0 // times the range of the rest that the whole range must have for that
	settled    = 5   // points of a curve that the rest must have
)

// settle returns the range of the y axis: all values, unless those at the start would
// squeeze the rest. Then it leaves out those that are far from the rest, cuts the curves
// and says so in the note.
func (g *plot) settle(xr, yr span) span {
	cut := xr.lo + earlyShare*(xr.hi-xr.lo)
	rest, longest := span{math.Inf(1), math.Inf(-1)}, 0
	for _, c := range g.curves {
		n := 0
		for _, q := range c.points {
			if q.x > cut {
				rest.add(q.y)
				n++
			}
		}
		longest = max(longest, n)
	}
	size := rest.hi - rest.lo
	if longest < settled || size <= 0 || yr.hi-yr.lo <= earlyTimes*size {
		return yr
	}
	kept := span{max(yr.lo, rest.lo-size), min(yr.hi, rest.hi+size)}
	above, below := 0, 0
	for i := range g.curves {
		c := &g.curves[i]
		for _, q := range c.points {
			if q.y > kept.hi {
				above++
			} else if q.y < kept.lo {
				below++
			}
		}
		c.runs = cutRuns(c.runs, kept)
	}
	var note string
	switch {
	case above > 0 && below > 0:
		note = fmt.Sprintf("%s at the start outside the axis, from %s to %s", english.Plural(above+below, "point"), short(yr.lo), short(yr.hi))
	case above > 0:
		note = fmt.Sprintf("%s at the start above the axis, up to %s", english.Plural(above, "point"), short(yr.hi))
	default:
		note = fmt.Sprintf("%s at the start below the axis, down to %s", english.Plural(below, "point"), short(yr.lo))
	}
	g.note = strings.TrimPrefix(g.note+"; "+note, "; ")
	return kept
}

// cutRuns returns the parts of runs within a range of y. A line that leaves it ends at
// its edge.
func cutRuns(runs [][]xy, yr span) [][]xy {
	var out [][]xy
	inside := func(q xy) bool { return q.y >= yr.lo && q.y <= yr.hi }
	for _, run := range runs {
		var part []xy
		for i, q := range run {
			if i > 0 && inside(q) != inside(run[i-1]) {
				edge := yr.hi
				if outer := min(q.y, run[i-1].y); outer < yr.lo {
					edge = yr.lo
				}
				f := (edge - run[i-1].y) / (q.y - run[i-1].y)
				part = append(part, xy{run[i-1].x + f*(q.x-run[i-1].x), edge})
			}
			if inside(q) {
				part = append(part, q)
			} else if len(part) > 0 {
				out = append(out, part)
				part = nil
			}
		}
		if len(part) > 0 {
			out = append(out, part)
		}
	}
	return out
}

// value returns a value of the panel in words: a whole number where all are.
func (g *plot) value(v float64) string {
	if g.wholeY {
		return number(v, 0)
	}
	return short(v)
}

// yTicks returns about want ticks of the y axis.
func (g *plot) yTicks(want int) []tick {
	if g.log {
		return logTicks(g.yr.lo, g.yr.hi, want)
	}
	if g.wholeY { // an axis of counts has no half units
		return wholeTicks(g.yr.lo, g.yr.hi, want)
	}
	return niceTicks(g.yr.lo, g.yr.hi, want)
}

// xTicks returns about want ticks of the x axis.
func (g *plot) xTicks(want int) []tick {
	if g.wholeX { // an axis of epochs has no half epochs
		return wholeTicks(g.xr.lo, g.xr.hi, want)
	}
	return niceTicks(g.xr.lo, g.xr.hi, want)
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
