package viz

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"sort"
	"sync"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/imago-ml/imago/internal/screen"
)

// A surface is the canvas of a figure: the origin is the top left corner, y grows
// downward, lengths are in units. A raster surface also has pixels, dens to a unit; a
// vector surface has none.
type surface struct {
	w, h float64
	dens int
	c    vg.Canvas
	img  *image.RGBA // nil on a vector surface
	// tiles are the rectangles, in pixels, that show data: see drawing.
	tiles []image.Rectangle
	svg   *vgsvg.Canvas // nil on a raster surface
}

// newRaster returns a white surface of w×h units with dens pixels to a unit.
func newRaster(place string, w, h float64, dens int) (*surface, error) {
	w, h = math.Ceil(w), math.Ceil(h)
	if !(w >= 1 && h >= 1 && w*h*float64(dens*dens) <= maxPixels) {
		return nil, fmt.Errorf("viz: %s: a picture of %.0f×%.0f pixels, want 1 to %d in all; draw fewer or smaller",
			place, w*float64(dens), h*float64(dens), maxPixels)
	}
	c := vgimg.NewWith(vgimg.UseWH(vg.Length(w), vg.Length(h)), vgimg.UseDPI(72*dens))
	img, ok := c.Image().(*image.RGBA)
	if !ok {
		return nil, fmt.Errorf("viz: %s: the canvas holds %T, want *image.RGBA", place, c.Image())
	}
	fill(img, paper)
	return &surface{w: w, h: h, dens: dens, c: c, img: img}, nil
}

// newVector returns a white surface of w×h units whose drawing becomes SVG.
func newVector(w, h float64) *surface {
	w, h = math.Ceil(w), math.Ceil(h)
	c := vgsvg.NewWith(vgsvg.UseWH(vg.Length(w), vg.Length(h)), vgsvg.EmbedFonts(false))
	s := &surface{w: w, h: h, dens: 1, c: c, svg: c}
	s.rect(0, 0, w, h, paper)
	return s
}

// bytes returns the SVG document of a vector surface. The document also names other
// fonts of the same widths, for readers without Liberation Sans. Letters that XML does not have are escaped.
func (s *surface) bytes() ([]byte, error) {
	var b bytes.Buffer
	if _, err := s.svg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("viz: svg: %w", err)
	}
	return []byte(screen.Text(b.String())), nil
}

// px returns a length in pixels, rounded.
func (s *surface) px(v float64) int { return int(math.Round(v * float64(s.dens))) }

func (s *surface) pt(x, y float64) vg.Point { return vg.Point{X: vg.Length(x), Y: vg.Length(s.h - y)} }

// rect fills a rectangle.
func (s *surface) rect(x, y, w, h float64, c color.Color) {
	s.polygon([]xy{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}, c)
}

// frame strokes a rectangle, the line centred on its edges.
func (s *surface) frame(x, y, w, h, width float64, c color.Color) {
	s.stroke(width, nil, c)
	var p vg.Path
	p.Move(s.pt(x, y))
	p.Line(s.pt(x+w, y))
	p.Line(s.pt(x+w, y+h))
	p.Line(s.pt(x, y+h))
	p.Close()
	s.c.Stroke(p)
}

// card fills a rectangle with corners rounded by r and strokes its border.
func (s *surface) card(x, y, w, h, r float64, bg, border color.Color, width float64) {
	const k = 0.5523 // a quarter circle as one cubic curve
	d := r * (1 - k)
	var p vg.Path
	p.Move(s.pt(x+r, y))
	p.Line(s.pt(x+w-r, y))
	p.CubeTo(s.pt(x+w-d, y), s.pt(x+w, y+d), s.pt(x+w, y+r))
	p.Line(s.pt(x+w, y+h-r))
	p.CubeTo(s.pt(x+w, y+h-d), s.pt(x+w-d, y+h), s.pt(x+w-r, y+h))
	p.Line(s.pt(x+r, y+h))
	p.CubeTo(s.pt(x+d, y+h), s.pt(x, y+h-d), s.pt(x, y+h-r))
	p.Line(s.pt(x, y+r))
	p.CubeTo(s.pt(x, y+d), s.pt(x+d, y), s.pt(x+r, y))
	p.Close()
	s.c.SetColor(bg)
	s.c.Fill(p)
	if width > 0 {
		s.stroke(width, nil, border)
		s.c.Stroke(p)
	}
}

