package faces

// A drawing paints one face after another. It is not safe for concurrent use. A face
// does not depend on those painted before it.
type drawing struct {
	canvas
	frame frame
	bend  int     // straight pieces of a piece of a spline
	line  []point // the outline at work
	seen  []point // the points of a spline, in the image
	rim   []point // of a stroke
	t     traits
	look
}

// A look is the geometry and the colours that follow from the traits.
type look struct {
	skin, hair, lip         color
	wide, jaw, chin         float32 // half widths of the head: at the temples, the jaw, the chin
	eyeX, eyeRX, eyeRY      float32
	noseW                   float32
	mouthW, mouthY, corners float32 // half width; middle of the line of the lips, and what its ends lie below that
	gap                     float32 // between the lips
	crown                   float32 // of the hair above the head
}

func newDrawing(side int) *drawing {
	return &drawing{canvas: newCanvas(side), bend: bend(side)}
}

// The palettes: each runs from its first tone to its last.
var (
	paleSkins = []color{hex(0xfdebe0), hex(0xf8d9c6)}
	midSkins  = []color{hex(0xefc29c), hex(0xd9a074), hex(0xc58a5e)}
	darkSkins = []color{hex(0x95613f), hex(0x6f4529), hex(0x50301f)}
	hairs     = map[int][]color{
		blackHair: {hex(0x12100f), hex(0x2a2322)},
		brownHair: {hex(0x452a18), hex(0x7d4f2c)},
		blondHair: {hex(0xd3a94e), hex(0xf4e0a0)},
		redHair:   {hex(0x9c3a17), hex(0xd4682c)},
		grayHair:  {hex(0x8b8c91), hex(0xdcdce0)},
	}
	brightGrounds = []color{hex(0xcfe6f5), hex(0xd9efd0), hex(0xfff0c2), hex(0xf8dcc4), hex(0xf3d3df), hex(0xdcd6f2), hex(0xe9e9e6), hex(0xbfe3e0)}
	darkGrounds   = []color{hex(0x1f2a48), hex(0x223a38), hex(0x2c2d31), hex(0x4a2b22), hex(0x3d2338), hex(0x2b2352), hex(0x1d3a52)}
	cloths        = []color{hex(0x2f4b7c), hex(0x3f8f7b), hex(0xd9d4c7), hex(0xc9503f), hex(0x4b3a5a), hex(0x24262b), hex(0xe3a23c), hex(0x7a9cc6), hex(0x8c2f4a)}
	hats          = []color{hex(0xb53a3a), hex(0x2f4f8a), hex(0x2f2f35), hex(0x3f7f55), hex(0xd8c39a), hex(0xe08a2e), hex(0x7b4a9a)}
	irises        = []color{hex(0x5a3a1e), hex(0x3a2413), hex(0x6f8a4a), hex(0x4a7fae), hex(0x7ea3b8)}
	rims          = []color{hex(0x17171a), hex(0x5a3320), hex(0x8a1f2a), hex(0x33508a), hex(0xa8a9ae)}
	gold          = hex(0xe9b93f)
	pearl         = hex(0xf4f0ea)
	ink           = hex(0x231815)
)

// paintFace paints a face with the traits t.
func (d *drawing) paintFace(t traits) {
	d.t = t
	d.settle()
	d.background()
	d.backHair()
	d.body()
	d.ears()
	d.head()
	d.cheeks()
	d.beard()
	d.nose()
	d.mouth()
	for _, s := range []float32{-1, 1} {
		d.eye(s)
		d.brow(s)
	}
	d.frontHair()
	d.hat()
	d.glasses()
	d.earrings()
}

