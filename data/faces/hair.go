package faces

// lobes is the number of curls of one side of wavy hair.
const lobes = 5

// ninths are the cosines of 0°, 9°, 18°, … 90°.
var ninths = [11]float32{1, 0.98768834, 0.95105652, 0.89100652, 0.80901699, 0.70710678, 0.58778525, 0.45399050, 0.30901699, 0.15643447, 0}

// lock returns the edge of the hair from one point down to another, bulging by out
// beyond the straight line between them, with curls if the hair is wavy.
func (d *drawing) lock(from, to point, out float32) []point {
	if !d.t.has[wavyHair] {
		return []point{from, {mix(from.x, to.x, 0.5) + out, mix(from.y, to.y, 0.5)}, to}
	}
	var p []point
	for i := range 2*lobes + 1 {
		u := float32(i) / (2 * lobes)
		bulge := float32(-0.03)
		if i%2 == 1 {
			bulge = 0.09
		}
		p = append(p, point{mix(from.x, to.x, u) + mul(4*out, mul(u, 1-u)) + bulge, mix(from.y, to.y, u)})
	}
	return p
}

// fall returns how far down the hair at the sides reaches: below the shoulders if it is
// long; a woman's short hair to the jaw, a man's not beyond the ears.
func (d *drawing) fall() float32 {
	t := &d.t
	switch {
	case t.has[longHair]:
		return mix(1.25, 1.75, t.style)
	case t.has[male]:
		return mix(-0.25, -0.02, t.style)
	}
	return mix(0.25, 0.55, t.style)
}

// backHair paints the hair behind the head.
func (d *drawing) backHair() {
	t := &d.t
	if t.has[bald] || t.has[male] && !t.has[longHair] {
		return
	}
	y, x := d.fall(), d.wide+mix(0.14, 0.26, t.volume)
	half := []point{{0, -1 - d.crown}, {mul(0.62, x), -0.95 - mul(0.7, d.crown)}, {x, -0.45}}
	half = append(half, d.lock(point{x + 0.01, -0.35}, point{x + 0.04, y}, 0.06)...)
	half = append(half, point{mul(0.6, x), y + 0.08}, point{0, y + 0.02})
	d.fill(d.closed(d.frame.back, both(half...)...), newFade(d.hair.darker(0.12), d.hair.darker(0.42), d.frame.back(point{0, -0.8}), d.frame.back(point{0, y})))
}

// frontHair paints the hair on the head and beside the face.
func (d *drawing) frontHair() {
	t, f, w := &d.t, &d.frame, d.wide
	if t.has[bald] {
		return
	}
	y := d.fall()
	if t.has[male] && !t.has[longHair] || t.has[wearingHat] && !t.has[longHair] {
		d.crop(min(y, 0))
		return
	}
	// Each side from the part over the temple down, and back along the cheek.
	p := newFade(d.hair.lighter(0.10), d.hair.darker(0.22), f.side(point{mul(-0.5, t.light), -1.1}), f.side(point{0, y}))
	part := mul(0.38, t.part)
	for _, s := range []float32{-1, 1} {
		outer, in := w+mix(0.10, 0.20, t.volume), mix(0.80, 0.90, t.wide)
		half := []point{{mul(s, part) + 0.02, -0.84}, {mul(s, part), -1 - mul(0.9, d.crown)}, {mul(0.62, w), -0.95 - mul(0.75, d.crown)}, {outer - 0.02, -0.5}}
		half = append(half, d.lock(point{outer, -0.3}, point{outer + 0.02, y}, 0.03)...)
		half = append(half, point{mul(in, w), y + 0.05}, point{mul(in, w) - 0.02, mix(y, 0, 0.5)}, point{mul(0.90, w), -0.1}, point{mul(0.80, w), -0.45}, point{mix(mul(s, part), w, 0.45), -0.72})
		for i := range half {
			half[i].x = mul(s, half[i].x)
		}
		d.fill(d.closed(f.side, half...), p)
	}
	d.fringe(p)
	d.shine(-0.72 - mul(0.5, d.crown))
}

