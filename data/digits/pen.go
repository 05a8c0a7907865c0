package digits

import (
	"math"

	"github.com/imago-ml/imago/engine/rng"
)

// The hand: how much people's writing scatters. Lengths are in heights of the
// digit before it is fitted to its box, pen widths in pixels of a 28×28 image.
const (
	scatter     = 0.046 // deviation of a knot from where the form has it
	correlation = 0.55  // of a knot's deviation with that of the knot before
	endScatter  = 0.045 // what the ends of a stroke deviate besides
	liftScatter = 0.030 // deviation of a whole stroke after a lift of the pen
	warp        = 0.050 // deviation of the lattice of the elastic field
	extrapolate = 1.25  // how far a blend of forms may leave their hull
	slantMean   = 0.08  // x gained for one unit of height
	slantSpread = 0.23
	turnSpread  = 0.07 // radians
	wideMean    = 0.98 // width over height, against the form's own
	wideSpread  = 0.17
	penMean     = 1.20 // radius of the pen
	penSpread   = 0.34
	softMean    = 0.66 // half width of the edge of a stroke, pixels
	softSpread  = 0.10
)

// MNIST's geometry: the longer side of the digit is 20 of 28 pixels, and its
// centre of mass is the centre of the image.
const (
	nativeSize = 28
	nativeBox  = 20
)

const (
	steps  = 6 // straight pieces between two knots
	maxInk = maxKnots*steps + maxStrokes
)

// A pen draws one image after another without allocating. It is not safe for concurrent
// use. An image does not depend on those drawn before it.
type pen struct {
	size   int // pixels a side
	hands  *[10][]variant
	canvas canvas
	draws  rng.Stream
	knots  [maxKnots]knot
	line   [maxInk]ink
	ends   [maxStrokes]int // ends[s] is one past the last point of stroke s in line
}

func newPen(size int, hands *[10][]variant) *pen {
	return &pen{size: size, hands: hands, canvas: newCanvas(size)}
}

// draw writes the image of a digit, drawn from that key, into dst, size² bytes.
func (p *pen) draw(key rng.Key, digit int, dst []uint8) {
	p.draws = key.Stream()
	v := pick(p.hands[digit], p.draws.Uniform())
	knots, strokeEnds := p.blend(v)
	p.jitter(knots, strokeEnds, 1-v.habit.rigid)
	line, lineEnds := p.lead(knots, strokeEnds)
	p.bend(line)
	p.lean(line, v.habit)
	soft := p.ink(line, lineEnds, v.habit)
	p.canvas.clear()
	from := 0
	for _, to := range lineEnds {
		for i := from + 1; i < to; i++ {
			p.canvas.segment(line[i-1], line[i], soft)
		}
		from = to
	}
	p.canvas.grey(dst, soft)
}

// pick returns the variant at fraction u of the summed shares.
func pick(variants []variant, u float32) *variant {
	for i := range variants {
		if u -= variants[i].share; u < 0 {
			return &variants[i]
		}
	}
	return &variants[len(variants)-1] // the shares sum to 1 up to rounding
}

// blend returns a weighted mean of three forms of a variant, drawn with replacement:
// more forms would differ too little from their mean.
func (p *pen) blend(v *variant) (knots []knot, ends []int) {
	const mixed = 3
	var from [mixed]*form
	var weights [mixed]float32
	var sum float32
	for i := range from {
		n := len(v.forms)
		from[i] = &v.forms[int(p.draws.Uniform()*float32(n))%n] // %: u·n may round up to n
		u := p.draws.Uniform()
		weights[i] = float32(u*u) + 0.01 // squared: more often one form than all three
		sum += weights[i]
	}
	const even = 1.0 / mixed
	for i := range weights {
		weights[i] = even + float32(extrapolate*(weights[i]/sum-even))
	}
	knots = p.knots[:len(v.forms[0].knots)]
	for k := range knots {
		var x, y float32
		for i, f := range from {
			x += float32(weights[i] * f.knots[k].x)
			y += float32(weights[i] * f.knots[k].y)
		}
		knots[k] = knot{point{x, y}, v.forms[0].knots[k].corner}
	}
	return knots, v.forms[0].ends
}

