package viz

import (
	"hash/fnv"
	"image"
	"image/color"
	"strings"
)

// A NetLayer is one box of a diagram.
type NetLayer struct {
	Name   string   // differs from every other
	Kind   string   // "Dense", "Conv2D", "Functional" for a nested model
	In     string   // shape of the input, "(None, 28, 28, 1)"; several joined by the caller; "" = not shown
	Out    string   // shape of the output; "" = not shown
	Params int      // trainable numbers; 0 = not shown
	Inputs []string // names of the layers whose outputs it takes; none for an input
}

// Sizes of a diagram, in units.
const (
	netBox  = 62.0 // height of a box
	netHead = 27.0 // height of its coloured top
	netDown = 42.0 // between rows
	netGap  = 26.0 // between boxes of a row
	netPad  = 24.0 // around all
)

// Network draws a diagram like that of Keras' plot_model(show_shapes=True): a box for
// each layer with its name, kind, input and output shapes and number of parameters,
// rows from top to bottom, and an arrow from every layer to those that take its output.
// A nested model is one box.
func Network(layers []NetLayer, title string) (image.Image, error) {
	d, err := newDiagram(layers, title)
	if err != nil {
		return nil, err
	}
	s, err := newRaster("network", d.w, d.h, Density)
	if err != nil {
		return nil, err
	}
	d.draw(s)
	return s.image(), nil
}

// NetworkSVG draws the same as Network and returns it as an SVG document.
func NetworkSVG(layers []NetLayer, title string) ([]byte, error) {
	d, err := newDiagram(layers, title)
	if err != nil {
		return nil, err
	}
	s := newVector(d.w, d.h)
	d.draw(s)
	return s.bytes()
}

type diagram struct {
	layers []NetLayer
	title  string
	g      *layering
	w, h   float64
	x0, y0 float64 // where the layering begins
}

var (
	netName  = style{size: 12, bold: true, col: ink}
	netKind  = style{size: 11, col: ink}
	netShape = style{size: 11, mono: true, col: ink}
	netWord  = style{size: 10, col: muted}
)

// maxNetText bounds a name or shape in a box, in units.
const maxNetText = 330

func newDiagram(layers []NetLayer, title string) (*diagram, error) {
	layers = append([]NetLayer(nil), layers...)
	widths := make([]float64, len(layers))
	for i := range layers {
		widths[i] = boxWidth(layers[i])
	}
	g, w, err := layOut(layers, widths, netGap)
	if err != nil {
		return nil, err
	}
	d := &diagram{layers: layers, title: title, g: g, y0: netPad}
	if title != "" {
		d.y0 = 56
	}
	d.w = max(w, titleText.width(title)) + 2*netPad
	d.x0 = (d.w - w) / 2
	d.h = d.y0 + float64(len(g.rows))*(netBox+netDown) - netDown + netPad
	return d, nil
}

func boxWidth(l NetLayer) float64 {
	head := min(netName.width(l.Name), maxNetText) + 26 + netKind.width(l.Kind)
	return max(head, shapesWidth(l)) + 28
}

// shapesWidth returns the width of the lower half: input → output, parameters.
func shapesWidth(l NetLayer) float64 {
	w := 0.0
	if l.In != "" {
		w += min(netShape.width(l.In), maxNetText)
	}
	if l.In != "" && l.Out != "" {
		w += 29
	}
	if l.Out != "" {
		w += min(netShape.width(l.Out), maxNetText)
	}
	if l.Params > 0 {
		w += 20 + netWord.width(paramText(l.Params))
	}
	return w
}

func paramText(n int) string { return number(float64(n), 0) + " parameters" }

// kindColor gives layers of one sort one colour.
func kindColor(kind string) color.NRGBA {
	k := strings.ToLower(kind)
	for _, r := range []struct {
		part  string
		class int
	}{
		{"input", 7}, {"convtranspose", 4}, {"conv2dtranspose", 4}, {"transposed", 4}, {"conv", 0},
		{"dense", 1}, {"linear", 1}, {"flatten", 7}, {"reshape", 7}, {"norm", 9}, {"sampl", 6},
		{"lambda", 6}, {"functional", 2}, {"model", 2}, {"sequential", 2}, {"relu", 8}, {"activation", 8},
	} {
		if strings.Contains(k, r.part) {
			return ClassColor(r.class)
		}
	}
	h := fnv.New32a()
	h.Write([]byte(k))
	return ClassColor(int(h.Sum32() % uint32(len(classes))))
}

func (d *diagram) draw(s *surface) {
	s.text(netPad, 32, titleText, d.title)
	for _, p := range d.g.paths {
		d.arrow(s, p)
	}
	for _, v := range d.g.v {
		if v.layer >= 0 {
			d.box(s, d.layers[v.layer], d.x0+v.x-v.w/2, d.top(v.row), v.w)
		}
	}
}

func (d *diagram) top(row int) float64 { return d.y0 + float64(row)*(netBox+netDown) }

func (d *diagram) box(s *surface, l NetLayer, x, y, w float64) {
	c := kindColor(l.Kind)
	s.card(x, y, w, netBox, 7, paper, nil, 0)
	s.card(x, y, w, netHead, 7, mix(paper, c, 0.16), nil, 0)
	s.rect(x, y+netHead-8, w, 8, mix(paper, c, 0.16))
	s.card(x, y, w, netBox, 7, color.Transparent, mix(paper, c, 0.75), 1.2)
	s.centred(x+12, y+netHead/2, netName, shorten(netName, l.Name, maxNetText))
	s.centred(x+w-12, y+netHead/2, netKind.at(1).in(readable(mix(c, ink, 0.25))), l.Kind)

	at, mid := x+12, y+netHead+(netBox-netHead)/2
	if l.In != "" {
		in := shorten(netShape, l.In, maxNetText)
		s.centred(at, mid, netShape.in(muted), in)
		at += netShape.width(in)
	}
	if l.In != "" && l.Out != "" {
		s.line([]xy{{at + 7, mid}, {at + 18, mid}}, 1, nil, muted)
		s.polygon([]xy{{at + 22, mid}, {at + 17, mid - 3}, {at + 17, mid + 3}}, muted)
		at += 29
	}
	s.centred(at, mid, netShape, shorten(netShape, l.Out, maxNetText))
	if l.Params > 0 {
		s.centred(x+w-12, mid, netWord.at(1), paramText(l.Params))
	}
}

// arrow draws one connection along its path, upright where it leaves, passes and
// arrives.
func (d *diagram) arrow(s *surface, path []int) {
	const head = 7.0
	from := d.g.v[path[0]]
	a := xy{d.x0 + from.x, d.top(from.row) + netBox}
	for k, id := range path[1:] {
		v := d.g.v[id]
		b := xy{d.x0 + v.x, d.top(v.row)}
		last := k == len(path)-2
		end := b
		if last {
			end.y -= head
		}
		bend := (end.y - a.y) * 0.55
		s.bezier(a, xy{a.x, a.y + bend}, xy{end.x, end.y - bend}, end, 1.4, edge)
		if last {
			s.polygon([]xy{b, {b.x - 4.2, b.y - head}, {b.x + 4.2, b.y - head}}, edge)
			break
		}
		a = xy{b.x, b.y + netBox}
		s.line([]xy{b, a}, 1.4, nil, edge)
	}
}