// settle computes the look of the traits.
func (d *drawing) settle() {
	t := &d.t
	side := float32(d.side)
	f := &d.frame
	f.scale = mul(t.size, side)
	f.centre = point{mul(t.x, side), mul(t.y, side)}
	f.cos, f.sin = turn(t.roll)
	f.cosY, f.sinY = turn(t.yaw)

	skins := midSkins
	if t.has[paleSkin] {
		skins = paleSkins
	} else if t.has[darkSkin] {
		skins = darkSkins
	}
	l := &d.look
	l.skin = along(skins, t.skin)
	l.hair = along(hairs[t.hair], t.tone)
	l.lip = l.skin.to(hex(0xb0494a), 0.42)
	if t.has[wearingLipstick] {
		l.lip = along([]color{hex(0xc4122f), hex(0xd93a6a), hex(0x8f1f3f)}, t.iris2)
	}
	l.wide = mix(0.70, 0.79, t.wide)
	l.jaw, l.chin = mix(0.50, 0.58, t.jaw), mix(0.22, 0.30, t.chin)
	if t.has[male] {
		l.jaw, l.chin = l.jaw+0.08, l.chin+0.08
	}
	l.eyeX = 0.335 + mul(0.025, t.apart)
	l.eyeRX = 0.155 + mul(0.015, t.eyes)
	l.eyeRY = 0.092 + mul(0.014, t.eyes) - mul(0.014, t.lids)
	if !t.has[male] {
		l.eyeRX, l.eyeRY = l.eyeRX+0.01, l.eyeRY+0.012
	}
	if t.has[smiling] { // the cheeks narrow the eyes
		l.eyeRY -= 0.022
	}
	l.noseW = 0.125 + mul(0.025, t.noseWide)
	l.mouthW = 0.245 + mul(0.03, t.mouth)
	if t.has[smiling] {
		l.mouthW += 0.11
	}
	l.mouthY, l.corners = 0.555+mul(0.055, t.curve), mul(-0.165, t.curve)
	l.gap = 0
	if t.has[mouthSlightlyOpen] {
		l.gap = mix(0.09, 0.17, t.gap)
		l.mouthY -= 0.02
	}
	l.crown = mix(0.10, 0.24, t.volume)
}

// both returns the points followed by their mirror images in the opposite order: half
// an outline makes a whole one. A first or last point on the axis is not doubled.
func both(half ...point) []point {
	out := append(make([]point, 0, 2*len(half)), half...)
	for i := len(half) - 1; i >= 0; i-- {
		if half[i].x != 0 {
			out = append(out, point{-half[i].x, half[i].y})
		}
	}
	return out
}

func (d *drawing) background() {
	t, side := &d.t, float32(d.side)
	grounds := brightGrounds
	if t.has[darkBackground] {
		grounds = darkGrounds
	}
	c := along(grounds, t.ground)
	d.fill(d.frameRect(), newFade(c.lighter(0.18), c.darker(0.15), point{mul(0.5+mul(0.4, t.light), side), 0}, point{0.5 * side, side}))
}

func (d *drawing) frameRect() []point {
	s := float32(d.side)
	return append(d.line[:0], point{0, 0}, point{s, 0}, point{s, s}, point{0, s})
}

// shade returns a paint lit from t.light, with c as its middle colour.
func (d *drawing) shade(c color, from, to point) paint {
	const s = 0.12
	a, b := c.lighter(s), c.darker(s)
	if d.t.light > 0 {
		from.x, to.x = -from.x, -to.x
	}
	return newFade(a, b, d.frame.place(from), d.frame.place(to))
}

func (d *drawing) body() {
	f := &d.frame
	d.fill(d.closed(f.level, both(point{0, 0.6}, point{0.36, 0.7}, point{0.33, 1.0}, point{0.40, 1.28}, point{0, 1.5})...),
		newFade(d.skin.darker(0.32), d.skin.darker(0.10), f.level(point{0, 0.85}), f.level(point{0, 1.25})))
	wide := float32(1.35)
	if d.t.has[male] {
		wide = 1.6
	}
	cloth := along(cloths, d.t.cloth)
	p := newFade(cloth.lighter(0.08), cloth.darker(0.25), f.level(point{0, 1.1}), f.level(point{0, 1.8}))
	switch { // the neckline: round, a V, a collar
	case d.t.collar < 0.4:
		d.fill(d.closed(f.level, both(point{0, 1.36}, point{0.27, 1.30}, point{0.42, 1.14}, point{0.42, 1.14}, point{0.9, 1.27}, point{wide, 1.6}, point{wide + 0.2, 2.4}, point{0, 2.4})...), p)
	case d.t.collar < 0.7:
		d.fill(d.closed(f.level, both(point{0, 1.56}, point{0, 1.56}, point{0.40, 1.13}, point{0.40, 1.13}, point{0.9, 1.27}, point{wide, 1.6}, point{wide + 0.2, 2.4}, point{0, 2.4})...), p)
	default:
		d.fill(d.closed(f.level, both(point{0, 1.15}, point{0.38, 1.04}, point{0.43, 1.14}, point{0.9, 1.27}, point{wide, 1.6}, point{wide + 0.2, 2.4}, point{0, 2.4})...), p)
		d.fill(d.stroke(f.level, 0.03, 0.05, 0.03, point{-0.41, 1.12}, point{0, 1.25}, point{0.41, 1.12}), flat{cloth.darker(0.35), 0.8})
	}
}

