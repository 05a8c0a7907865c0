package digits

import "math"

// ink is a point of a stroke in pixels, with the radius of the pen there.
type ink struct{ x, y, r float32 }

// A canvas rasterises strokes into grey levels. Its field holds, for each pixel, how
// deep the pixel's centre lies inside the nearest stroke (pixels, negative outside), so
// that strokes that cross or touch have no seam.
//
// Products are converted to float32 before they are added: the conversion keeps
// compilers from fusing the two operations, which would round differently on some
// processors. Only products with a power of two, which are exact, need none. The same
// holds for pen.go.
type canvas struct {
	size  int // pixels a side
	depth []float32
}

func newCanvas(size int) canvas {
	return canvas{size, make([]float32, size*size)}
}

// outside is the depth of a pixel far from every stroke.
const outside = -1e3

func (c canvas) clear() {
	for i := range c.depth {
		c.depth[i] = outside
	}
}

// segment draws the line from a to b with a radius that changes from a.r to b.r. soft
// is the half width of the ramp that grey is called with.
func (c canvas) segment(a, b ink, soft float32) {
	reach := max(a.r, b.r) + soft
	x0, x1 := c.span(min(a.x, b.x)-reach, max(a.x, b.x)+reach)
	y0, y1 := c.span(min(a.y, b.y)-reach, max(a.y, b.y)+reach)
	ex, ey, er := b.x-a.x, b.y-a.y, b.r-a.r
	var inv float32
	if l2 := float32(ex*ex) + float32(ey*ey); l2 > 0 {
		inv = 1 / l2
	}
	for y := y0; y < y1; y++ {
		dy := float32(y) + 0.5 - a.y
		row := c.depth[y*c.size : (y+1)*c.size]
		dyey, dy2 := float32(dy*ey), float32(dy*dy)
		for x := x0; x < x1; x++ {
			dx := float32(x) + 0.5 - a.x
			t := float32((float32(dx*ex) + dyey) * inv)
			var d2 float32
			if t <= 0 {
				t, d2 = 0, float32(dx*dx)+dy2
			} else {
				t = min(t, 1)
				px, py := dx-float32(t*ex), dy-float32(t*ey)
				d2 = float32(px*px) + float32(py*py)
			}
			r := a.r + float32(t*er)
			depth := r - float32(math.Sqrt(float64(d2)))
			if depth > row[x] {
				row[x] = depth
			}
		}
	}
}

// span returns the range of pixels whose centres may lie in [lo, hi].
func (c canvas) span(lo, hi float32) (first, end int) {
	return min(max(int(lo-0.5), 0), c.size), min(max(int(hi+0.5), 0), c.size)
}

// grey writes the levels: black where the depth is below -soft, white above
// soft, and a smooth ramp (3u²-2u³) between.
func (c canvas) grey(dst []uint8, soft float32) {
	scale := 0.5 / soft
	for i, depth := range c.depth {
		u := float32(depth*scale) + 0.5
		switch {
		case u <= 0:
			dst[i] = 0
		case u >= 1:
			dst[i] = 255
		default:
			v := float32(u*u) * (3 - float32(2*u))
			dst[i] = uint8(float32(v*255) + 0.5)
		}
	}
}
