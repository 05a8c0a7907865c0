package latent

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/viz"
)

// A Plane is what a flat picture of codes of Z units shows: for Z = 2 all of it.
type Projection struct {
	Points         [][2]float32 // (N)
	XLabel, YLabel string
	Note           string // "" or what is left out, for the title
}

// Project lays codes on a plane: units 0 and 1. A single unit takes the x axis
// alone; y then is the class, a lane for each, spread a little, or 0 without labels.
//
// mean (N, units), labels (N) in [0, classes) or nil. lo and hi are the ends of the
// y axis.
func Project(mean []float32, units int, labels []int32, classes int, lo, hi float64) (Projection, error) {
	if units < 1 || len(mean)%units != 0 {
		return Projection{}, fmt.Errorf("latent: %d values are not codes of %d units", len(mean), units)
	}
	n := len(mean) / units
	p := Projection{Points: make([][2]float32, n), XLabel: "z[0]", YLabel: "z[1]"}
	if units > 1 {
		for i := range p.Points {
			p.Points[i] = [2]float32{mean[i*units], mean[i*units+1]}
		}
		if units > 2 {
			p.Note = fmt.Sprintf("units 0 and 1 of %d", units)
		}
		return p, nil
	}
	p.YLabel, p.Note = "", "the one unit"
	for i := range p.Points {
		p.Points[i][0] = mean[i]
	}
	if labels == nil || classes < 1 {
		return p, nil
	}
	if len(labels) != n {
		return Projection{}, fmt.Errorf("latent: %d labels for %d codes", len(labels), n)
	}
	p.YLabel, p.Note = "class", "the one unit, a lane a class"
	spread := make([]float32, n)
	rng.New(0).Split("lanes").Uniform(spread)
	lane := (hi - lo) / float64(classes)
	for i, l := range labels {
		p.Points[i][1] = float32(lo + lane*(float64(l)+0.2+0.6*float64(spread[i])))
	}
	return p, nil
}

// Manifold returns the n×n codes of a manifold, in the order in which viz.Manifold
// takes their images: units 0 and 1 over [lo, hi]², the others 0. A single unit
// runs from lo to hi row by row, as one reads.
//
// → (n·n, units), and what is held fixed, "" for two units.
func Manifold(n int, lo, hi float64, units int) (z []float32, note string, err error) {
	points, err := viz.ManifoldPoints(n, lo, hi)
	if err != nil {
		return nil, "", fmt.Errorf("latent: %w", err)
	}
	if units < 1 {
		return nil, "", fmt.Errorf("latent: codes of %d units: want at least 1", units)
	}
	z = make([]float32, len(points)*units)
	if units == 1 {
		for i := range z {
			z[i] = float32(lo + (hi-lo)*float64(i)/float64(max(1, len(z)-1)))
		}
		return z, "the one unit, row by row", nil
	}
	for i, p := range points {
		z[i*units], z[i*units+1] = p[0], p[1]
	}
	if units > 2 {
		note = fmt.Sprintf("units 0 and 1 of %d, the others 0", units)
	}
	return z, note, nil
}

// Ends returns those of both axes of a picture of codes: of a model with a prior
// N(0, I) ±want, as long as no more than half of the codes lie outside, as they do
// where hardly anything holds them to the prior; otherwise their Range. fitted says
// that it is that.
//
// mean (N, units).
func AxisLimits(mean []float32, units int, prior bool, want float64) (lo, hi float64, fitted bool) {
	outside := 0
	for i := 0; i+units <= len(mean); i += units {
		for _, v := range mean[i : i+min(2, units)] {
			if math.Abs(float64(v)) > want {
				outside++
				break
			}
		}
	}
	if prior && 2*outside*units <= len(mean) {
		return -want, want, false
	}
	lo, hi = AxisRange(mean)
	return lo, hi, true
}

// Range returns the ends of the smallest interval, made wider by a tenth, that holds
// all but the outermost hundredth of the values, half of it at each end: the
// axes for a model that puts its codes anywhere. Without spread it is one wide.
func AxisRange(values []float32) (lo, hi float64) {
	if len(values) == 0 {
		return -0.5, 0.5
	}
	v := slices.Sorted(slices.Values(values))
	lo, hi = float64(v[len(v)/200]), float64(v[len(v)-1-len(v)/200])
	margin := (hi - lo) / 20
	if !(margin > 0) {
		margin = 0.5
	}
	return lo - margin, hi + margin
}
