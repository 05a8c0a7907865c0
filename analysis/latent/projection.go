package latent

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/viz"
)

// A Projection is codes of Z units in the plane, for a picture. For Z = 2 nothing is lost.
type Projection struct {
	Points         [][2]float32 // (N)
	XLabel, YLabel string
	Note           string // "" or what is left out, for the title
}

// Project returns codes by the units of a plane. Codes of a single unit have it as x; y is then
// the class, spread a little within a lane, or 0 without labels.
//
// mean (N, Z), labels (N) in [0, classes) or nil. lo and hi are the limits of the y axis.
func Project(mean []float32, plane Plane, labels []int32, classes int, lo, hi float64) (Projection, error) {
	units := plane.Units
	if units < 1 || len(mean)%units != 0 {
		return Projection{}, fmt.Errorf("latent: %d values are not codes of %d units", len(mean), units)
	}
	n := len(mean) / units
	p := Projection{Points: make([][2]float32, n), Note: plane.String()}
	p.XLabel, p.YLabel = plane.Labels()
	if units > 1 {
		for i := range p.Points {
			p.Points[i] = [2]float32{mean[i*units+plane.X], mean[i*units+plane.Y]}
		}
		return p, nil
	}
	p.YLabel = ""
	for i := range p.Points {
		p.Points[i][0] = mean[i]
	}
	if labels == nil || classes < 1 {
		return p, nil
	}
	if len(labels) != n {
		return Projection{}, fmt.Errorf("latent: %d labels for %d codes", len(labels), n)
	}
	p.YLabel, p.Note = "class", p.Note+", a lane a class"
	spread := make([]float32, n)
	rng.New(0).Split("lanes").Uniform(spread)
	lane := (hi - lo) / float64(classes)
	for i, l := range labels {
		p.Points[i][1] = float32(lo + lane*(float64(l)+0.2+0.6*float64(spread[i])))
	}
	return p, nil
}

// Manifold returns the n×n codes of a grid in the order in which viz.Manifold takes their
// images: the units of a plane over [lo, hi]², the others 0. A single unit goes from lo to hi
// row by row.
//
// → (n·n, Z), and a note on the units that are shown, "" for two units.
func Manifold(n int, lo, hi float64, plane Plane) (z []float32, note string, err error) {
	units := plane.Units
	points, err := viz.ManifoldPoints(n, lo, hi)
	if err != nil {
		return nil, "", fmt.Errorf("latent: %w", err)
	}
	if units < 1 {
		return nil, "", errNoCodes
	}
	z = make([]float32, len(points)*units)
	if units == 1 {
		for i := range z {
			z[i] = float32(lo + (hi-lo)*float64(i)/float64(max(1, len(z)-1)))
		}
		return z, plane.String() + ", row by row", nil
	}
	for i, p := range points {
		z[i*units+plane.X], z[i*units+plane.Y] = p[0], p[1]
	}
	if units > 2 {
		note = plane.String() + ", the others 0"
	}
	return z, note, nil
}

// fewCodes is the number of codes up to which the axes of a picture are fitted to them.
const fewCodes = 200

// AxisLimits returns the limits of both axes of a picture of codes: ±want for a model with the
// prior N(0, I), as long as at most half of the codes lie outside; otherwise the AxisRange of
// the codes, and fitted is true. Fewer than fewCodes codes of such a model, all inside, are
// lost in a plane for many: they have limits of ±1.1 times their largest value, at least ±0.5.
// Only the units of the plane count.
//
// mean (N, Z).
func AxisLimits(mean []float32, plane Plane, prior bool, want float64) (lo, hi float64, fitted bool) {
	mean, units := plane.Codes(mean), max(1, min(2, plane.Units))
	outside, most := 0, 0.0
	for i := 0; i+units <= len(mean); i += units {
		for _, v := range mean[i : i+units] {
			most = max(most, math.Abs(float64(v)))
			if math.Abs(float64(v)) > want {
				outside++
				break
			}
		}
	}
	n := len(mean) / units
	switch {
	case prior && n > 0 && n < fewCodes && outside == 0:
		side := min(max(1.1*most, 0.5), want)
		return -side, side, true
	case prior && 2*outside <= n:
		return -want, want, false
	}
	lo, hi = AxisRange(mean)
	return lo, hi, true
}

// AxisRange returns the smallest interval that holds all values but the outermost hundredth,
// half of it at each end, made wider by a tenth. Equal values have an interval of width 1.
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
