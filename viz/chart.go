package viz

import (
	"fmt"
	"html/template"
	"image/color"
	"math"
	"slices"
	"strings"
)

// A chart is a panel of a report: an SVG picture that takes its colours and letters from
// the style of the page, with a legend and a table of the same values.
type chart struct {
	Title, Unit string
	Legend      []legendLine
	SVG         template.HTML
	Note        string // what the curves and the axis leave out
	Table       Table
}

// A legendLine is the key of a curve: a piece of its line, its name and last value.
type legendLine struct {
	Swatch     template.HTML
	Name, Last string
}

// The size of a chart in units. It is shown at about a pixel a unit on a telephone and in
// three columns on a screen, so letters are of one size everywhere.
const (
	chartWidth  = 340.0
	chartHeight = 210.0
	chartTop    = 10.0
	chartBottom = 40.0
	chartRight  = 12.0
	chartTick   = 11.5 // the size of letters, as in report.css
)

// newChart returns a panel as a chart.
func newChart(p Panel) (chart, error) {
	if _, _, err := checkPanels([]Panel{p}, 1); err != nil {
		return chart{}, err
	}
	g := p.plot()
	c := chart{Title: p.Title, Unit: p.YLabel, Note: g.note, Table: g.table(p)}
	if c.Note != "" {
		c.Note += "."
	}
	for _, s := range g.curves {
		c.Legend = append(c.Legend, legendLine{swatch(s), s.Name, s.last})
	}
	c.SVG = g.svg(p)
	return c, nil
}

// The parts of a curve in the style sheet.
const (
	lineClass = "s"
	dotClass  = "s p"
	dashes    = "5 3.5" // the pattern of a dashed curve
)

// marks returns the attributes of a part of a curve, of that class: among them its colours
// on a light and on a dark page, of which the style sheet chooses.
func (c curve) marks(class string) string {
	hex := func(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
	d := darkened([3]uint8{c.col.R, c.col.G, c.col.B})
	style := fmt.Sprintf(`class="%s" style="--l:%s;--d:%s"`, class, hex(c.col), hex(color.NRGBA{d[0], d[1], d[2], 255}))
	if c.Dashed && class == lineClass {
		style += ` stroke-dasharray="` + dashes + `"`
	}
	return style
}

// swatch returns a piece of the line of a curve.
func swatch(c curve) template.HTML {
	return template.HTML(`<svg viewBox="0 0 22 10" width="22" height="10" aria-hidden="true"><path ` + c.marks(lineClass) + ` d="M0 5H22"/></svg>`)
}

// svg returns the picture.
func (g *plot) svg(p Panel) template.HTML {
	var b strings.Builder
	ticks, left := g.yTicks(4), 0.0
	for _, t := range ticks {
		left = max(left, tickText.sized(chartTick).width(t.text))
	}
	left += 12
	box := plotBox{x: left, y: chartTop, w: chartWidth - left - chartRight, h: chartHeight - chartTop - chartBottom, xr: g.xr, yr: g.yr, log: g.log}
	foot := box.y + box.h
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(g.words(p)))
	text := func(x, y float64, anchor, s string) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, template.HTMLEscapeString(s))
	}
	for _, t := range ticks {
		y := box.at(xy{g.xr.lo, t.v}).y
		fmt.Fprintf(&b, `<path class="r" d="M%.1f %.1fH%.1f"/>`, box.x, y, box.x+box.w)
		text(box.x-6, y+4, "end", t.text)
	}
	fmt.Fprintf(&b, `<path class="e" d="M%.1f %.1fH%.1f"/>`, box.x, foot, box.x+box.w)
	for _, t := range g.xTicks(5) {
		x := box.at(xy{t.v, g.yr.lo}).x
		fmt.Fprintf(&b, `<path class="e" d="M%.1f %.1fv4"/>`, x, foot)
		text(x, foot+16, "middle", t.text)
	}
	text(box.x+box.w/2, foot+33, "middle", p.XLabel)
	if g.blank {
		text(box.x+box.w/2, box.y+box.h/2, "middle", "no finite values")
	}
	for _, c := range slices.Backward(g.curves) { // the first series on top
		g.drawLine(&b, box, c)
	}
	g.drawTips(&b, box, p)
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// drawLine draws a curve, with a dot at each of its points if they are few.
func (g *plot) drawLine(b *strings.Builder, box plotBox, c curve) {
	for _, run := range c.runs {
		if len(run) == 1 {
			continue // a dot, below
		}
		fmt.Fprintf(b, `<path %s d="`, c.marks(lineClass))
		for i, q := range thinRun(run, box) {
			letter := "L"
			if i == 0 {
				letter = "M"
			}
			at := box.at(q)
			fmt.Fprintf(b, "%s%.1f %.1f", letter, at.x, at.y)
		}
		b.WriteString(`"/>`)
	}
	dot := func(q xy) {
		at := box.at(q)
		fmt.Fprintf(b, `<circle %s cx="%.1f" cy="%.1f" r="2.4"/>`, c.marks(dotClass), at.x, at.y)
	}
	if g.most <= fewPoints {
		for _, q := range c.points {
			if q.y >= g.yr.lo && q.y <= g.yr.hi {
				dot(q)
			}
		}
		return
	}
	for _, run := range c.runs {
		if len(run) == 1 {
			dot(run[0])
		}
	}
}

