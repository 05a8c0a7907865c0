package viz

import (
	"image"
	"image/color"
	"math"

	stdfont "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// glyphPhases is the number of positions within a pixel, along each axis, for which a
// glyph is rasterised: a marker is then drawn by one blend, within an eighth of a pixel
// of its place.
const glyphPhases = 4

// A glyph is a short text that is rasterised once and drawn many times.
type glyph struct {
	mask [glyphPhases * glyphPhases]*image.Alpha // its point is the middle of the capitals
}

func newGlyph(t style, text string, dens int) *glyph {
	f := t.face()
	face := f.FontFace(float64(72 * dens))
	defer face.Close()
	half := fixed.Int26_6(stdfont.MeasureString(face, text) / 2)
	rise := fixed.Int26_6(t.capHeight() / 2 * float64(dens) * 64)
	r := half.Ceil() + 2
	v := int(math.Ceil(t.size*float64(dens))) + 1
	g := new(glyph)
	for k := range g.mask {
		m := image.NewAlpha(image.Rect(-r, -v, r+1, v+1))
		d := stdfont.Drawer{Dst: m, Src: image.Opaque, Face: face, Dot: fixed.Point26_6{
			X: fixed.Int26_6(k%glyphPhases*64/glyphPhases) - half,
			Y: fixed.Int26_6(k/glyphPhases*64/glyphPhases) + rise,
		}}
		d.DrawString(text)
		g.mask[k] = trim(m)
	}
	return g
}

// trim returns the part of m that is not empty.
func trim(m *image.Alpha) *image.Alpha {
	var box image.Rectangle
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			if m.AlphaAt(x, y).A != 0 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return m.SubImage(box).(*image.Alpha)
}

// stamp blends the glyph onto dst with its middle at (x, y) in pixels, clipped to clip.
func (g *glyph) stamp(dst *image.RGBA, clip image.Rectangle, x, y float64, c color.NRGBA) {
	// Whole phases: the pixel, and the place within it.
	px, py := int(math.Round(x*glyphPhases)), int(math.Round(y*glyphPhases))
	ix, iy := px>>2, py>>2
	m := g.mask[py&(glyphPhases-1)*glyphPhases+px&(glyphPhases-1)]
	box := m.Rect.Add(image.Pt(ix, iy)).Intersect(clip).Intersect(dst.Rect)
	for yy := box.Min.Y; yy < box.Max.Y; yy++ {
		in := m.Pix[m.PixOffset(box.Min.X-ix, yy-iy):]
		out := dst.Pix[dst.PixOffset(box.Min.X, yy):]
		for k := range box.Dx() {
			if a := uint32(in[k]) * uint32(c.A); a != 0 {
				blend(out[4*k:4*k+4], c, a)
			}
		}
	}
}

// blend blends c onto an opaque pixel with weight a in [0, 255²].
func blend(p []uint8, c color.NRGBA, a uint32) {
	const one = 255 * 255
	f := func(old, new uint8) uint8 {
		return uint8((uint32(old)*(one-a) + uint32(new)*a + one/2) / one)
	}
	p[0], p[1], p[2] = f(p[0], c.R), f(p[1], c.G), f(p[2], c.B)
}
