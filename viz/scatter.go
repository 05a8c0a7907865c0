package viz

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"strconv"
	"unicode/utf8"
)

// ScatterOptions are the range and the titles of a scatter. The zero value is good.
type ScatterOptions struct {
	Lo, Hi float64 // the range of both axes; both 0 = [-4, 4]
	Title  string
	XLabel string  // "" = "z[0]"
	YLabel string  // "" = "z[1]"
	Glyph  float64 // size of a marker in units; 0 = by the number of points
}

// The plot of a scatter, in units.
const (
	scatterSide   = 680.0
	scatterLeft   = 62.0
	scatterTop    = 50.0
	scatterBottom = 66.0
)

// maxClasses bounds a legend.
const maxClasses = 1000

// Scatter draws points (x, y), usually latent means, in the square [Lo, Hi]². The
// marker of a point is the name of its class if all names have at most two characters
// (a digit), else the number of the class, in the colour of the class (ClassColor),
// with a legend at the right. Points are drawn in a fixed shuffled order, so that no
// class covers the others because it came last. Without labels a point is a dot whose
// colour shows the number of points around it.
//
// labels is nil or has one label for each point, in [0, len(classes)); if classes is
// nil they are named by number. Points outside the square, or not finite, are counted
// below the plot.
func Scatter(points [][2]float32, labels []int32, classes []string, opt ScatterOptions) (image.Image, error) {
	if opt.Lo == 0 && opt.Hi == 0 {
		opt.Lo, opt.Hi = -4, 4
	}
	if !(opt.Lo < opt.Hi) || math.IsInf(opt.Lo, 0) || math.IsInf(opt.Hi, 0) {
		return nil, fmt.Errorf("viz: scatter: from %g to %g, want two finite values, the smaller first", opt.Lo, opt.Hi)
	}
	if opt.Glyph < 0 || opt.Glyph > 200 {
		return nil, fmt.Errorf("viz: scatter: glyphs of %g units, want 0 to 200", opt.Glyph)
	}
	classes, err := checkLabels(points, labels, classes)
	if err != nil {
		return nil, err
	}
	legend, right := legendEntries(classes), 92.0
	if labels != nil {
		right = 34
		for _, e := range legend {
			right = max(right, 62+bodyText.sized(12.5).width(e.name))
		}
	}
	s, err := newRaster("scatter", scatterLeft+scatterSide+right, scatterTop+scatterSide+scatterBottom, Density)
	if err != nil {
		return nil, err
	}
	place := func(p [2]float32) xy {
		f := scatterSide / (opt.Hi - opt.Lo)
		return xy{scatterLeft + (float64(p[0])-opt.Lo)*f, scatterTop + (opt.Hi-float64(p[1]))*f}
	}
	inside := make([]int, 0, len(points))
	for i, p := range points {
		if x, y := float64(p[0]), float64(p[1]); x >= opt.Lo && x <= opt.Hi && y >= opt.Lo && y <= opt.Hi {
			inside = append(inside, i)
		}
	}

	scatterFrame(s, opt)
	if labels != nil {
		drawMarkers(s, points, labels, inside, classes, glyphSize(opt.Glyph, len(points)), place)
		drawLegend(s, legend, scatterLeft+scatterSide+18, scatterTop)
	} else {
		drawDensity(s, points, inside, opt, place)
	}
	s.frame(scatterLeft, scatterTop, scatterSide, scatterSide, 1, edge)
	note := number(float64(len(points)), 0) + " points"
	if out := len(points) - len(inside); out > 0 {
		note += fmt.Sprintf(", %s outside the square", number(float64(out), 0))
	}
	s.text(scatterLeft+scatterSide, scatterTop-12, bodyText.at(1), note)
	s.text(scatterLeft, scatterTop-12, titleText, shorten(titleText, opt.Title, scatterSide-bodyText.width(note)-16))
	return s.image(), nil
}

// checkLabels returns the names of the classes, or an error if labels do not fit the
// points.
func checkLabels(points [][2]float32, labels []int32, classes []string) ([]string, error) {
	if labels == nil {
		return nil, nil
	}
	if len(labels) != len(points) {
		return nil, fmt.Errorf("viz: scatter: %d labels for %d points, want one each or none", len(labels), len(points))
	}
	n := len(classes)
	if classes == nil {
		n = maxClasses
	}
	most := int32(-1)
	for i, l := range labels {
		if l < 0 || int(l) >= n {
			return nil, fmt.Errorf("viz: scatter: label %d of point %d, want 0 to %d; pass no labels to colour by density", l, i, n-1)
		}
		most = max(most, l)
	}
	if n := len(classes); n > maxClasses {
		return nil, fmt.Errorf("viz: scatter: %d classes, want at most %d; pass no labels to colour by density", n, maxClasses)
	}
	if classes == nil {
		for i := range most + 1 {
			classes = append(classes, strconv.Itoa(int(i)))
		}
	}
	return classes, nil
}

