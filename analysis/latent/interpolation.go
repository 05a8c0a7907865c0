package latent

import (
	"fmt"
	"math"
)

// An Interpolation writes the point at t in [0, 1] between two codes to dst: a at 0, b at 1.
// All three are (Z).
type Interpolation func(a, b []float32, t float64, dst []float32)

// Linear writes the point on the straight line, (1−t)·a + t·b.
func Linear(a, b []float32, t float64, dst []float32) { blend(a, b, 1-t, t, dst) }

// Spherical writes the point on the great circle between two codes (Slerp: Shoemake 1985; for
// latent codes White, arXiv:1609.04468, sec. 2.1):
//
//	sin((1−t)Ω)/sin Ω · a + sin(tΩ)/sin Ω · b,   cos Ω = a·b / |a||b|
//
// Draws from N(0, I) of many units lie near the sphere of radius √Z. The straight line between
// two of them runs inside it, where codes are rare. Where the circle is not defined, because
// a code is 0 or they have equal or opposite directions, it writes the point of Linear.
func Spherical(a, b []float32, t float64, dst []float32) {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	omega := math.Acos(max(-1, min(1, ab/math.Sqrt(aa*bb))))
	if s := math.Sin(omega); s > 1e-4 { // false too if omega is NaN, as at a code of 0
		blend(a, b, math.Sin((1-t)*omega)/s, math.Sin(t*omega)/s, dst)
		return
	}
	Linear(a, b, t, dst)
}

// blend writes wa·a + wb·b to dst.
func blend(a, b []float32, wa, wb float64, dst []float32) {
	for i := range dst {
		dst[i] = float32(wa*float64(a[i]) + wb*float64(b[i]))
	}
}

// Interpolate returns n codes between a and b, both included.
//
// a, b (Z) → (n, Z), n ≥ 2.
func Interpolate(p Interpolation, a, b []float32, n int) ([]float32, error) {
	if n < 2 || len(a) != len(b) || len(a) == 0 {
		return nil, fmt.Errorf("latent: %d codes between one of %d units and one of %d: want two codes or more, of the same units", n, len(a), len(b))
	}
	z := make([]float32, n*len(a))
	for i := range n {
		p(a, b, float64(i)/float64(n-1), z[i*len(a):(i+1)*len(a)])
	}
	return z, nil
}

// Walk returns a closed walk through the stops, back to the first. From each stop to the next
// there are leg codes, the stop included and the next not.
//
// stops (S, units), S ≥ 2 → (S·leg, units).
func Walk(p Interpolation, stops []float32, units, leg int) ([]float32, error) {
	if units < 1 || leg < 1 || len(stops)%units != 0 || len(stops) < 2*units {
		return nil, fmt.Errorf("latent: a walk of legs of %d codes over %d values of codes of %d units: want two stops or more, and legs of one code or more", leg, len(stops), units)
	}
	n := len(stops) / units
	z := make([]float32, n*leg*units)
	for i := range n {
		a, b := row(stops, units, i), row(stops, units, (i+1)%n)
		for k := range leg {
			p(a, b, float64(k)/float64(leg), row(z, units, i*leg+k))
		}
	}
	return z, nil
}

// row returns code i of codes.
func row(codes []float32, units, i int) []float32 { return codes[i*units : (i+1)*units] }
