package viz

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// PNG returns the image as a PNG file, without loss. To make the file smaller it stores
// an opaque grey image as grey and one of at most 256 colours, as most figures of this
// package are, with a palette; others are compressed quickly.
func PNG(img image.Image) ([]byte, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, fmt.Errorf("viz: png: an empty image")
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	small := compact(unwrapped(img))
	if _, colourful := small.(*image.RGBA); colourful { // photographs hardly compress further
		enc.CompressionLevel = png.BestSpeed
	}
	if err := enc.Encode(&b, small); err != nil {
		return nil, fmt.Errorf("viz: png: %w", err)
	}
	if d, ok := img.(*drawing); ok {
		return withTiles(b.Bytes(), d), nil
	}
	return b.Bytes(), nil
}

// compact returns img in the smallest lossless form.
func compact(img image.Image) image.Image {
	src, ok := img.(*image.RGBA)
	if !ok || !src.Opaque() {
		return img
	}
	r := src.Rect
	if isGrey(src) {
		out := image.NewGray(r)
		for y := range r.Dy() {
			row, in := out.Pix[y*out.Stride:], src.Pix[y*src.Stride:]
			for x := range r.Dx() {
				row[x] = in[4*x]
			}
		}
		return out
	}
	index := make(map[[3]uint8]uint8, 256)
	var pal color.Palette
	out := image.NewPaletted(r, nil)
	var last [3]uint8 // most pixels have the colour of the one before
	var i uint8
	for y := range r.Dy() {
		row, in := out.Pix[y*out.Stride:], src.Pix[y*src.Stride:]
		for x := range r.Dx() {
			if k := [3]uint8(in[4*x : 4*x+3]); k != last || len(pal) == 0 {
				var ok bool
				if i, ok = index[k]; !ok {
					if len(pal) == 256 {
						return img
					}
					i = uint8(len(pal))
					index[k] = i
					pal = append(pal, color.RGBA{k[0], k[1], k[2], 255})
				}
				last = k
			}
			row[x] = i
		}
	}
	out.Palette = pal
	return out
}

func isGrey(img *image.RGBA) bool {
	r := img.Rect
	for y := range r.Dy() {
		in := img.Pix[y*img.Stride : y*img.Stride+4*r.Dx()]
		for k := 0; k < len(in); k += 4 {
			if in[k] != in[k+1] || in[k] != in[k+2] {
				return false
			}
		}
	}
	return true
}
