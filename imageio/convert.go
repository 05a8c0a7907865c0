package imageio

import (
	"image"
	"image/color"
)

// convert gives the pixels of m in c channels, what is see-through on white.
func convert(m image.Image, c int) Image {
	b := m.Bounds()
	out := New(b.Dy(), b.Dx(), c)
	for y := range out.H {
		row := out.Row(y)
		switch m := m.(type) {
		case *image.Gray:
			if c == 1 {
				copy(row, m.Pix[y*m.Stride:])
				continue
			}
		case *image.YCbCr:
			if c == 3 {
				for x := range out.W {
					yi, ci := m.YOffset(b.Min.X+x, b.Min.Y+y), m.COffset(b.Min.X+x, b.Min.Y+y)
					row[3*x], row[3*x+1], row[3*x+2] = color.YCbCrToRGB(m.Y[yi], m.Cb[ci], m.Cr[ci])
				}
				continue
			}
		case *image.RGBA:
			if c == 3 {
				for x := range out.W {
					p := m.Pix[y*m.Stride+4*x:][:4]
					white := 255 - p[3] // premultiplied: no channel exceeds p[3]
					row[3*x], row[3*x+1], row[3*x+2] = p[0]+white, p[1]+white, p[2]+white
				}
				continue
			}
		}
		for x := range out.W {
			n := color.NRGBAModel.Convert(m.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			row[c*x] = onWhite(n.R, n.A) // c == 1: R, G and B are equal
			if c == 3 {
				row[3*x+1], row[3*x+2] = onWhite(n.G, n.A), onWhite(n.B, n.A)
			}
		}
	}
	return out
}

// onWhite is v, seen with opacity a/255, before white, rounded.
func onWhite(v, a uint8) uint8 {
	return uint8((uint32(v)*uint32(a) + 255*(255-uint32(a)) + 127) / 255)
}
