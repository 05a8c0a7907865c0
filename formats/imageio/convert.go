package imageio

import (
	"image"
	"image/color"
)

// convert returns the pixels of m in c channels, with transparent parts blended onto
// white.
func convert(m image.Image, c int) Image {
	b := m.Bounds()
	out := New(b.Dy(), b.Dx(), c)
	convertTo(out, m)
	return out
}

// convertTo does what convert does, into existing memory.
func convertTo(out Image, m image.Image) {
	b, c := m.Bounds(), out.C
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
				ycbcrRow(row, m, b.Min.Y+y)
				continue
			}
		case *image.NRGBA:
			if c == 3 {
				for x := range out.W {
					p := m.Pix[y*m.Stride+4*x:][:4]
					row[3*x], row[3*x+1], row[3*x+2] = onWhite(p[0], p[3]), onWhite(p[1], p[3]), onWhite(p[2], p[3])
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
}

// ycbcrRow writes row y of m with the same result as color.YCbCrToRGB. It computes the
// part that a pair of pixels shares once.
func ycbcrRow(row []uint8, m *image.YCbCr, y int) {
	n, first := len(row)/3, m.Rect.Min.X
	luma := m.Y[m.YOffset(first, y):][:n]
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		c := m.COffset(first, y)
		half := (first+n+1)/2 - first/2 // pairs, whole or not
		cb, cr := m.Cb[c:][:half], m.Cr[c:][:half]
		x := 0
		if first%2 != 0 { // the first pixel is the second of its pair
			r, g, b := chroma(cb[0], cr[0])
			shade(row, luma[0], r, g, b)
			x, cb, cr = 1, cb[1:], cr[1:]
		}
		for i, u := range cb {
			r, g, b := chroma(u, cr[i])
			shade(row[3*x:], luma[x], r, g, b)
			if x+1 < n {
				shade(row[3*x+3:], luma[x+1], r, g, b)
			}
			x += 2
		}
	default:
		for x, l := range luma {
			c := m.COffset(first+x, y)
			r, g, b := chroma(m.Cb[c], m.Cr[c])
			shade(row[3*x:], l, r, g, b)
		}
	}
}

// chroma returns what the chroma of a pixel adds to its luma, in units of 2⁻¹⁶.
func chroma(cb, cr uint8) (r, g, b int32) {
	u, v := int32(cb)-128, int32(cr)-128
	return 91881 * v, -22554*u - 46802*v, 116130 * u
}

// shade writes a pixel of brightness luma and the given chroma terms.
func shade(p []uint8, luma uint8, r, g, b int32) {
	l := int32(luma) * 0x10101
	p[0], p[1], p[2] = level(l+r), level(l+g), level(l+b)
}

// level returns v/2¹⁶, cut to a byte.
func level(v int32) uint8 {
	if uint32(v)&0xff000000 != 0 {
		v = ^(v >> 31) // 0 or all ones
		return uint8(v)
	}
	return uint8(v >> 16)
}

// onWhite returns v at opacity a/255 blended onto white, rounded.
func onWhite(v, a uint8) uint8 {
	return uint8((uint32(v)*uint32(a) + 255*(255-uint32(a)) + 127) / 255)
}
