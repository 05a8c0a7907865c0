package digits

import (
	"fmt"
	"strconv"
	"strings"
)

// point is a place in the unit box: x to the right, y downwards, 0 to 1.
type point struct{ x, y float32 }

// A knot is a point of a stroke. The line has a corner there if corner is true, and is
// smooth otherwise.
type knot struct {
	point
	corner bool
}

// A form is one shape of a digit: the knots of all its strokes in the order of writing,
// and where each stroke ends.
type form struct {
	knots []knot
	ends  []int // ends[s] is one past the last knot of stroke s
}

// A variant is one way of writing a digit. Its forms have the same strokes with the
// same number of knots, so that every weighted mean of them is a form as well.
type variant struct {
	share float32 // of the writers of this digit; the shares of a digit sum to 1
	forms []form
	habit habit
}

// A habit is what a variant changes besides its knots; the zero value changes nothing.
type habit struct {
	slant  float32 // added to the mean slant
	spread float32 // added to the standard deviation of the slant
	wide   float32 // added to the mean width-to-height factor
	pen    float32 // added to the mean radius of the pen, pixels
	rigid  float32 // 0 to 1: how much less the knots scatter than in other variants
}

// Limits of a form, so that a pen's arrays have fixed sizes. TestSkeletons
// holds the table to them.
const (
	maxKnots   = 24
	maxStrokes = 3
)

// parseForm parses a form: knots "x,y" in hundredths of the box, separated by blanks,
// "!" after a knot that is a corner, "|" between strokes.
func parseForm(text string) (form, error) {
	var f form
	for s, stroke := range strings.Split(text, "|") {
		fields := strings.Fields(stroke)
		if len(fields) < 2 {
			return form{}, fmt.Errorf("digits: %q: stroke %d has %d knots, want at least 2", text, s, len(fields))
		}
		for _, field := range fields {
			var k knot
			xy, corner := strings.CutSuffix(field, "!")
			k.corner = corner
			xs, ys, _ := strings.Cut(xy, ",")
			x, errX := strconv.Atoi(xs)
			y, errY := strconv.Atoi(ys)
			if errX != nil || errY != nil {
				return form{}, fmt.Errorf("digits: %q: knot %q is not x,y", text, field)
			}
			k.x, k.y = float32(x)/100, float32(y)/100
			f.knots = append(f.knots, k)
		}
		f.ends = append(f.ends, len(f.knots))
	}
	return f, nil
}

// matches reports whether f and g can be blended.
func (f form) matches(g form) bool {
	if len(f.knots) != len(g.knots) || len(f.ends) != len(g.ends) {
		return false
	}
	for i := range f.knots {
		if f.knots[i].corner != g.knots[i].corner {
			return false
		}
	}
	for s := range f.ends {
		if f.ends[s] != g.ends[s] {
			return false
		}
	}
	return true
}

// parseGlyphs parses the table of glyphs.go. An error is a bug of this package, and its
// tests would find it.
func parseGlyphs(table [10][]glyph) (digits [10][]variant, err error) {
	for d, glyphs := range table {
		for _, g := range glyphs {
			v := variant{share: g.share, habit: g.habit}
			for _, text := range g.forms {
				f, err := parseForm(text)
				if err != nil {
					return digits, err
				}
				if len(f.knots) > maxKnots || len(f.ends) > maxStrokes {
					return digits, fmt.Errorf("digits: %d: %q: %d knots in %d strokes, want at most %d in %d",
						d, text, len(f.knots), len(f.ends), maxKnots, maxStrokes)
				}
				if len(v.forms) > 0 && !f.matches(v.forms[0]) {
					return digits, fmt.Errorf("digits: %d: %q does not match the first form of its variant", d, text)
				}
				v.forms = append(v.forms, f)
			}
			digits[d] = append(digits[d], v)
		}
	}
	return digits, nil
}
