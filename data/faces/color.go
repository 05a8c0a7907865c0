package faces

// A color is red, green and blue, 0 to 0xff00.
type color [3]uint16

// hex returns 0xRRGGBB.
func hex(v uint32) color {
	return color{uint16(v >> 16 << 8), uint16(v >> 8 & 255 << 8), uint16(v & 255 << 8)}
}

// to returns the mixture of c at t = 0 and d at t = 1, for t in [0, 1].
func (c color) to(d color, t float32) color {
	k := int32(t * (1 << 14))
	return color{
		uint16(int32(c[0]) + (int32(d[0])-int32(c[0]))*k>>14),
		uint16(int32(c[1]) + (int32(d[1])-int32(c[1]))*k>>14),
		uint16(int32(c[2]) + (int32(d[2])-int32(c[2]))*k>>14),
	}
}

var (
	black = hex(0x000000)
	white = hex(0xffffff)
)

func (c color) darker(t float32) color  { return c.to(black, t) }
func (c color) lighter(t float32) color { return c.to(white, t) }

// along returns the colour at fraction t in [0, 1] of a sequence of tones.
func along(tones []color, t float32) color {
	at := mul(t, float32(len(tones)-1))
	i := min(int(at), len(tones)-2)
	return tones[i].to(tones[i+1], at-float32(i))
}

// A flat is one colour.
type flat struct {
	color
	opacity float32
}

func (f flat) at(x, y float32) (color, float32) { return f.color, f.opacity }

// solid returns an opaque colour.
func solid(c color) paint { return flat{c, 1} }

// A fade is a linear gradient from one colour at a to another at b, in pixels.
type fade struct {
	from, to color
	a        point
	dx, dy   float32 // (b − a) / |b − a|²
}

func newFade(from, to color, a, b point) fade {
	x, y := b.x-a.x, b.y-a.y
	n := max(mul(x, x)+mul(y, y), 1e-6)
	return fade{from, to, a, x / n, y / n}
}

func (f fade) at(x, y float32) (color, float32) {
	t := mul(x-f.a.x, f.dx) + mul(y-f.a.y, f.dy)
	return f.from.to(f.to, min(max(t, 0), 1)), 1
}

// A glow is a colour whose opacity falls from its centre to its rim as (1 − r²)².
type glow struct {
	color
	opacity float32
	centre  point
	rx, ry  float32
}

func (g glow) at(x, y float32) (color, float32) {
	dx, dy := (x-g.centre.x)/g.rx, (y-g.centre.y)/g.ry
	d := 1 - min(mul(dx, dx)+mul(dy, dy), 1)
	return g.color, mul(g.opacity, mul(d, d))
}
