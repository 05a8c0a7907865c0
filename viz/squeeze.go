package viz

import "math"

// squeezed is how many times higher than its later values a panel may be with its first
// ones: beyond that they would squeeze the rest into a line.
const squeezed = 4.0

// The first tenth of the points of a curve are its beginning, if it has so many points.
const fewestPoints = 6

// laterRange returns the range of the values after the beginning of each curve, which for a
// curve of few points is all of it.
func laterRange(cs []curve) span {
	r := span{math.Inf(1), math.Inf(-1)}
	for _, c := range cs {
		n := 0
		for _, run := range c.runs {
			n += len(run)
		}
		skip := (n + 9) / 10
		if n < fewestPoints {
			skip = 0
		}
		for _, run := range c.runs {
			for _, q := range run {
				if skip--; skip < 0 {
					r.add(q.y)
				}
			}
		}
	}
	return r
}

// beyond says which values of all lie outside what is shown.
func beyond(all, shown span) string {
	var above, below string
	if all.hi > shown.hi {
		above = "begins higher, at up to " + short(all.hi)
	}
	if all.lo < shown.lo {
		below = "begins lower, at " + short(all.lo)
	}
	return joined(above, below)
}

// wholeRange returns the range of an axis of counts: it holds a step of 1 at least, and
// nothing below 0 if no count is.
func wholeRange(counts, axis span) span {
	if counts.hi-counts.lo < 1 {
		axis = span{counts.lo - 1, counts.hi + 1}
	}
	if counts.lo >= 0 && axis.lo < 0 {
		axis.lo = 0
	}
	return axis
}

// wholeTicks returns ticks at whole numbers.
func wholeTicks(r span) []tick {
	if niceStep(r.lo, r.hi, 5) >= 1 {
		return niceTicks(r.lo, r.hi, 5)
	}
	var ts []tick
	for v := math.Ceil(r.lo); v <= r.hi; v++ {
		ts = append(ts, tick{v, number(v, 0)})
	}
	return ts
}

// visible returns the parts of a line that lie between the top and the bottom of the plot.
func (b plotBox) visible(pts []xy) [][]xy {
	var parts [][]xy
	var part []xy
	inside := func(q xy) bool { return q.y >= b.y-1e-6 && q.y <= b.y+b.h+1e-6 }
	edgeOf := func(p, q xy) xy { // where the line from p to q crosses the top or the bottom
		y := b.y
		if max(p.y, q.y) > b.y+b.h+1e-6 {
			y = b.y + b.h
		}
		return xy{p.x + (q.x-p.x)*(y-p.y)/(q.y-p.y), y}
	}
	for i, q := range pts {
		if i > 0 && inside(q) != inside(pts[i-1]) {
			part = append(part, edgeOf(pts[i-1], q))
		}
		if inside(q) {
			part = append(part, q)
		} else if len(part) > 0 {
			parts, part = append(parts, part), nil
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}
