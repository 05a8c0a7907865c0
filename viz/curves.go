package viz

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// A Series is one curve.
type Series struct {
	Name   string
	X      []float64 // nil = 1, 2, 3, …: epochs
	Y      []float64 // a value that is not finite is a gap
	Dashed bool
	Color  color.Color // nil = the colour of its place in the panel
}

// CurveOptions are the titles and the scale of a panel of curves.
type CurveOptions struct {
	Title, XLabel, YLabel string
	LogY                  bool   // values of 0 and below are gaps
	YFromZero             bool   // the y axis includes 0; of no effect with LogY
	Note                  string // what the curves leave out; "" = nothing
}

// A Panel is one plot in a picture of several.
type Panel struct {
	CurveOptions
	Series []Series
}

// Curves draws curves over common axes, with the name and last value of each at its
// right end.
func Curves(series []Series, opt CurveOptions) (image.Image, error) {
	return Panels([]Panel{{opt, series}}, 1)
}

// Panels draws several plots in one picture, cols in a row.
func Panels(panels []Panel, cols int) (image.Image, error) {
	w, h, err := checkPanels(panels, cols)
	if err != nil {
		return nil, err
	}
	s, err := newRaster("curves", w, h, Density)
	if err != nil {
		return nil, err
	}
	drawPanels(s, panels, cols)
	return s.image(), nil
}

// PanelsSVG draws the same as Panels and returns it as an SVG document.
func PanelsSVG(panels []Panel, cols int) ([]byte, error) {
	w, h, err := checkPanels(panels, cols)
	if err != nil {
		return nil, err
	}
	s := newVector(w, h)
	drawPanels(s, panels, cols)
	return s.bytes()
}

// maxPanels bounds a picture of curves.
const maxPanels = 64

// panelSize returns the size of one plot in units: a single one may be larger.
func panelSize(n int) (w, h float64) {
	if n == 1 {
		return 760, 420
	}
	return 520, 330
}

func checkPanels(panels []Panel, cols int) (w, h float64, err error) {
	if len(panels) < 1 || len(panels) > maxPanels || cols < 1 {
		return 0, 0, fmt.Errorf("viz: curves: %d panels in %d columns, want 1 to %d panels, at least 1 column", len(panels), cols, maxPanels)
	}
	for i, p := range panels {
		if len(p.Series) == 0 {
			return 0, 0, fmt.Errorf("viz: curves: panel %d %q has no series, want at least one", i, p.Title)
		}
		for _, s := range p.Series {
			if s.X != nil && len(s.X) != len(s.Y) {
				return 0, 0, fmt.Errorf("viz: curves: panel %d %q: series %q has %d x and %d y, want as many", i, p.Title, s.Name, len(s.X), len(s.Y))
			}
		}
	}
	cols = min(cols, len(panels))
	w, h = panelSize(len(panels))
	return w * float64(cols), h * float64((len(panels)+cols-1)/cols), nil
}

func drawPanels(s *surface, panels []Panel, cols int) {
	cols = min(cols, len(panels))
	w, h := panelSize(len(panels))
	for i, p := range panels {
		drawPanel(s, p, float64(i%cols)*w, float64(i/cols)*h, w, h)
	}
}

// span is an interval that grows to hold values.
type span struct{ lo, hi float64 }

func (r *span) add(v float64) { r.lo, r.hi = min(r.lo, v), max(r.hi, v) }
func (r span) empty() bool    { return r.lo > r.hi }

// points returns the drawable points of a series, one slice for each stretch without
// gaps.
func (p Panel) points(s Series) [][]xy {
	var runs [][]xy
	gap := true
	for i, y := range s.Y {
		x := float64(i + 1)
		if s.X != nil {
			x = s.X[i]
		}
		// 1e300 leaves room for the margins of an axis.
		if !(math.Abs(x) < 1e300 && math.Abs(y) < 1e300) || p.LogY && y <= 0 {
			gap = true
			continue
		}
		if gap {
			runs = append(runs, nil)
			gap = false
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], xy{x, y})
	}
	return runs
}
