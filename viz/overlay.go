package viz

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
)

// On a dark page white paper is #1c1c1c, as the plates of report.css are, and lightness
// falls from it by so much for each unit of the lightness on white, in OKLab.
const (
	darkPaper = 0.2257
	darkSlope = 0.917 // the ink of titles has lightness 0.94
)

// overlay returns a picture as a dark page shows it, as a PNG file of the same size that
// is laid over the picture: in place of white paper the colour of the page, in place of
// dark ink a light one, and nothing where the tiles are. file is a PNG that PNG has
// written; of any other, overlay returns nil.
func overlay(file []byte) ([]byte, error) {
	tiles, known := tilesOf(file)
	if !known {
		return nil, nil
	}
	src, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var out image.Image
	switch src := src.(type) {
	case *image.Gray: // half as many greys, to have a place for none
		const clear = 128
		p := image.NewPaletted(src.Rect, nil)
		for v := range clear {
			p.Palette = append(p.Palette, darkColour(color.Gray{uint8(255 * v / (clear - 1))}))
		}
		for i, v := range src.Pix {
			p.Pix[i] = v / 2
		}
		out = withHoles(p, tiles)
	case *image.Paletted:
		if len(src.Palette) < 256 {
			for i, c := range src.Palette {
				src.Palette[i] = darkColour(c)
			}
			out = withHoles(src, tiles)
		}
	}
	if out == nil {
		out = darkRGBA(src, tiles)
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := enc.Encode(&b, out); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// withHoles makes rectangles of p transparent, by one more colour.
func withHoles(p *image.Paletted, holes []image.Rectangle) image.Image {
	clear := uint8(len(p.Palette))
	p.Palette = append(p.Palette, color.RGBA{})
	for _, r := range holes {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := p.Pix[p.PixOffset(r.Min.X, y):p.PixOffset(r.Max.X, y)]
			for i := range row {
				row[i] = clear
			}
		}
	}
	return p
}

// darkRGBA returns a picture of many colours as a dark page shows it.
func darkRGBA(src image.Image, holes []image.Rectangle) image.Image {
	img := image.NewRGBA(src.Bounds())
	draw.Draw(img, img.Rect, src, img.Rect.Min, draw.Src)
	for _, r := range holes {
		draw.Draw(img, r, image.Transparent, image.Point{}, draw.Src)
	}
	table := map[[3]uint8][3]uint8{}
	var from, to [3]uint8
	for i := 0; i < len(img.Pix); i += 4 {
		p := img.Pix[i : i+4]
		if p[3] == 0 {
			continue
		}
		if c := [3]uint8(p); c != from || i == 0 {
			from = c
			known := false
			if to, known = table[from]; !known {
				to = darkened(from)
				table[from] = to
			}
		}
		copy(p, to[:])
	}
	return fewColours(img)
}

// fewColours returns a picture of at most 256 colours, of which one may be transparent,
// with a palette. In one of more, colours lose their last bits until there are few enough:
// they are mixtures at the edges of letters and lines.
func fewColours(img *image.RGBA) image.Image {
	for bits := range 4 {
		mask, half := uint8(0xff)<<bits, uint8(1)<<bits>>1
		out := image.NewPaletted(img.Rect, nil)
		index := map[[4]uint8]uint8{}
		full := false
		var last [4]uint8 // most pixels have the colour of the one before
		var at uint8
		for i := 0; i < len(img.Pix); i += 4 {
			if p := [4]uint8(img.Pix[i : i+4]); p != last || i == 0 {
				last = p
				k := p
				for c := range 3 { // the middle of those that become one
					k[c] = k[c]&mask | half*min(1, k[3])
				}
				var found bool
				if at, found = index[k]; !found {
					if full = len(index) == 256; full {
						break
					}
					at = uint8(len(index))
					index[k] = at
					out.Palette = append(out.Palette, color.RGBA{k[0], k[1], k[2], k[3]})
				}
			}
			out.Pix[i/4] = at
		}
		if !full {
			return out
		}
	}
	return img
}

// darkColour returns darkened of any opaque colour.
func darkColour(c color.Color) color.RGBA {
	v := color.RGBAModel.Convert(c).(color.RGBA)
	d := darkened([3]uint8{v.R, v.G, v.B})
	return color.RGBA{d[0], d[1], d[2], 255}
}

// darkened returns the colour on a dark page of one on white paper: of the same hue, with
// the order of lightness reversed.
func darkened(c [3]uint8) [3]uint8 {
	l, a, b := toOklab(c)
	out := fromOklab(min(darkPaper+darkSlope*(1-l), 1), a, b)
	return [3]uint8{out.R, out.G, out.B}
}

// toOklab returns lightness and the two colour axes of the OKLab space of an sRGB colour.
// Ottosson 2020.
func toOklab(c [3]uint8) (l, a, b float64) {
	var v [3]float64
	for i, x := range c {
		v[i] = float64(x) / 255
		if v[i] <= 0.04045 {
			v[i] /= 12.92
		} else {
			v[i] = math.Pow((v[i]+0.055)/1.055, 2.4)
		}
	}
	x := math.Cbrt(0.4122214708*v[0] + 0.5363325363*v[1] + 0.0514459929*v[2])
	y := math.Cbrt(0.2119034982*v[0] + 0.6806995451*v[1] + 0.1073969566*v[2])
	z := math.Cbrt(0.0883024619*v[0] + 0.2817188376*v[1] + 0.6299787005*v[2])
	return 0.2104542553*x + 0.7936177850*y - 0.0040720468*z,
		1.9779984951*x - 2.4285922050*y + 0.4505937099*z,
		0.0259040371*x + 0.7827717662*y - 0.8086757660*z
}
