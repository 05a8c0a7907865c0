package viz

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
)

// ScatterOptions are the range and the titles of a scatter. The zero value is good.
type ScatterOptions struct {
	Lo, Hi float64 // the range of both axes; both 0 = [-4, 4]
	Title  string
	Note   string  // below the title: what is shown, and what is left out; "" = none
	XLabel string  // "" = "z[0]"
	YLabel string  // "" = "z[1]"
	Glyph  float64 // size of a marker in units; 0 = by the number of points
}

// The plot of a scatter, in units.
const (
	scatterSide   = 680.0
	scatterLeft   = 62.0
	scatterTop    = 64.0
	scatterBottom = 66.0
)

// Scatter draws points (x, y), usually latent means, in the square [Lo, Hi]². The
// marker of a point is the name of its class if all names have at most two characters
// (a digit), else a dot, in the colour of the class (ClassColor), with a legend at the
// right. Points are drawn in a fixed shuffled order, so that no class covers the others
// because it came last. Of more classes than can be told apart the most frequent ones are
// shown and the others are grey, or, if most points are of the others, a point is a dot
// whose colour shows the number of points around it, as without labels; the picture says
// so.
//
// labels is nil or has one label for each point, in [0, len(classes)); if classes is
// nil they are named by number. Classes without a point are left out. Points outside the
// square, or not finite, are counted above the plot.
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
	if err := checkLabels(points, labels, classes); err != nil {
		return nil, err
	}
	by, right := classesOf(labels, classes), 92.0
	if by.of != nil {
		right = by.width()
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
	if by.of != nil {
		drawMarkers(s, points, labels, inside, by, opt.Glyph, place)
		by.draw(s, scatterLeft+scatterSide+18, scatterTop)
	} else {
		drawDensity(s, points, inside, opt, place)
	}
	s.frame(scatterLeft, scatterTop, scatterSide, scatterSide, 1, edge)
	note := ""
	if out := len(points) - len(inside); out > 0 {
		note = fmt.Sprintf("%s of %s outside the square", number(float64(out), 0), counted(len(points), "point"))
	}
	s.text(scatterLeft, scatterTop-34, titleText, shorten(titleText, opt.Title, s.w-scatterLeft-12))
	s.text(scatterLeft, scatterTop-14, bodyText, shorten(bodyText, joined(opt.Note, by.note, note), s.w-scatterLeft-12))
	return s.image(), nil
}

// counted returns a number of things: "1 point", "2,000 points".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return number(float64(n), 0) + " " + thing
}

// checkLabels returns an error if labels do not fit the points or the classes.
func checkLabels(points [][2]float32, labels []int32, classes []string) error {
	if labels == nil {
		return nil
	}
	if len(labels) != len(points) {
		return fmt.Errorf("viz: scatter: %d labels for %d points, want one each or none", len(labels), len(points))
	}
	for i, l := range labels {
		if l < 0 || classes != nil && int(l) >= len(classes) {
			return fmt.Errorf("viz: scatter: label %d of point %d, want 0 to %d; pass no labels to colour by density", l, i, max(len(classes)-1, 0))
		}
	}
	return nil
}

// glyphSize returns the size of a text that marks one of n points; the more, the smaller.
func glyphSize(n int) float64 {
	return min(max(16-2*math.Log10(float64(max(n, 1))), 6), 13)
}

// dotSize returns the diameter of one of n dots; the more, the smaller.
func dotSize(n int) float64 {
	return min(max(9-1.1*math.Log10(float64(max(n, 1))), 3.6), 8)
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

// drawMarkers draws the points inside the plot by their classes. size is that of the
// markers, 0 = by the number of points.
func drawMarkers(s *surface, points [][2]float32, labels []int32, inside []int, by classing, size float64, place func([2]float32) xy) {
	alpha := min(max(1.25-0.12*math.Log10(float64(max(len(inside), 1))), 0.6), 1)
	glyphs := make([]*glyph, len(by.entries))
	for i, e := range by.entries {
		switch {
		case e.mark != "":
			glyphs[i] = newGlyph(style{size: cmp.Or(size, glyphSize(len(points))), bold: true}, e.mark, Density)
		case e.ring:
			d := cmp.Or(size, dotSize(len(points))+1)
			glyphs[i] = newRing(d/2, d/4, Density)
		default:
			glyphs[i] = newRing(cmp.Or(size, dotSize(len(points)))/2, 0, Density)
		}
	}
	clip := image.Rect(s.px(scatterLeft), s.px(scatterTop), s.px(scatterLeft+scatterSide), s.px(scatterTop+scatterSide))
	for _, i := range shuffled(inside) {
		k := by.of[labels[i]]
		p := place(points[i])
		glyphs[k].stamp(s.img, clip, p.x*Density, p.y*Density, withAlpha(by.entries[k].col, alpha))
	}
}