// ear returns the distance of the middle of an ear from the axis.
func (d *drawing) ear() float32 { return d.wide + 0.03 }

func (d *drawing) ears() {
	for _, s := range []float32{-1, 1} {
		r := 0.115 - mul(mul(0.22, s), d.frame.sinY) // the far one is out of sight
		if r < 0.03 {
			continue
		}
		at := point{mul(s, d.ear()-0.02), 0.07}
		d.fill(d.ellipse(d.frame.side, at, r, 0.19, mul(-0.25, s)), solid(d.skin.darker(0.08)))
		d.fill(d.ellipse(d.frame.side, point{at.x, at.y + 0.01}, 0.55*r, 0.11, mul(-0.25, s)), flat{d.skin.darker(0.35), 0.6})
	}
}

// headOutline returns the outline of the head without hair.
func (d *drawing) headOutline() []point {
	w := d.wide
	return d.closed(d.frame.side, both(point{0, -1}, point{mul(0.55, w), -0.91}, point{mul(0.92, w), -0.52}, point{w, -0.08},
		point{mul(0.96, w), 0.28}, point{d.jaw + 0.06, 0.66}, point{d.chin + 0.02, 0.93}, point{0, 1})...)
}

func (d *drawing) head() {
	f := &d.frame
	d.fill(d.headOutline(), d.shade(d.skin, point{-0.6, -0.5}, point{0.8, 0.6}))
	side := float32(1)
	if d.t.light > 0 {
		side = -1
	}
	d.fill(d.headOutline(), glow{d.skin.darker(0.5), 0.35, f.side(point{mul(side, d.wide+0.1), 0.25}), 0.6 * f.scale, 1.0 * f.scale})
	d.fill(d.headOutline(), glow{d.skin.darker(0.5), 0.3, f.side(point{0, 1.15}), 0.7 * f.scale, 0.4 * f.scale})
	d.fill(d.headOutline(), glow{white, 0.22, f.front(point{mul(-0.15, side), -0.6}), 0.5 * f.scale, 0.35 * f.scale})
}

// cheeks paints the cheeks: rosy, round in a smile, lit, with a fold below each eye.
func (d *drawing) cheeks() {
	f := &d.frame
	for _, s := range []float32{-1, 1} {
		if d.t.has[rosyCheeks] {
			d.fill(d.headOutline(), glow{hex(0xe8485a), 0.6, f.front(point{mul(s, 0.44), 0.30}), 0.26 * f.scale, 0.20 * f.scale})
		}
		if d.t.has[smiling] {
			d.fill(d.headOutline(), glow{d.skin.lighter(0.25), 0.6, f.front(point{mul(s, 0.42), 0.24}), 0.17 * f.scale, 0.13 * f.scale})
			d.fill(d.stroke(f.front, 0.01, 0.03, 0.01, point{mul(s, 0.22), 0.12}, point{mul(s, 0.36), 0.155}, point{mul(s, 0.50), 0.115}), flat{d.skin.darker(0.4), 0.5})
		}
	}
}