// An xy is a position on a surface.
type xy struct{ x, y float64 }

func (s *surface) stroke(width float64, dash []float64, c color.Color) {
	d := make([]vg.Length, len(dash))
	for i, v := range dash {
		d[i] = vg.Length(v)
	}
	s.c.SetLineDash(d, 0)
	s.c.SetLineWidth(vg.Length(width))
	s.c.SetColor(c)
}

// line strokes a polyline; dash alternates drawn and blank lengths, nil is solid.
func (s *surface) line(pts []xy, width float64, dash []float64, c color.Color) {
	if len(pts) < 2 {
		return
	}
	var p vg.Path
	p.Move(s.pt(pts[0].x, pts[0].y))
	for _, q := range pts[1:] {
		p.Line(s.pt(q.x, q.y))
	}
	s.stroke(width, dash, c)
	s.c.Stroke(p)
}

// bezier strokes one cubic curve from a to d.
func (s *surface) bezier(a, b, c, d xy, width float64, col color.Color) {
	var p vg.Path
	p.Move(s.pt(a.x, a.y))
	p.CubeTo(s.pt(b.x, b.y), s.pt(c.x, c.y), s.pt(d.x, d.y))
	s.stroke(width, nil, col)
	s.c.Stroke(p)
}

// polygon fills a closed outline.
func (s *surface) polygon(pts []xy, c color.Color) {
	var p vg.Path
	p.Move(s.pt(pts[0].x, pts[0].y))
	for _, q := range pts[1:] {
		p.Line(s.pt(q.x, q.y))
	}
	p.Close()
	s.c.SetColor(c)
	s.c.Fill(p)
}

// dot fills a circle.
func (s *surface) dot(x, y, r float64, c color.Color) {
	var p vg.Path
	q := s.pt(x, y)
	p.Move(vg.Point{X: q.X + vg.Length(r), Y: q.Y})
	p.Arc(q, vg.Length(r), 0, 2*math.Pi)
	p.Close()
	s.c.SetColor(c)
	s.c.Fill(p)
}

// A style is the size, weight and colour of text, and its alignment: which part of it
// is at the given position, 0 left, 0.5 middle, 1 right.
type style struct {
	size  float64
	bold  bool
	mono  bool
	col   color.NRGBA
	align float64
}

func (t style) at(align float64) style    { t.align = align; return t }
func (t style) in(c color.NRGBA) style    { t.col = c; return t }
func (t style) sized(size float64) style  { t.size = size; return t }
func (t style) width(text string) float64 { f := t.face(); return f.Width(text).Points() }
func (t style) capHeight() float64        { return 0.69 * t.size }

var (
	titleText = style{size: 15, bold: true, col: ink}
	headText  = style{size: 12, bold: true, col: ink}
	bodyText  = style{size: 11, col: muted}
	tickText  = style{size: 10.5, col: muted}
)

var fonts = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

func (t style) face() font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if t.mono {
		f.Variant = "Mono"
	}
	if t.bold {
		f.Weight = stdfont.WeightBold
	}
	return fonts().Lookup(f, vg.Length(t.size))
}

// text writes one line with its baseline at y.
func (s *surface) text(x, y float64, t style, text string) {
	if text == "" {
		return
	}
	f := t.face()
	if t.align != 0 {
		x -= t.align * f.Width(text).Points()
	}
	s.c.SetColor(t.col)
	s.c.FillString(f, s.pt(x, y), text)
}

// centred writes one line with the middle of its capitals at y.
func (s *surface) centred(x, y float64, t style, text string) {
	s.text(x, y+t.capHeight()/2, t, text)
}

// upward writes one line rotated a quarter turn to the left, its middle at (x, y) and
// its baseline at x.
func (s *surface) upward(x, y float64, t style, text string) {
	if text == "" {
		return
	}
	s.c.Push()
	s.c.Translate(s.pt(x, y))
	s.c.Rotate(math.Pi / 2)
	f := t.face()
	s.c.SetColor(t.col)
	s.c.FillString(f, vg.Point{X: -f.Width(text) / 2}, text)
	s.c.Pop()
}

// shorten returns text cut to a width in units, with … in place of the rest.
func shorten(t style, text string, w float64) string {
	if t.width(text) <= w {
		return text
	}
	r := []rune(text)
	n := sort.Search(len(r), func(n int) bool { return t.width(string(r[:n])+"…") > w })
	return string(r[:max(0, n-1)]) + "…"
}