// glyphSize returns the size of a marker; the more points, the smaller.
func glyphSize(asked float64, n int) float64 {
	if asked > 0 {
		return asked
	}
	return min(max(16-2*math.Log10(float64(max(n, 1))), 6), 13)
}

// marker returns the text that marks class i.
func marker(classes []string, i int) string {
	for _, name := range classes {
		if n := utf8.RuneCountInString(name); n < 1 || n > 2 {
			return strconv.Itoa(i)
		}
	}
	return classes[i]
}

func scatterFrame(s *surface, opt ScatterOptions) {
	f := scatterSide / (opt.Hi - opt.Lo)
	for _, tk := range niceTicks(opt.Lo, opt.Hi, 8) {
		x, y := scatterLeft+(tk.v-opt.Lo)*f, scatterTop+(opt.Hi-tk.v)*f
		s.line([]xy{{x, scatterTop}, {x, scatterTop + scatterSide}}, 1, nil, rule)
		s.line([]xy{{scatterLeft, y}, {scatterLeft + scatterSide, y}}, 1, nil, rule)
		s.text(x, scatterTop+scatterSide+20, tickText.sized(12).at(0.5), tk.text)
		s.centred(scatterLeft-9, y, tickText.sized(12).at(1), tk.text)
	}
	s.text(scatterLeft+scatterSide/2, scatterTop+scatterSide+44, headText.sized(13).at(0.5), orElse(opt.XLabel, "z[0]"))
	s.upward(20, scatterTop+scatterSide/2, headText.sized(13), orElse(opt.YLabel, "z[1]"))
}

// shuffled returns the elements of in in a pseudo-random order that depends on their
// number only.
func shuffled(in []int) []int {
	out := make([]int, len(in))
	for i, j := range rand.New(rand.NewPCG(0x5ca77e4, 0)).Perm(len(in)) {
		out[i] = in[j]
	}
	return out
}

func drawMarkers(s *surface, points [][2]float32, labels []int32, inside []int, classes []string, size float64, place func([2]float32) xy) {
	alpha := min(max(1.25-0.12*math.Log10(float64(max(len(inside), 1))), 0.6), 1)
	cache := map[int32]*glyph{}
	clip := image.Rect(s.px(scatterLeft), s.px(scatterTop), s.px(scatterLeft+scatterSide), s.px(scatterTop+scatterSide))
	for _, i := range shuffled(inside) {
		l := labels[i]
		g := cache[l]
		if g == nil {
			g = newGlyph(style{size: size, bold: true}, marker(classes, int(l)), Density)
			cache[l] = g
		}
		p := place(points[i])
		g.stamp(s.img, clip, p.x*Density, p.y*Density, withAlpha(ClassColor(int(l)), alpha))
	}
}

// A legendEntry is one row of a legend: the mark, its class, and the name of the class.
type legendEntry struct {
	mark, name string
	class      int
}

// maxLegend is the number of rows that fit beside the plot.
const maxLegend = 30

func legendEntries(classes []string) []legendEntry {
	var es []legendEntry
	for i, name := range classes {
		if i == maxLegend-1 && len(classes) > maxLegend {
			return append(es, legendEntry{"", fmt.Sprintf("and %d more", len(classes)-i), -1})
		}
		e := legendEntry{mark: marker(classes, i), class: i}
		if name != e.mark {
			e.name = shorten(bodyText.sized(12.5), name, 170)
		}
		es = append(es, e)
	}
	return es
}

func drawLegend(s *surface, es []legendEntry, x, y float64) {
	for i, e := range es {
		row := y + 11 + 22*float64(i)
		if e.class >= 0 {
			c := ClassColor(e.class)
			s.card(x, row-9, 24, 18, 4, mix(paper, c, 0.13), c, 0)
			s.centred(x+12, row, style{size: 12.5, bold: true, col: c, align: 0.5}, e.mark)
		}
		s.centred(x+32, row, bodyText.sized(12.5), e.name)
	}
}
