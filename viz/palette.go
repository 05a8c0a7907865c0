package viz

import (
	"image/color"
	"math"
)

// The neutrals of every figure. They are true greys, so that a figure of grey
// images is a grey file and a grey animation loses nothing.
var (
	paper = color.NRGBA{0xff, 0xff, 0xff, 0xff} // background
	rule  = color.NRGBA{0xe6, 0xe6, 0xe6, 0xff} // grid lines
	edge  = color.NRGBA{0xb0, 0xb0, 0xb0, 0xff} // axes, borders, arrows
	muted = color.NRGBA{0x5e, 0x5e, 0x5e, 0xff} // captions, ticks: 6:1 on paper
	ink   = color.NRGBA{0x1c, 0x1c, 0x1c, 0xff} // titles
)

// classes are ten colours dark enough for thin marks on white (OKLab lightness
// at most 0.72), started from the usual ten of plotting programs and moved apart
// until every pair can be told with the common kinds of colour blindness too:
// TestPaletteApart holds both.
var classes = [...]color.NRGBA{
	{0x01, 0x32, 0x94, 0xff},
	{0xe5, 0x37, 0x00, 0xff},
	{0x00, 0x8b, 0x57, 0xff},
	{0x88, 0x08, 0x00, 0xff},
	{0x82, 0x70, 0xe9, 0xff},
	{0xd4, 0x83, 0xa0, 0xff},
	{0xc8, 0x31, 0xa9, 0xff},
	{0x5d, 0x5a, 0x68, 0xff},
	{0xc0, 0xa3, 0x00, 0xff},
	{0x13, 0xb0, 0xed, 0xff},
}

// ClassColor returns the colour of class i, the same in every figure. Ten are chosen by
// hand; beyond them the hue advances by the golden angle, at three lightnesses in turn.
func ClassColor(i int) color.NRGBA {
	if i < 0 {
		return muted
	}
	if i < len(classes) {
		return classes[i]
	}
	k := i - len(classes)
	return oklch(0.45+0.12*float64(k%3), 0.13, 2.39996322972865332*float64(k))
}

// oklch returns the sRGB colour of lightness l in [0, 1], chroma c and hue h in
// radians of the OKLab space, clipped to the gamut. Ottosson 2020.
func oklch(l, c, h float64) color.NRGBA {
	return fromOklab(l, c*math.Cos(h), c*math.Sin(h))
}

// fromOklab returns the sRGB colour of a lightness and two colour axes of the OKLab
// space, clipped to the gamut.
func fromOklab(l, a, b float64) color.NRGBA {
	cube := func(v float64) float64 { return v * v * v }
	x := cube(l + 0.3963377774*a + 0.2158037573*b)
	y := cube(l - 0.1055613458*a - 0.0638541728*b)
	z := cube(l - 0.0894841775*a - 1.2914855480*b)
	enc := func(v float64) uint8 {
		v = min(max(v, 0), 1)
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(v*255 + 0.5)
	}
	return color.NRGBA{
		enc(4.0767416621*x - 3.3077115913*y + 0.2309699292*z),
		enc(-1.2684380046*x + 2.6097574011*y - 0.3413193965*z),
		enc(-0.0041960863*x - 0.7034186147*y + 1.7076147010*z),
		255,
	}
}

// densityColor returns the colour of a density from 0 (sparse) to 1 (dense), of falling
// lightness, so that it can be read in grey too: pale blue, violet, deep plum.
func densityColor(t float64) color.NRGBA {
	t = min(max(t, 0), 1)
	return oklch(0.80-0.52*t, 0.09+0.07*math.Sin(math.Pi*t), (250+80*t)*math.Pi/180)
}

// withAlpha returns c at opacity a in [0, 1].
func withAlpha(c color.NRGBA, a float64) color.NRGBA {
	c.A = uint8(min(max(a, 0), 1)*255 + 0.5)
	return c
}

// mix returns the mixture of c at t = 0 and d at t = 1.
func mix(c, d color.NRGBA, t float64) color.NRGBA {
	f := func(a, b uint8) uint8 { return uint8(float64(a)*(1-t) + float64(b)*t + 0.5) }
	return color.NRGBA{f(c.R, d.R), f(c.G, d.G), f(c.B, d.B), f(c.A, d.A)}
}