func (d *drawing) beard() {
	t, f, w := &d.t, &d.frame, d.wide
	c := d.hair.darker(0.08)
	if !t.has[noBeard] && !t.has[goatee] {
		long := mix(0.03, 0.16, t.style)
		d.fill(d.closed(f.side, both(point{0, 0.40}, point{0.28, 0.40}, point{0.44, 0.50}, point{mul(0.80, w), 0.30}, point{mul(0.93, w), -0.05},
			point{w + 0.01, -0.08}, point{mul(0.98, w) + 0.02, 0.30}, point{d.jaw + 0.09, 0.70}, point{d.chin + 0.05, 0.96 + long}, point{0, 1.04 + long})...),
			newFade(c.lighter(0.06), c.darker(0.15), f.side(point{0, 0.3}), f.side(point{0, 1.1})))
	}
	if t.has[goatee] {
		d.fill(d.closed(f.front, both(point{0, 0.70}, point{0.12, 0.69}, point{0.22, 0.78}, point{0.20, 0.98}, point{0, 1.14})...), solid(c))
	}
	if t.has[mustache] {
		y := d.mouthY - 0.045
		d.fill(d.closed(f.front, both(point{0, y - 0.085}, point{0.12, y - 0.105}, point{0.26, y - 0.04}, point{d.mouthW + 0.05, y + 0.05},
			point{d.mouthW + 0.05, y + 0.05}, point{0.2, y + 0.025}, point{0, y})...), solid(c.darker(0.12)))
	}
}

func (d *drawing) nose() {
	f, t := &d.frame, &d.t
	tip := func(p point) point { // it stands out from the face
		p.x += mul(0.16, f.sinY)
		return f.front(p)
	}
	y := 0.335 + mul(0.025, t.nose)
	s := float32(1)
	if t.light > 0 {
		s = -1
	}
	if t.has[facingRight] {
		s = -1
	} else if t.has[facingLeft] {
		s = 1
	}
	dark := d.skin.darker(0.42)
	d.fill(d.stroke(tip, 0.02, 0.05, 0.05, point{mul(s, 0.07), 0.02}, point{mul(s, 0.055), 0.16}, point{mul(s, d.noseW-0.02), y - 0.06}), flat{dark, 0.35})
	d.fill(d.ellipse(tip, point{0, y - 0.05}, 0.075, 0.07, 0), flat{d.skin.lighter(0.35), 0.4})
	d.fill(d.stroke(tip, 0.03, 0.035, 0.03, point{-d.noseW, y - 0.03}, point{mul(-0.55, d.noseW), y + 0.035}, point{0, y + 0.02}, point{mul(0.55, d.noseW), y + 0.035}, point{d.noseW, y - 0.03}), flat{dark, 0.85})
}

// lipLine returns a point on the lower edge of the upper lip, u from −1 at one corner
// to 1 at the other, moved down by down in the middle and by nothing at the corners.
func (d *drawing) lipLine(u, down float32) point {
	u2 := mul(u, u)
	return point{mul(d.mouthW, u), d.mouthY + mul(d.corners, u2) + mul(down, 1-u2)}
}

// band returns the outline between two lines of the mouth.
func (d *drawing) band(upper, lower float32) []point {
	at := d.lipLine
	return d.closed(d.frame.front, at(-1, 0), at(-1, 0), at(-0.6, upper), at(0, upper), at(0.6, upper), at(1, 0), at(1, 0), at(0.6, lower), at(0, lower), at(-0.6, lower))
}

func (d *drawing) mouth() {
	t, f := &d.t, &d.frame
	full := 0.055 + mul(0.015, t.lips)
	if t.has[wearingLipstick] {
		full += 0.012
	}
	at := d.lipLine
	d.fill(d.closed(f.front, at(-1, 0), at(-1, 0), at(-0.55, -full), at(-0.18, mul(-1.15, full)), at(0, mul(-0.9, full)), at(0.18, mul(-1.15, full)), at(0.55, -full), at(1, 0), at(1, 0),
		at(0.5, d.gap), at(-0.5, d.gap)), solid(d.lip.darker(0.10)))
	d.fill(d.band(d.gap, d.gap+mul(1.45, full)), solid(d.lip.lighter(0.06)))
	if d.gap > 0 {
		d.fill(d.band(0, d.gap), solid(hex(0x47121a)))
		if t.has[smiling] {
			d.fill(d.band(0, mul(0.52, d.gap)), solid(hex(0xf8f5ee)))
		} else {
			d.fill(d.band(0, mul(0.28, d.gap)), flat{hex(0xf0ebe2), 0.9})
		}
		d.fill(d.band(mul(0.72, d.gap), d.gap), flat{hex(0xc2525c), 0.8})
	} else {
		d.fill(d.stroke(f.front, 0.02, 0.032, 0.02, at(-1, 0), at(-0.5, 0), at(0, 0), at(0.5, 0), at(1, 0)), solid(d.lip.darker(0.55)))
	}
	if t.has[smiling] { // the folds beside it
		for _, s := range []float32{-1, 1} {
			x := mul(s, d.mouthW)
			d.fill(d.stroke(f.front, 0.015, 0.04, 0.015, point{x - mul(s, 0.04), d.mouthY - 0.26}, point{x + mul(s, 0.07), d.mouthY - 0.15}, point{x + mul(s, 0.075), d.mouthY}), flat{d.skin.darker(0.4), 0.7})
		}
	}
}