// crop paints short hair: a cap down to the temples, and to y before the ears.
func (d *drawing) crop(y float32) {
	t, f, w := &d.t, &d.frame, d.wide
	top := -1 - d.crown
	half := []point{{0, top}}
	if t.has[wavyHair] { // a quarter of an ellipse, with curls
		half = half[:0]
		for i := range ninths {
			r := float32(0.99)
			if i%2 == 0 {
				r = 1.10
			}
			half = append(half, point{mul(mul(r, w+0.03), ninths[10-i]), mul(mul(r, 0.62+d.crown), -ninths[i]) - 0.40})
		}
	} else {
		half = append(half, point{mul(0.58, w), top + 0.10}, point{w + 0.03, -0.58})
	}
	half = append(half, point{w + 0.05, -0.25}, point{w + 0.02, y}, point{mul(0.93, w), y + 0.02}, point{mul(0.92, w), -0.3}, point{mul(0.80, w), -0.52})
	p := newFade(d.hair.lighter(0.08), d.hair.darker(0.2), f.side(point{0, top}), f.side(point{0, -0.1}))
	points := both(append(half, point{0.3, -0.66}, point{0, -0.66})...)
	if !t.has[bangs] { // the hairline rises at the part
		for i := range points {
			if q := &points[i]; q.y == -0.66 {
				q.y -= mul(0.10, 1-sqrt(min(mul(t.part-q.x, t.part-q.x), 1)))
			}
		}
	}
	d.fill(d.closed(f.side, points...), p)
	d.fringe(p)
	d.shine(-0.82 - mul(0.4, d.crown))
}

// fringe paints bangs: locks over the forehead.
func (d *drawing) fringe(p paint) {
	t := &d.t
	if !t.has[bangs] {
		return
	}
	w := mul(0.86, d.wide)
	points := []point{{-w, -0.30}, {-w - 0.04, -0.62}, {0, -0.98}, {w + 0.04, -0.62}, {w, -0.30}}
	const n = 6
	for i := range n { // from right to left, each lock with a point
		u := 1 - 2*(float32(i)+0.5)/n
		y := -0.33 - mul(0.03, 1-mul(u, u)) + mul(0.03, mul(t.part, u))
		tip := point{mul(w, u-mul(0.10, t.part)), y - 0.02}
		points = append(points, tip, tip)
		if i < n-1 {
			points = append(points, point{mul(w, u-1.0/n), y - 0.10})
		}
	}
	d.fill(d.closed(d.frame.side, points...), p)
}

// shine paints the highlight on the hair at height y.
func (d *drawing) shine(y float32) {
	if d.t.has[wearingHat] {
		return
	}
	x := mul(0.3, d.t.light)
	d.fill(d.stroke(d.frame.side, 0.02, 0.09, 0.02, point{x - 0.30, y + 0.06}, point{x, y - 0.02}, point{x + 0.30, y + 0.06}), flat{d.hair.lighter(0.45), 0.35})
}

func (d *drawing) hat() {
	t, f := &d.t, &d.frame
	if !t.has[wearingHat] {
		return
	}
	c := along(hats, t.hatHue)
	w := d.wide + 0.09
	p := newFade(c.lighter(0.14), c.darker(0.28), f.side(point{mul(0.5, t.light), -1.4}), f.side(point{0, -0.35}))
	crown := both(point{0, -1.38}, point{mul(0.55, w), -1.28}, point{mul(0.95, w), -0.92}, point{w, -0.46}, point{w, -0.46}, point{0.4, -0.42}, point{0, -0.41})
	switch {
	case t.hat < 0.38: // a knitted cap, its brim turned up
		d.fill(d.closed(f.side, crown...), p)
		d.fill(d.closed(f.side, both(point{0, -0.66}, point{mul(0.6, w), -0.68}, point{w + 0.03, -0.74}, point{w + 0.04, -0.44}, point{mul(0.6, w), -0.37}, point{0, -0.35})...), solid(c.lighter(0.25)))
		d.fill(d.ellipse(f.side, point{0, -1.42}, 0.15, 0.14, 0), solid(c.lighter(0.45)))
	case t.hat < 0.70: // a cap with a peak
		d.fill(d.closed(f.side, crown...), p)
		peak := func(q point) point { // it stands out from the brow
			q.x += mul(0.5, f.sinY)
			return f.side(q)
		}
		d.fill(d.closed(peak, both(point{0, -0.60}, point{mul(0.7, w), -0.58}, point{w - 0.02, -0.42}, point{mul(0.75, w), -0.32}, point{0, -0.28})...), solid(c.darker(0.38)))
		d.fill(d.ellipse(f.side, point{0, -1.38}, 0.06, 0.035, 0), solid(c.darker(0.3)))
	default: // a hat with a broad brim and a band
		d.fill(d.closed(f.side, both(point{0, -1.36}, point{mul(0.5, w), -1.34}, point{mul(0.78, w), -1.2}, point{mul(0.88, w), -0.6}, point{0, -0.5})...), p)
		d.fill(d.closed(f.side, both(point{0, -0.76}, point{mul(0.86, w), -0.80}, point{mul(0.9, w), -0.58}, point{0, -0.52})...), solid(c.darker(0.5)))
		d.fill(d.ellipse(f.side, point{0, -0.54}, w+0.52, 0.15, 0), solid(c.darker(0.12)))
	}
}