// jitter moves the knots: each stroke as a whole, its ends, and every knot together
// with its neighbours, by an AR(1) process.
func (p *pen) jitter(knots []knot, ends []int, amount float32) {
	d := &p.draws
	fresh := float32(math.Sqrt(1 - correlation*correlation))
	amount = float32(amount * d.ClampedNormal(1, 0.3, 0.3, 2)) // some write neatly
	start := 0
	for s, end := range ends {
		var lift point
		if s > 0 {
			lift = point{float32(liftScatter * d.Normal()), float32(liftScatter * d.Normal())}
		}
		drift := point{d.Normal(), d.Normal()}
		for k := start; k < end; k++ {
			if k > start {
				drift.x = float32(correlation*drift.x) + float32(fresh*d.Normal())
				drift.y = float32(correlation*drift.y) + float32(fresh*d.Normal())
			}
			q := &knots[k]
			q.x += lift.x + float32(float32(scatter*amount)*drift.x)
			q.y += lift.y + float32(float32(scatter*amount)*drift.y)
			if k == start || k == end-1 {
				q.x += float32(float32(endScatter*amount) * d.Normal())
				q.y += float32(float32(endScatter*amount) * d.Normal())
			}
		}
		start = end
	}
}

// lead returns the line through the knots: Catmull-Rom splines between corners.
func (p *pen) lead(knots []knot, ends []int) (line []ink, lineEnds []int) {
	n, start := 0, 0
	for s, end := range ends {
		p.line[n] = ink{x: knots[start].x, y: knots[start].y}
		n++
		for k := start; k < end-1; k++ {
			b, c := knots[k].point, knots[k+1].point
			// At an end or a corner the neighbour beyond is the mirror image of
			// the one on this side, so the line sets off straight.
			a := point{2*b.x - c.x, 2*b.y - c.y}
			if k > start && !knots[k].corner {
				a = knots[k-1].point
			}
			e := point{2*c.x - b.x, 2*c.y - b.y}
			if k+1 < end-1 && !knots[k+1].corner {
				e = knots[k+2].point
			}
			for i := 1; i <= steps; i++ {
				t := float32(i) / steps
				p.line[n] = ink{x: spline(a.x, b.x, c.x, e.x, t), y: spline(a.y, b.y, c.y, e.y, t)}
				n++
			}
		}
		p.ends[s] = n
		start = end
	}
	return p.line[:n], p.ends[:len(ends)]
}

// spline returns the uniform Catmull-Rom spline from b (t = 0) to c (t = 1), with
// slopes (c-a)/2 and (e-b)/2 there.
func spline(a, b, c, e, t float32) float32 {
	k1 := 0.5 * (c - a)
	k2 := a - float32(2.5*b) + 2*c - 0.5*e
	k3 := 0.5*(e-a) + float32(1.5*(b-c))
	return b + float32(t*(k1+float32(t*(k2+float32(t*k3)))))
}

// bend deforms the line elastically: a 4×4 lattice over its bounding box is displaced
// at random, and quadratic B-splines interpolate the displacement.
func (p *pen) bend(line []ink) {
	var lattice [4][4]point
	for i := range lattice {
		for j := range lattice[i] {
			lattice[i][j] = point{float32(warp * p.draws.Normal()), float32(warp * p.draws.Normal())}
		}
	}
	lo, hi := bounds(line)
	sx, sy := 2/max(hi.x-lo.x, 0.5), 2/max(hi.y-lo.y, 0.5) // a 1 has no width to speak of
	for i := range line {
		q := &line[i]
		cx, wx := weights(float32((q.x - lo.x) * sx))
		cy, wy := weights(float32((q.y - lo.y) * sy))
		var dx, dy float32
		for j := range 3 {
			for k := range 3 {
				w, at := float32(wy[j]*wx[k]), &lattice[cy+j][cx+k]
				dx += float32(w * at.x)
				dy += float32(w * at.y)
			}
		}
		// The weights of a B-spline average nine draws: 1.6 gives back some of
		// the deviation that takes.
		q.x += float32(1.6 * dx)
		q.y += float32(1.6 * dy)
	}
}