// An iris paints an eyeball: white, iris and pupil around a centre, with rims one pixel
// soft, and the shadow of the lid.
type iris struct {
	color
	centre point
	r      float32 // pixels
	lid    float32 // y of the upper lid
}

func (e iris) at(x, y float32) (color, float32) {
	dx, dy := x-e.centre.x, y-e.centre.y
	r := sqrt(mul(dx, dx) + mul(dy, dy))
	c := hex(0xfbf8f4)
	c = c.to(e.color.darker(0.25), min(max(e.r-r+0.5, 0), 1))
	c = c.to(e.color, min(max(mul(0.82, e.r)-r+0.5, 0), 1))
	c = c.to(hex(0x0d0a0a), min(max(mul(0.48, e.r)-r+0.5, 0), 1))
	shadow := min(max(1-(y-e.lid)/mul(0.9, e.r), 0), 1)
	return c.to(black, mul(0.35, shadow)), 1
}

func (d *drawing) eye(s float32) {
	t, f := &d.t, &d.frame
	c := point{mul(s, d.eyeX), -0.02}
	rx, ry := d.eyeRX, d.eyeRY
	// From the inner corner over the lid to the outer one, and back below.
	inner, outer := point{c.x - mul(s, rx), c.y + 0.02}, point{c.x + mul(s, rx), c.y - 0.005}
	up := []point{inner, {c.x - mul(mul(s, 0.45), rx), c.y - mul(0.85, ry)}, {c.x + mul(mul(s, 0.25), rx), c.y - ry}, outer}
	ball := iris{along(irises, t.iris), f.front(point{c.x + mul(0.05, t.gaze) + mul(0.08, f.sinY), c.y - 0.005}), mul(0.098, f.scale), f.front(point{c.x, c.y - ry}).y}
	d.fill(d.ellipse(f.front, point{c.x, c.y - 0.02}, rx+0.03, ry+0.045, 0), flat{d.skin.darker(0.4), 0.22})
	d.fill(d.closed(f.front, inner, inner, up[1], up[2], outer, outer, point{c.x + mul(mul(s, 0.3), rx), c.y + mul(0.85, ry)}, point{c.x - mul(mul(s, 0.4), rx), c.y + mul(0.8, ry)}), ball)
	d.fill(d.ellipse(f.front, point{c.x + mul(0.05, t.gaze) + 0.03, c.y - 0.04}, 0.024, 0.024, 0), flat{white, 0.9})
	lid := ink
	if t.has[male] {
		d.fill(d.stroke(f.front, 0.015, 0.035, 0.025, up...), flat{lid, 0.85})
		return
	}
	lash := point{outer.x + mul(s, 0.06), outer.y - 0.055}
	d.fill(d.stroke(f.front, 0.02, 0.055, 0.025, append(up, lash)...), solid(lid))
	d.fill(d.stroke(f.front, 0.008, 0.014, 0.008, inner, point{c.x, c.y + mul(0.95, ry)}, outer), flat{lid, 0.5})
}

func (d *drawing) brow(s float32) {
	t, f := &d.t, &d.frame
	w, y := 0.06+mul(0.012, t.brows), float32(-0.255)
	if t.has[male] {
		w, y = w+0.03, -0.235
	}
	a := mul(0.02, t.arch)
	x := d.eyeX
	d.fill(d.stroke(f.front, w, w+0.005, 0.3*w, point{mul(s, x-0.17), y + 0.015 + a}, point{mul(s, x), y - 0.035 - a}, point{mul(s, x+0.19), y + 0.03}), solid(d.hair.darker(0.3)))
}