func (d *drawing) glasses() {
	t, f := &d.t, &d.frame
	if !t.has[eyeglasses] {
		return
	}
	c := along(rims, t.rim)
	lens := flat{white, 0.16}
	if t.glasses > 0.78 { // for the sun
		lens = flat{hex(0x16181d), 0.88}
	}
	round := t.glasses < 0.4
	rx, ry := float32(0.255), float32(0.185)
	if round {
		rx, ry = 0.225, 0.215
	}
	for _, s := range []float32{-1, 1} {
		m := point{mul(s, d.eyeX+0.015), 0.0}
		at := func(x, y float32) point { return point{m.x + mul(rx, x), m.y + mul(ry, y)} }
		ring := []point{at(1, 0), at(0.72, 0.7), at(0, 1), at(-0.72, 0.7), at(-1, 0), at(-0.72, -0.7), at(0, -1), at(0.72, -0.7)}
		if !round {
			ring = []point{at(1, 0), at(0.92, 0.82), at(0, 1), at(-0.92, 0.82), at(-1, 0), at(-0.92, -0.82), at(0, -0.95), at(0.92, -0.82)}
		}
		d.fill(d.closed(f.front, ring...), lens)
		d.fill(d.stroke(f.front, 0.055, 0.055, 0.055, append(ring, ring[0], ring[1])...), solid(c))
		end := f.front(point{m.x + mul(s, rx), -0.04})
		arm := f.side(point{mul(s, d.ear()-0.02), -0.06})
		d.fill(d.stroke(func(p point) point { return p }, 0.05, 0.05, 0.05, end, arm), solid(c.darker(0.2)))
	}
	d.fill(d.stroke(f.front, 0.05, 0.05, 0.05, point{mul(-1, d.eyeX) + rx - 0.02, -0.02}, point{0, -0.07}, point{d.eyeX - rx + 0.02, -0.02}), solid(c))
}

func (d *drawing) earrings() {
	t, f := &d.t, &d.frame
	if !t.has[wearingEarrings] {
		return
	}
	for _, s := range []float32{-1, 1} {
		m := point{mul(s, d.ear()+0.01), 0.31}
		if t.rim < 0.5 {
			c := pearl
			if t.rim < 0.25 {
				c = gold
			}
			d.fill(d.ellipse(f.side, m, 0.075, 0.075, 0), solid(c))
			d.fill(d.ellipse(f.side, point{m.x - 0.02, m.y - 0.025}, 0.025, 0.025, 0), solid(white))
			continue
		}
		var ring []point
		for _, q := range []point{{0, -1}, {0.75, -0.7}, {1, 0}, {0.7, 0.75}, {0, 1}, {-0.7, 0.75}, {-1, 0}, {-0.75, -0.7}, {0, -1}} {
			ring = append(ring, point{m.x + mul(0.09, q.x), m.y + 0.08 + mul(0.13, q.y)})
		}
		d.fill(d.stroke(f.side, 0.04, 0.045, 0.04, ring...), solid(gold))
	}
}
