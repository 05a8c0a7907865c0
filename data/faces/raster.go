package faces

import "math"

// Arithmetic. A product that is added to something goes through mul: the conversion in
// it keeps compilers from fusing the two, which would round differently on some
// processors. Products with powers of two, and quotients, are exact enough as they are.

func mul(a, b float32) float32 { return float32(a * b) }

// mix returns a at t = 0 and b at t = 1.
func mix(a, b, t float32) float32 { return a + mul(b-a, t) }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(max(x, 0)))) }

// point is a place: x to the right, y downwards.
type point struct{ x, y float32 }

// A canvas is an image being painted, side×side pixels of 16 bits a channel. The upper
// 8 bits are the level; the lower ones keep many thin layers from adding up rounding
// errors.
type canvas struct {
	side int
	pix  []uint16 // (side, side, 3)
	rows []row    // of the shape being filled
}

// A row holds how much of each pixel of a row is inside a shape.
type row struct {
	area     []float32 // (side+2) by how much more than of the pixel before
	from, to int       // the first and the last that is not 0
}

func newCanvas(side int) canvas {
	c := canvas{side: side, pix: make([]uint16, side*side*3), rows: make([]row, side)}
	for y := range c.rows {
		c.rows[y] = row{area: make([]float32, side+2), from: side + 2}
	}
	return c
}

// A paint has the colour and opacity of each pixel of a shape.
type paint interface {
	// at is the colour at the pixel's centre, and its opacity in [0, 1].
	at(x, y float32) (c color, opacity float32)
}

// fill paints the inside of a closed outline, in pixels. A pixel that lies partly
// inside is painted in proportion to its exact area inside: the rows of pixels cut the
// outline into trapezia, after Raph Levien's font-rs. An area that the outline winds
// round twice is inside as well.
func (c *canvas) fill(outline []point, p paint) {
	first, last := c.side, -1
	for i, b := range outline {
		a, turn := outline[(i+len(outline)-1)%len(outline)], float32(1)
		if a.y > b.y { // led upwards
			a, b, turn = b, a, -1
		}
		if a.y == b.y || b.y <= 0 || a.y >= float32(c.side) {
			continue
		}
		slope := (b.x - a.x) / (b.y - a.y)
		top := int(max(a.y, 0))
		y := top
		for ; y < c.side && float32(y) < b.y; y++ {
			y0, y1 := max(a.y, float32(y)), min(b.y, float32(y+1))
			c.cut(&c.rows[y], a.x+mul(slope, y0-a.y), a.x+mul(slope, y1-a.y), y1-y0, turn)
		}
		first, last = min(first, top), max(last, y-1)
	}
	for y := first; y <= last; y++ {
		c.blend(y, p)
	}
}

// cut adds to a row an edge from x0 to x1, h high. turn is −1 if the edge runs upwards.
func (c *canvas) cut(r *row, x0, x1, h, turn float32) {
	if x0 > x1 {
		x0, x1 = x1, x0
	}
	// What lies left of the image or right of it is as good as upright at its border.
	w := float32(c.side)
	if x0 < 0 || x1 > w {
		left, right := min(max(-x0, 0), x1-x0), min(max(x1-w, 0), x1-x0)
		if span := x1 - x0; span > 0 {
			hl, hr := mul(h, left/span), mul(h, right/span)
			r.trapezium(0, 0, mul(hl, turn))
			r.trapezium(w, w, mul(hr, turn))
			h -= hl + hr
		}
		x0, x1 = min(max(x0, 0), w), min(max(x1, 0), w)
	}
	r.trapezium(x0, x1, mul(h, turn))
}

// trapezium adds an edge from x0 to x1 ≥ x0, h rows high (negative: it runs upwards).
func (r *row) trapezium(x0, x1, h float32) {
	i0 := int(x0)
	first := float32(i0)
	r.from, r.to = min(r.from, i0), max(r.to, int(x1)+1)
	if x1 <= first+1 { // within a pixel: what is right of it there, the rest further on
		out := mul(h, 0.5*(x0+x1)-first)
		r.area[i0] += h - out
		r.area[i0+1] += out
		return
	}
	step := h / (x1 - x0) // rows for a column
	// The first pixel holds a triangle, each whole one a trapezium, the last the rest.
	d := first + 1 - x0
	sum := mul(0.5*step, mul(d, d)) // area so far within the pixel
	r.area[i0] += sum
	done := mul(step, d) // height so far
	i := i0 + 1
	carry := done - sum // what the pixel passed lacks, and the next has
	for ; float32(i+1) < x1; i++ {
		r.area[i] += carry + 0.5*step
		carry = 0.5 * step
	}
	d = x1 - float32(i)
	rest := h - done - mul(step, float32(i-i0-1)) // height within the last pixel
	in := mul(rest, 1-0.5*d)
	r.area[i] += carry + in
	r.area[i+1] += rest - in
}

// blend paints row y in proportion to the area inside, and resets the row.
func (c *canvas) blend(y int, p paint) {
	r, pix := &c.rows[y], c.pix[3*y*c.side:3*(y+1)*c.side]
	sum := float32(0)
	plain, isPlain := p.(flat)
	col, opacity := plain.color, plain.opacity
	for x := r.from; x < min(r.to+1, c.side); x++ {
		sum += r.area[x]
		inside := min(max(sum, -sum), 1)
		if inside < 1e-3 {
			continue
		}
		if !isPlain {
			col, opacity = p.at(float32(x)+0.5, float32(y)+0.5)
		}
		const one = 1 << 15
		a := uint32(mul(inside, opacity)*one + 0.5)
		q := pix[3*x : 3*x+3 : 3*x+3]
		if a == one {
			q[0], q[1], q[2] = col[0], col[1], col[2]
		} else if a > 0 {
			q[0] = uint16((uint32(q[0])*(one-a) + uint32(col[0])*a + one/2) / one)
			q[1] = uint16((uint32(q[1])*(one-a) + uint32(col[1])*a + one/2) / one)
			q[2] = uint16((uint32(q[2])*(one-a) + uint32(col[2])*a + one/2) / one)
		}
	}
	if r.from <= r.to {
		clear(r.area[r.from : r.to+1])
	}
	r.from, r.to = len(r.area), 0
}

// levels writes the image as bytes.
func (c *canvas) levels(dst []uint8) {
	for i, v := range c.pix {
		dst[i] = uint8(min((uint32(v)+128)>>8, 255))
	}
}