// weights returns the cell and the quadratic B-spline weights of u in [0, 2].
func weights(u float32) (cell int, w [3]float32) {
	if u >= 1 {
		cell, u = 1, u-1
	}
	v := 1 - u
	w[0] = 0.5 * float32(v*v)
	w[2] = 0.5 * float32(u*u)
	w[1] = 1 - w[0] - w[2]
	return cell, w
}

// lean stretches, slants and rotates the whole line.
func (p *pen) lean(line []ink, h habit) {
	d := &p.draws
	wide := d.ClampedNormal(wideMean+h.wide, wideSpread, 0.45, 1.6)
	slant := d.ClampedNormal(slantMean+h.slant, slantSpread+h.spread, -0.55, 0.95)
	turn := d.ClampedNormal(0, turnSpread, -0.3, 0.3)
	t2 := float32(turn * turn)
	// Taylor: at 0.3 radians off by less than 2e-5, and the same everywhere.
	sin := float32(turn * (1 - t2/6))
	cos := 1 - 0.5*t2 + float32(t2*t2)/24
	for i := range line {
		q := &line[i]
		x := float32((q.x-0.4)*wide) + float32(slant*(0.5-q.y))
		y := q.y - 0.5
		q.x = float32(cos*x) - float32(sin*y)
		q.y = float32(sin*x) + float32(cos*y)
	}
}

// ink gives the line its width, fits it into the box and centres its mass. It returns
// the half width of the soft edge, in pixels.
func (p *pen) ink(line []ink, ends []int, h habit) (soft float32) {
	d := &p.draws
	unit := float32(p.size) / nativeSize
	radius := d.ClampedNormal(penMean+h.pen, penSpread+h.pen, 0.55, 2.6)
	soft = float32(unit * d.ClampedNormal(softMean, softSpread, 0.4, 1.0))
	// The pressure drifts from the start of the digit to its end, and swells.
	drift := float32(0.12 * d.Normal())
	var swell [4]float32
	for i := range swell {
		swell[i] = float32(0.12 * d.Normal())
	}
	// Pen radii that differ by direction: a nib, or the tilt of the hand.
	nib := float32(0.10 * d.Normal())

	lo, hi := bounds(line)
	room := nativeBox - 2*radius
	scale := min(room/max(hi.x-lo.x, hi.y-lo.y, 1e-3), 60)
	n := float32(len(line))
	for i := range line {
		q := &line[i]
		q.x = float32((q.x - lo.x) * float32(scale*unit))
		q.y = float32((q.y - lo.y) * float32(scale*unit))
		t := float32(i) / n
		cell, w := weights(2 * t)
		press := 1 + float32(drift*(t-0.5))
		for j := range 3 {
			press += float32(w[j] * swell[cell+j])
		}
		q.r = float32(float32(radius*unit) * max(press, 0.5))
	}
	// Mass of the pieces: length times width.
	var mass, mx, my float32
	from := 0
	for _, to := range ends {
		for i := from + 1; i < to; i++ {
			a, b := &line[i-1], &line[i]
			ex, ey := b.x-a.x, b.y-a.y
			l2 := float32(ex*ex) + float32(ey*ey)
			length := float32(math.Sqrt(float64(l2)))
			if length > 0 {
				// A nib writes one diagonal broader than the other.
				b.r = float32(b.r * (1 - float32(float32(2*nib*ex)*ey)/l2))
			}
			m := float32(length * b.r)
			mass += m
			mx += float32(m * (a.x + b.x))
			my += float32(m * (a.y + b.y))
		}
		line[from].r = line[min(from+1, to-1)].r
		from = to
	}
	if mass > 0 {
		// MNIST's centre is the centre of pixel (14, 14), not the corner
		// before it.
		middle := 0.5*float32(p.size) + 0.5*unit
		ox, oy := middle-0.5*mx/mass, middle-0.5*my/mass
		for i := range line {
			line[i].x += ox
			line[i].y += oy
		}
	}
	return soft
}

func bounds(line []ink) (lo, hi point) {
	lo = point{line[0].x, line[0].y}
	hi = lo
	for _, q := range line[1:] {
		lo.x, lo.y = min(lo.x, q.x), min(lo.y, q.y)
		hi.x, hi.y = max(hi.x, q.x), max(hi.y, q.y)
	}
	return lo, hi
}
