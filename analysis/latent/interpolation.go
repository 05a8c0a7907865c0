package latent

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// An Interpolation writes the point at t in [0, 1] between two codes to dst: a at 0, b at 1.
// All three are (Z).
type Interpolation func(a, b []float32, t float64, dst []float32)

// Linear writes the point on the straight line, (1−t)·a + t·b.
func Linear(a, b []float32, t float64, dst []float32) {
	for i := range dst {
		dst[i] = float32((1-t)*float64(a[i]) + t*float64(b[i]))
	}
}

// Spherical writes the point at t of a way round the origin. Its direction goes along the great
// circle from a to b (Slerp: Shoemake 1985; for latent codes White, arXiv:1609.04468, sec. 2.1),
// its length from |a| to |b|:
//
//	((1−t)|a| + t|b|) · (cos(tΩ) a/|a| + sin(tΩ) v),   Ω the angle between a and b
//
// where v, of length 1, is orthogonal to a on the side of b. Of two codes of one length this is
// the formula sin((1−t)Ω)/sin Ω · a + sin(tΩ)/sin Ω · b. Of two lengths that formula leaves both
// where Ω is near π; this one stays between them.
//
// Draws from N(0, I) of many units lie near the sphere of radius √Z. The straight line between
// two of them runs inside it, where codes are rare.
//
// From a code to its opposite there is a way on every side. It takes the one by the axis of the
// unit with the least magnitude in a, the first of equal ones. A code of 0 has the direction of
// the other. With one unit there is no way round: between codes of opposite signs the length
// goes from one to the other, and the sign changes at t = ½.
func Spherical(a, b []float32, t float64, dst []float32) {
	if t <= 0 || t >= 1 {
		Linear(a, b, math.Round(t), dst)
		return
	}
	from, la := direction(a)
	to, lb := direction(b)
	if la == 0 || lb == 0 {
		Linear(a, b, t, dst)
		return
	}
	side, angle := greatCircle(from, to)
	if side == nil { // one direction, or two without a way between them
		if side = make([]float64, len(a)); angle > 0 && t >= 0.5 {
			from = to
		}
		angle = 0
	}
	// Rounding does not carry the length beyond those of the ends.
	l := max(min(la, lb), min(max(la, lb), (1-t)*la+t*lb))
	sin, cos := math.Sincos(t * angle)
	for i := range dst {
		dst[i] = float32(l * (cos*from[i] + sin*side[i]))
	}
}

// greatCircle returns the way from a direction to another: the direction in which it sets out,
// which is orthogonal to from, and its angle. The first is nil if there is no way, because both
// are equal, or opposite with one unit.
func greatCircle(from, to []float64) (side []float64, angle float64) {
	cos := floats.Dot(from, to)
	side = floats.AddScaledTo(make([]float64, len(from)), to, -cos, from)
	sin := floats.Norm(side, 2)
	if cos < 0 && sin < oppositeSine {
		if len(from) == 1 {
			return nil, math.Pi
		}
		least := 0
		for i, v := range from {
			if math.Abs(v) < math.Abs(from[least]) {
				least = i
			}
		}
		floats.ScaleTo(side, -from[least], from)
		side[least]++
		sin, cos = 0, -1
	}
	n := floats.Norm(side, 2)
	if n == 0 {
		return nil, 0
	}
	floats.Scale(1/n, side)
	return side, math.Atan2(sin, cos)
}

// oppositeSine is the sine of the angle below which two directions are opposite. It is far above
// the rounding errors of float64, so what is above it has a side, and far below those of float32,
// so a path to the exact opposite ends at the code.
const oppositeSine = 1e-10

// direction returns a code scaled to length 1, and its length; a code of 0 as it is.
func direction(code []float32) ([]float64, float64) {
	d := make([]float64, len(code))
	for i, v := range code {
		d[i] = float64(v)
	}
	l := floats.Norm(d, 2)
	for i := range d {
		if l > 0 {
			d[i] /= l // exactly ±1 of one unit
		}
	}
	return d, l
}

// Interpolate returns n codes between a and b, both included. It fails if a code is not finite,
// or if one between them is too large for float32.
//
// a, b (Z) → (n, Z), n ≥ 2.
func Interpolate(p Interpolation, a, b []float32, n int) ([]float32, error) {
	if n < 2 || len(a) != len(b) || len(a) == 0 {
		return nil, fmt.Errorf("latent: %d codes between one of %d units and one of %d: want two codes or more, of the same units", n, len(a), len(b))
	}
	if err := checkCodes("the ends", slices.Concat(a, b), len(a)); err != nil {
		return nil, err
	}
	z := make([]float32, n*len(a))
	for i := range n {
		p(a, b, float64(i)/float64(n-1), row(z, len(a), i))
	}
	return z, checkCodes("the codes between", z, len(a))
}

// Walk returns a closed walk through the stops, back to the first. From each stop to the next
// there are leg codes, the stop included and the next not. It fails as Interpolate does.
//
// stops (S, units), S ≥ 2 → (S·leg, units).
func Walk(p Interpolation, stops []float32, units, leg int) ([]float32, error) {
	if units < 1 || leg < 1 || len(stops)%units != 0 || len(stops) < 2*units {
		return nil, fmt.Errorf("latent: a walk of legs of %d codes over %d values of codes of %d units: want two stops or more, and legs of one code or more", leg, len(stops), units)
	}
	if err := checkCodes("the stops", stops, units); err != nil {
		return nil, err
	}
	n := len(stops) / units
	z := make([]float32, n*leg*units)
	for i := range n {
		a, b := row(stops, units, i), row(stops, units, (i+1)%n)
		for k := range leg {
			p(a, b, float64(k)/float64(leg), row(z, units, i*leg+k))
		}
	}
	return z, checkCodes("the codes between stops", z, units)
}

// row returns code i of codes.
func row(codes []float32, units, i int) []float32 { return codes[i*units : (i+1)*units] }
