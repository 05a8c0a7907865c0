package imageio

import (
	"image"
	"image/png"
	"io"
)

// Encode writes m as a PNG of 8 bits, grey or RGB. Decode returns m again.
func Encode(w io.Writer, m Image) error {
	if err := m.Check(); err != nil {
		return err
	}
	return png.Encode(w, m.Std())
}

// Std returns m as an image of the standard library: an *image.Gray that shares the
// pixels, or an *image.RGBA.
func (m Image) Std() image.Image {
	r := image.Rect(0, 0, m.W, m.H)
	if m.C == 1 {
		return &image.Gray{Pix: m.Pix, Stride: m.W, Rect: r}
	}
	out := image.NewRGBA(r)
	for i := range m.H * m.W {
		out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2], 255
	}
	return out
}
