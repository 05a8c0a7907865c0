package viz

import (
	"image"
	"image/color"
	"image/draw"
)

// toByte returns a value of [0, 1] as 0…255, rounded to nearest; NaN becomes 0.
func toByte(v float32) uint8 {
	switch {
	case v >= 1:
		return 255
	case v > 0:
		return uint8(v*255 + 0.5)
	}
	return 0
}

// blit draws tile k with its top left corner at pixel (x, y) of dst, every pixel of the
// tile as scale×scale pixels, clipped to dst.
func blit(dst *image.RGBA, x, y, scale int, t tiles, k int) {
	pix, w, c := t.at(k), t.w, t.c
	for i := range t.h {
		top := y + i*scale
		for j := range w {
			p := pix[(i*w+j)*c:]
			r := toByte(p[0])
			g, b := r, r
			if c == 3 {
				g, b = toByte(p[1]), toByte(p[2])
			}
			cell := image.Rect(x+j*scale, top, x+(j+1)*scale, top+scale).Intersect(dst.Rect)
			if cell.Empty() {
				continue
			}
			for yy := cell.Min.Y; yy < cell.Max.Y; yy++ {
				row := dst.Pix[dst.PixOffset(cell.Min.X, yy) : dst.PixOffset(cell.Max.X-1, yy)+4]
				for k := 0; k < len(row); k += 4 {
					row[k], row[k+1], row[k+2], row[k+3] = r, g, b, 255
				}
			}
		}
	}
}

// fill paints a whole image in one colour.
func fill(dst *image.RGBA, c color.Color) {
	draw.Draw(dst, dst.Rect, image.NewUniform(c), image.Point{}, draw.Src)
}
