// Package imageio decodes image files into arrays of pixels, and encodes PNG files. It
// reads PNG, JPEG, GIF, BMP, TIFF and WebP.
//
// The format is recognised by the first bytes of a file, not by its name. The size in
// the header is checked against Limits before any pixel is read, so that a file of a
// hundred bytes cannot make the program allocate gigabytes. Pixels have 8 bits a
// channel in HWC order, as stored in the file (sRGB, no colour management), and one
// channel (grey) or three (RGB):
//
//   - of 16 bits a channel the upper 8 are used;
//   - a JPEG in printer's inks (CMYK) becomes R = (1 − C)(1 − K) and so on;
//   - transparent parts are blended onto white;
//   - a palette of greys gives one channel;
//   - an image is turned upright according to its EXIF orientation, if it is a JPEG, PNG,
//     TIFF or WebP;
//   - of an animated GIF the first frame is read, of a TIFF the first page.
//
// Decode reads an image. Crop, Square and Resize change its size; Resize filters, so
// that reducing an image does not alias. Encode writes a PNG. The package must not know
// any data set or model.
package imageio

import (
	"errors"
	"fmt"
)

// ErrFormat marks malformed content, in contrast to a file that could not be read. Test
// with errors.Is.
var ErrFormat = errors.New("not a readable image")

// ErrTooLarge marks an image beyond its Limits. Test with errors.Is.
var ErrTooLarge = errors.New("image too large")

// An Image is H rows of W columns of C channels, 8 bits each.
type Image struct {
	H, W, C int     // C is 1 (grey) or 3 (RGB) in a file; Crop, Square and Resize take any C
	Pix     []uint8 // (H, W, C), row major
}

// New returns a black image.
func New(h, w, c int) Image { return Image{h, w, c, make([]uint8, h*w*c)} }

// Row returns row y, W·C bytes, in place.
func (m Image) Row(y int) []uint8 { return m.Pix[y*m.W*m.C : (y+1)*m.W*m.C] }

// Check returns an error if the sizes of an image do not agree.
func (m Image) Check() error {
	if m.H <= 0 || m.W <= 0 || (m.C != 1 && m.C != 3) {
		return fmt.Errorf("imageio: image of %dx%dx%d, want rows and columns of 1 or more and 1 or 3 channels", m.H, m.W, m.C)
	}
	if n := len(m.Pix); n%m.C != 0 || n/m.C%m.W != 0 || n/m.C/m.W != m.H {
		return fmt.Errorf("imageio: image of %dx%dx%d with %d bytes of pixels", m.H, m.W, m.C, n)
	}
	return nil
}

// Gray returns m in one channel, by the luma of ITU-R BT.601 on the stored values,
//
//	Y = 0.299 R + 0.587 G + 0.114 B
//
// in 16-bit fixed point, rounded. A grey image is returned as it is, not copied.
func (m Image) Gray() Image {
	if m.C == 1 {
		return m
	}
	g := New(m.H, m.W, 1)
	for i := range g.Pix {
		p := m.Pix[3*i : 3*i+3]
		// The weights sum to 2¹⁶, so white stays white.
		g.Pix[i] = uint8((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
	}
	return g
}

// RGB returns m in three channels. A colour image is returned as it is, not copied.
func (m Image) RGB() Image {
	if m.C == 3 {
		return m
	}
	c := New(m.H, m.W, 3)
	for i, v := range m.Pix {
		c.Pix[3*i], c.Pix[3*i+1], c.Pix[3*i+2] = v, v, v
	}
	return c
}

// Channels returns m in c channels, 1 or 3.
func (m Image) Channels(c int) Image {
	if c == 1 {
		return m.Gray()
	}
	return m.RGB()
}

// Crop returns the h×w rectangle in the middle of m. If an odd number of rows or
// columns is removed, one more is removed at the bottom or right. h and w are limited
// to those of m.
func (m Image) Crop(h, w int) Image {
	h, w = min(max(h, 1), m.H), min(max(w, 1), m.W)
	if h == m.H && w == m.W {
		return m
	}
	y0, x0 := (m.H-h)/2, (m.W-w)/2
	out := New(h, w, m.C)
	for y := range h {
		copy(out.Row(y), m.Row(y0 + y)[x0*m.C:])
	}
	return out
}

// Square returns the crop×crop square in the middle of m, resized to side×side. A crop
// of 0, or larger than m, means the largest square.
func (m Image) Square(crop, side int) Image {
	n := square(m.H, m.W, crop)
	return Resize(m.Crop(n, n), side, side)
}

func square(h, w, crop int) int {
	n := min(h, w)
	if crop > 0 {
		n = min(n, crop)
	}
	return n
}
