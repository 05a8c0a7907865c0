package viz

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// densityCells is the number of cells along a side of the grid in which points are
// counted.
const densityCells = 170

// density returns for each of points[inside] the number of points around it as a
// fraction of the greatest: counts in cells, blurred twice by a box of five cells, then
// the square root, so that the colours of thin regions differ.
func density(points [][2]float32, inside []int, lo, hi float64) []float64 {
	const n = densityCells
	cell := func(v float32) int {
		return min(max(int((float64(v)-lo)/(hi-lo)*n), 0), n-1)
	}
	grid := make([]float64, n*n)
	for _, i := range inside {
		grid[cell(points[i][1])*n+cell(points[i][0])]++
	}
	for range 2 {
		grid = boxBlur(boxBlur(grid, n, 1), n, n)
	}
	out := make([]float64, len(inside))
	most := 0.0
	for k, i := range inside {
		out[k] = math.Sqrt(grid[cell(points[i][1])*n+cell(points[i][0])])
		most = max(most, out[k])
	}
	for k := range out {
		out[k] /= max(most, 1e-300)
	}
	return out
}

// boxBlur sums five cells along the axis of the given stride of an n×n grid.
func boxBlur(g []float64, n, stride int) []float64 {
	out := make([]float64, len(g))
	for i := range g {
		at := i / stride % n
		for d := -2; d <= 2; d++ {
			if at+d >= 0 && at+d < n {
				out[i] += g[i+d*stride]
			}
		}
	}
	return out
}

func drawDensity(s *surface, points [][2]float32, inside []int, opt ScatterOptions, place func([2]float32) xy) {
	d := density(points, inside, opt.Lo, opt.Hi)
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { // dense last: on top
		switch {
		case d[a] < d[b]:
			return -1
		case d[a] > d[b]:
			return 1
		}
		return 0
	})
	g := newRing(cmp.Or(opt.Glyph, dotSize(len(points)))/2, 0, Density)
	clip := image.Rect(s.px(scatterLeft), s.px(scatterTop), s.px(scatterLeft+scatterSide), s.px(scatterTop+scatterSide))
	for _, k := range order {
		p := place(points[inside[k]])
		g.stamp(s.img, clip, p.x*Density, p.y*Density, withAlpha(densityColor(d[k]), 0.8))
	}

	// The key: the ramp, dense at the top.
	x, top, height := scatterLeft+scatterSide+18, scatterTop+18, 180.0
	for i := range s.px(height) {
		t := 1 - float64(i)/float64(s.px(height)-1)
		s.rect(x, top+float64(i)/Density, 14, 1.0/Density, densityColor(t))
	}
	s.centred(x+22, top+6, bodyText, "dense")
	s.centred(x+22, top+height-6, bodyText, "sparse")
}

// newRing returns the ring between two radii, in units, as a glyph; a disc if the inner
// one is 0.
func newRing(r, inner float64, dens int) *glyph {
	const sub = 8 // samples a side of a pixel
	rp, ip := r*float64(dens), inner*float64(dens)
	n := int(math.Ceil(rp)) + 1
	g := new(glyph)
	for k := range g.mask {
		dx, dy := float64(k%glyphPhases)/glyphPhases, float64(k/glyphPhases)/glyphPhases
		m := image.NewAlpha(image.Rect(-n, -n, n+1, n+1))
		for y := -n; y <= n; y++ {
			for x := -n; x <= n; x++ {
				hits := 0
				for q := range sub * sub {
					px := float64(x) + (float64(q%sub)+0.5)/sub - dx
					py := float64(y) + (float64(q/sub)+0.5)/sub - dy
					if d := px*px + py*py; d <= rp*rp && d >= ip*ip {
						hits++
					}
				}
				m.Pix[m.PixOffset(x, y)] = uint8(hits * 255 / (sub * sub))
			}
		}
		g.mask[k] = trim(m)
	}
	return g
}
