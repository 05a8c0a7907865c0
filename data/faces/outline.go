package faces

// Places on a head are measured from its centre in half its height: y is −1 at the crown
// and 1 at the chin, and the eyes are near 0.

// A frame is the position, size and rotation of the head in the image.
type frame struct {
	scale      float32 // pixels a unit
	centre     point   // of the head, in pixels
	cos, sin   float32 // of the roll, the tilt to a shoulder
	cosY, sinY float32 // of the yaw, the turn to a side
}

// turn returns the cosine and sine of the angle whose half has tangent t.
func turn(t float32) (cos, sin float32) {
	n := 1 + mul(t, t)
	return (1 - mul(t, t)) / n, 2 * t / n
}

// place returns the position of p in the image, in pixels.
func (f *frame) place(p point) point {
	x, y := mul(f.cos, p.x)-mul(f.sin, p.y), mul(f.sin, p.x)+mul(f.cos, p.y)
	return point{f.centre.x + mul(f.scale, x), f.centre.y + mul(f.scale, y)}
}

// front returns the position of p, a point on the front of the head seen from the
// front, after the head is turned. The head is round there, with radius r: points in
// the middle move most.
func (f *frame) front(p point) point {
	const r = 0.95
	x := min(max(p.x/r, -1), 1)
	z := mul(r, sqrt(1-mul(x, x)))
	return f.place(point{mul(p.x, f.cosY) + mul(z, f.sinY), p.y})
}

// side returns the position of p, a point at the rim of the head, such as an ear: it
// hardly moves when the head turns.
func (f *frame) side(p point) point {
	return f.place(point{p.x + mul(0.12, f.sinY), p.y})
}

// back returns the position of p, a point behind the head: it moves the other way.
func (f *frame) back(p point) point {
	return f.place(point{p.x - mul(0.10, f.sinY), p.y})
}

// level returns the position of p, a point of the body, which does not turn with the
// head.
func (f *frame) level(p point) point {
	return point{f.centre.x + mul(f.scale, p.x), f.centre.y + mul(f.scale, p.y)}
}

// A view maps a point of the head to the image.
type view func(p point) point

// bend returns the number of straight pieces per piece of a spline, for an image side.
func bend(side int) int { return min(max(side/16, 5), 24) }

// closed returns the outline through the points: the uniform Catmull-Rom spline
// (Catmull and Rom 1974), with a corner where a point is given twice.
func (d *drawing) closed(v view, points ...point) []point {
	return d.spline(v, true, points)
}

// open returns the line through the points; see closed.
func (d *drawing) open(v view, points ...point) []point {
	return d.spline(v, false, points)
}

// spline returns the uniform Catmull-Rom spline from b (t = 0) to c (t = 1), with
// slopes (c−a)/2 and (e−b)/2 there.
func (d *drawing) spline(v view, loop bool, points []point) []point {
	n, out := len(points), d.line[:0]
	seen := d.seen[:0]
	for _, p := range points {
		seen = append(seen, v(p))
	}
	d.seen = seen
	at := func(i int) point {
		if loop {
			return seen[(i+n)%n]
		}
		return seen[min(max(i, 0), n-1)]
	}
	pieces := n
	if !loop {
		pieces--
	}
	for i := range pieces {
		p0, p1, p2, p3 := at(i-1), at(i), at(i+1), at(i+2)
		if p1 == p2 {
			continue
		}
		for k := range d.bend {
			t := float32(k) / float32(d.bend)
			out = append(out, point{spline(p0.x, p1.x, p2.x, p3.x, t), spline(p0.y, p1.y, p2.y, p3.y, t)})
		}
	}
	if !loop {
		out = append(out, seen[n-1])
	}
	d.line = out
	return out
}

// spline returns the uniform Catmull-Rom spline from b (t = 0) to c (t = 1), whose slopes
// there are (c−a)/2 and (e−b)/2.
func spline(a, b, c, e, t float32) float32 {
	k1 := 0.5 * (c - a)
	k2 := a - mul(2.5, b) + 2*c - 0.5*e
	k3 := 0.5*(e-a) + mul(1.5, b-c)
	return b + mul(t, k1+mul(t, k2+mul(t, k3)))
}

// ellipse returns the outline of an ellipse. tilt raises its right end by tilt·rx.
func (d *drawing) ellipse(v view, c point, rx, ry, tilt float32) []point {
	const h = 0.70710678
	at := func(x, y float32) point {
		return point{c.x + mul(rx, x), c.y + mul(ry, y) - mul(mul(rx, tilt), x)}
	}
	return d.closed(v, at(1, 0), at(h, h), at(0, 1), at(-h, h), at(-1, 0), at(-h, -h), at(0, -1), at(h, -h))
}

// stroke returns the outline of a line through the points, w0 units wide at its start, w1 in
// its middle and w2 at its end.
func (d *drawing) stroke(v view, w0, w1, w2 float32, points ...point) []point {
	line := d.open(v, points...)
	n := len(line)
	out := d.rim[:0]
	for pass := range 2 {
		for j := range n {
			i := j
			if pass == 1 {
				i = n - 1 - j
			}
			a, b := line[max(i-1, 0)], line[min(i+1, n-1)]
			dx, dy := b.x-a.x, b.y-a.y
			length := sqrt(mul(dx, dx) + mul(dy, dy))
			if length == 0 {
				continue
			}
			t := float32(i) / float32(max(n-1, 1))
			w := mix(w0, w1, 2*t)
			if t > 0.5 {
				w = mix(w1, w2, 2*t-1)
			}
			half := mul(0.5*w, d.frame.scale) / length
			if pass == 1 {
				half = -half
			}
			out = append(out, point{line[i].x + mul(half, dy), line[i].y - mul(half, dx)})
		}
	}
	d.rim = out
	return out
}
