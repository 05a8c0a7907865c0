package viz

import (
	"image/color"
	"math"
	"testing"
)

type vec3 [3]float64

func linear(c color.NRGBA) vec3 {
	f := func(b uint8) float64 {
		v := float64(b) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return vec3{f(c.R), f(c.G), f(c.B)}
}

func oklab(v vec3) vec3 {
	r, g, b := max(v[0], 0), max(v[1], 0), max(v[2], 0)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	return vec3{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

// sight simulates colour vision, Machado, Oliveira & Fernandes 2009, severity 1,
// on linear RGB.
var sight = map[string][9]float64{
	"full":   {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"deutan": {.367322, .860646, -.227968, .280085, .672501, .047413, -.011820, .042940, .968881},
	"protan": {.152286, 1.052583, -.204868, .114503, .786281, .099216, -.003882, -.048116, 1.051998},
}

func seen(c color.NRGBA, m [9]float64) vec3 {
	v := linear(c)
	return oklab(vec3{
		m[0]*v[0] + m[1]*v[1] + m[2]*v[2],
		m[3]*v[0] + m[4]*v[1] + m[5]*v[2],
		m[6]*v[0] + m[7]*v[1] + m[8]*v[2],
	})
}

func nearest(pal []color.NRGBA, m [9]float64) (d float64, a, b int) {
	d = math.Inf(1)
	for i := range pal {
		for j := range i {
			p, q := seen(pal[i], m), seen(pal[j], m)
			if e := math.Hypot(math.Hypot(p[0]-q[0], p[1]-q[1]), p[2]-q[2]); e < d {
				d, a, b = e, j, i
			}
		}
	}
	return d, a, b
}

// TestPaletteApart checks that all pairs of colours differ by 0.1 in OKLab, a visible
// difference at the size of a marker, also for protan, deutan and tritan vision. The
// usual ten colours come as near as 0.0065 for protan vision (green and orange).
func TestPaletteApart(t *testing.T) {
	for name, m := range sight {
		if d, a, b := nearest(classes[:], m); d < 0.1 {
			t.Errorf("%s: classes %d and %d are %.4f apart in OKLab, want at least 0.1", name, a, b, d)
		}
	}
}

func TestPaletteDarkEnough(t *testing.T) {
	for i, c := range classes {
		if l := oklab(linear(c))[0]; l > 0.725 {
			t.Errorf("class %d has lightness %.3f, want at most 0.72 on white", i, l)
		}
	}
}

func TestClassColorBeyondTen(t *testing.T) {
	seen := map[color.NRGBA]int{}
	for i := range 40 {
		c := ClassColor(i)
		if j, dup := seen[c]; dup {
			t.Errorf("classes %d and %d share %v", j, i, c)
		}
		seen[c] = i
	}
	if ClassColor(-1) != muted {
		t.Error("an unlabelled point is not muted")
	}
}

// TestDensityRampFalls checks that the density ramp falls in lightness everywhere, so
// that it can be read in grey.
func TestDensityRampFalls(t *testing.T) {
	last := 2.0
	for i := range 11 {
		l := oklab(linear(densityColor(float64(i) / 10)))[0]
		if l >= last {
			t.Errorf("lightness %.3f at %d/10 is not below %.3f", l, i, last)
		}
		last = l
	}
}