// thinRun returns a run without points that cannot be seen: of those within a unit of the
// x axis, the first, the least, the greatest and the last.
func thinRun(run []xy, box plotBox) []xy {
	if len(run) <= 2*int(box.w) {
		return run
	}
	var out []xy
	for at := 0; at < len(run); {
		column := math.Floor(box.at(run[at]).x)
		end, least, most := at, at, at
		for ; end < len(run) && math.Floor(box.at(run[end]).x) == column; end++ {
			if run[end].y < run[least].y {
				least = end
			}
			if run[end].y > run[most].y {
				most = end
			}
		}
		keep := []int{at, least, most, end - 1}
		slices.Sort(keep)
		for _, i := range slices.Compact(keep) {
			out = append(out, run[i])
		}
		at = end
	}
	return out
}

// maxTips is the number of places along the x axis at which a chart shows its values when
// the pointer is there.
const maxTips = 48

// drawTips draws, for places along the x axis, the values there: the style sheet shows
// them when the pointer is over the place.
func (g *plot) drawTips(b *strings.Builder, box plotBox, p Panel) {
	xs := g.someXs(maxTips)
	for i, x := range xs {
		at := box.at(xy{x, g.yr.lo}).x
		from, to := box.x, box.x+box.w
		if i > 0 {
			from = (box.at(xy{xs[i-1], g.yr.lo}).x + at) / 2
		}
		if i < len(xs)-1 {
			to = (box.at(xy{xs[i+1], g.yr.lo}).x + at) / 2
		}
		fmt.Fprintf(b, `<g class="b"><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f"/><g class="t"><path class="g" d="M%.1f %.1fv%.1f"/>`, from, box.y, to-from, box.h, at, box.y, box.h)
		lines := []string{strings.TrimSpace(p.XLabel + " " + g.place(x))}
		for _, c := range g.curves {
			if v, found := c.at(x); found {
				lines = append(lines, c.Name+"  "+g.value(v))
				if v >= g.yr.lo && v <= g.yr.hi {
					fmt.Fprintf(b, `<circle %s cx="%.1f" cy="%.1f" r="3.4"/>`, c.marks(dotClass), at, box.at(xy{x, v}).y)
				}
			}
		}
		wide := 0.0
		for _, l := range lines {
			wide = max(wide, tickText.sized(chartTick).width(l)*1.08)
		}
		wide += 16
		left := at + 8
		if left+wide > chartWidth {
			left = max(0, at-8-wide)
		}
		fmt.Fprintf(b, `<rect class="k" x="%.1f" y="%.1f" width="%.1f" height="%d" rx="5"/>`, left, box.y, wide, 15*len(lines)+8)
		for i, l := range lines {
			fmt.Fprintf(b, `<text x="%.1f" y="%.1f">%s</text>`, left+8, box.y+16+15*float64(i), template.HTMLEscapeString(l))
		}
		b.WriteString(`</g></g>`)
	}
}

// xs returns the places along the x axis at which a curve of at most so many points has a
// value, in order; 0 = every curve.
func (g *plot) xs(most int) []float64 {
	var xs []float64
	for _, c := range g.curves {
		if most == 0 || len(c.points) <= most {
			for _, q := range c.points {
				xs = append(xs, q.x)
			}
		}
	}
	slices.Sort(xs)
	return slices.Compact(xs)
}

// someXs returns about n of the places at which a curve has a value: those of curves of
// few points, as the test loss has, and of the others as many as there is room for.
func (g *plot) someXs(n int) []float64 {
	all := g.xs(0)
	if len(all) <= n {
		return all
	}
	few := pick(g.xs(n/2), n-2)
	xs := append(few, pick(all, n-len(few))...)
	slices.Sort(xs)
	return slices.Compact(xs)
}

// at returns the value of a curve at a place.
func (c curve) at(x float64) (v float64, found bool) {
	for _, q := range c.points {
		if q.x == x {
			return q.y, true
		}
	}
	return 0, false
}

// pick returns at most n of s, n ≥ 2, at equal distances, with the first and the last.
func pick[T any](s []T, n int) []T {
	if len(s) <= n {
		return s
	}
	out := make([]T, n)
	for i := range out {
		out[i] = s[i*(len(s)-1)/(n-1)]
	}
	return out
}

// place returns a place along the x axis in words.
func (g *plot) place(x float64) string {
	if x == math.Trunc(x) {
		return number(x, 0)
	}
	return number(x, 2)
}

// words returns what the curves do, for readers who cannot see them.
func (g *plot) words(p Panel) string {
	var parts []string
	for _, c := range g.curves {
		if n := len(c.points); n == 1 {
			parts = append(parts, fmt.Sprintf("%s %s", c.Name, c.last))
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%s from %s to %s", c.Name, g.value(c.points[0].y), c.last))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no finite values"}
	}
	of := p.Title
	if p.YLabel != "" {
		of += " in " + p.YLabel
	}
	if p.XLabel != "" {
		of += " by " + p.XLabel
	}
	return of + ": " + strings.Join(parts, ", ")
}

// maxRows is the number of rows of the table of a chart.
const maxRows = 40

// table returns the values of the curves, one place along the x axis a row.
func (g *plot) table(p Panel) Table {
	t := Table{Columns: []string{orElse(p.XLabel, "x")}}
	for _, c := range g.curves {
		t.Columns = append(t.Columns, c.Name)
	}
	xs := g.someXs(maxRows)
	if all := len(g.xs(0)); len(xs) < all {
		t.Title = fmt.Sprintf("%d of %s points.", len(xs), number(float64(all), 0))
	}
	for _, x := range xs {
		row := []string{g.place(x)}
		for _, c := range g.curves {
			cell := ""
			if v, found := c.at(x); found {
				cell = g.value(v)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
