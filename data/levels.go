package data

import (
	"fmt"
	"math"
	"strconv"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// Pixels are the numbers of an array of images.
type Pixels struct {
	Name  string              // of the array, for messages
	Len   int                 // of the numbers below, ≥ 1: all of the array, or, with Count, the different ones
	At    func(i int) float64 // number i
	Place func(i int) string  // where number i is, for messages: "x_train[7,3,3]"
	Count func(i int) int     // how many numbers of the array are equal to number i, which stands for them; nil = 1 each
}

// count returns how many numbers number i stands for.
func (p Pixels) count(i int) int {
	if p.Count == nil {
		return 1
	}
	return p.Count(i)
}

// total returns how many numbers the array has.
func (p Pixels) total() int {
	n := 0
	for i := range p.Len {
		n += p.count(i)
	}
	return n
}

// A Scale says which numbers of an array of images are black and white.
type Scale struct{ Black, White float64 }

// Level returns the level of a number, 0 to 255; a number beyond black or white has theirs.
func (s Scale) Level(v float64) uint8 {
	return uint8(math.Round(255 * min(max((v-s.Black)/(s.White-s.Black), 0), 1)))
}

// String returns the two numbers: "0 to 255".
func (s Scale) String() string { return number(s.Black) + " to " + number(s.White) }

// Reading returns the scale as Reading.Range has it, if it is one that other arrays may
// have without showing it; else "".
func (s Scale) Reading() string {
	if s == signed || s == words16 {
		return number(s.Black) + ":" + number(s.White)
	}
	return ""
}

// number returns a number for a message, with as many digits as float32 has.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 32) }

// The scales that images are written in.
var (
	noScale = Scale{} // all numbers are 0
	unit    = Scale{0, 1}
	levels  = Scale{0, 255}
	signed  = Scale{-1, 1}
	words16 = Scale{0, 65535}
)

const (
	hair     = 0.01  // a number that is outside a scale by so small a part of it is rounded, and is clipped
	fewOdd   = 0.001 // so small a part of the numbers does not decide the scale of the others
	fewSpan  = 64    // images that span fewer of the 256 levels are suspicious
	coarsely = 1e-4  // rounding to 256 levels by more than this is told
)

// FindScale returns the scale of the images of a set: opt.Range, or that which the numbers
// of all parts agree on. Recognised are 0 to 255, 0 to 1, −1 to 1, and 0 to 65535 if more
// than half of that is used; numbers a hair outside are clipped. A few odd numbers do not
// change the scale of the others. All else is an error that names the numbers and the way
// out. The notes say what the images use of their scale.
func FindScale(parts []Pixels, opt Options) (Scale, []Note, error) {
	var set Set // collects the notes
	found := make([]extent, len(parts))
	for i, p := range parts {
		var err error
		if found[i], err = measure(p); err != nil {
			return Scale{}, nil, err
		}
	}
	s, first := noScale, 0
	if opt.Range != "" {
		var err error
		if s.Black, s.White, err = opt.Ends(); err != nil {
			return s, nil, err
		}
	} else {
		for i, p := range parts {
			own, err := found[i].scale(p)
			switch {
			case err != nil:
				return s, nil, err
			case s == noScale:
				s, first = own, i
			case own != s && own != noScale:
				return s, nil, option.Errorf("%s has pixels from %s, but %s from %s: these are two scales; write the file again with one", parts[first].Name, found[first], p.Name, found[i])
			}
		}
		if s == noScale {
			s = levels
		}
	}
	for i, p := range parts {
		found[i].tell(&set, p, s)
	}
	return s, set.Notes, nil
}

// An extent is what the numbers of an array are like.
type extent struct {
	lo, hi     float64
	loAt, hiAt int
	nonzero    int
	negative   int
	above      [3]int // numbers above the ends of unit, levels and words16
	whole      bool   // all are whole numbers
}

// String returns the least and the greatest number: "0 to 16".
func (e extent) String() string { return fmt.Sprintf("%.6g to %.6g", e.lo, e.hi) }

// measure returns the extent of an array. It fails if a number is not finite.
func measure(p Pixels) (extent, error) {
	e := extent{lo: math.Inf(1), hi: math.Inf(-1), whole: true}
	for i := range p.Len {
		v := p.At(i)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return e, fmt.Errorf("%s is %v: pixels must be finite; mend the number, or leave the image out", p.Place(i), v)
		}
		if v < e.lo {
			e.lo, e.loAt = v, i
		}
		if v > e.hi {
			e.hi, e.hiAt = v, i
		}
		n := p.count(i)
		if v != 0 {
			e.nonzero += n
		}
		if v < 0 {
			e.negative += n
		}
		for k, s := range []Scale{unit, levels, words16} {
			if v > s.White {
				e.above[k] += n
			}
		}
		e.whole = e.whole && v == math.Trunc(v)
	}
	return e, nil
}

// scale returns the scale that the numbers are of.
func (e extent) scale(p Pixels) (Scale, error) {
	few := func(n int) bool { return n > 0 && n <= max(1, int(fewOdd*float64(e.nonzero))) && 20*n <= e.nonzero }
	near := func(s Scale) bool {
		slack := hair
		if e.whole {
			slack = 0 // whole numbers are not rounded
		}
		return e.lo >= s.Black-slack*max(e.hi, 1) && e.hi <= s.White*(1+slack)
	}
	switch {
	case e.lo == 0 && e.hi == 0:
		return noScale, nil
	case near(unit):
		return unit, nil
	case near(signed) && e.lo <= -0.9:
		return signed, nil
	case e.lo < 0 && few(e.negative):
		return noScale, e.odd(p, e.loAt, e.negative, "0 or more", "0:"+number(max(e.hi, 1)))
	case e.lo >= 0 && few(e.above[0]):
		return noScale, e.odd(p, e.hiAt, e.above[0], "0 to 1", "0:1")
	case near(levels) && (e.whole || float64(e.above[0]) >= 0.1*float64(e.nonzero)):
		return levels, nil
	case e.lo >= 0 && few(e.above[1]):
		return noScale, e.odd(p, e.hiAt, e.above[1], "0 to 255", "0:255")
	case e.whole && e.lo >= 0 && e.hi <= words16.White && e.hi > words16.White/2:
		return words16, nil
	}
	return noScale, option.Errorf("%s has numbers from %s, which is none of the scales of pixels, 0 to 1, 0 to 255 and -1 to 1: say which numbers are black and white, as {Range} %s:%s", p.Name, e, number(e.lo), number(e.hi))
}

// odd returns the error for a few numbers that are not of the scale of the others.
func (e extent) odd(p Pixels, at, n int, others, way string) error {
	return option.Errorf("%s is %s, where all but %s of %s numbers are %s: mend it, or say {Range} %s, which puts the nearer end in its place", p.Place(at), number(p.At(at)), english.Thousands(float64(n)), english.Thousands(float64(p.total())), others, way)
}

// tell adds notes on what an array uses of its scale, and on what was clipped or rounded.
func (e extent) tell(set *Set, p Pixels, s Scale) {
	var used [256]bool
	outside, coarse := 0, false
	for i := range p.Len {
		v := p.At(i)
		l := s.Level(v)
		used[l] = true
		if v < s.Black || v > s.White {
			outside += p.count(i)
		} else if d := (v-s.Black)/(s.White-s.Black) - float64(l)/255; math.Abs(d) > coarsely {
			coarse = true
		}
	}
	n := 0
	for _, u := range used {
		if u {
			n++
		}
	}
	text := fmt.Sprintf("%s: pixels %s of %s", p.Name, e, s)
	if s.Black == 0 {
		text = fmt.Sprintf("%s: pixels %s of %s", p.Name, e, number(s.White))
	}
	if coarse {
		text += ", rounded to 256 levels"
	}
	lo, hi := int(s.Level(e.lo)), int(s.Level(e.hi))
	switch {
	case hi == lo:
		set.Warn("%s, all alike: there is nothing to learn", text)
	case hi-lo < fewSpan:
		set.Warn("%s: only %d of 256 levels, %d to %d; if these are black to white, say {Range} %s:%s", text, n, lo, hi, number(e.lo), number(e.hi))
	default:
		set.Tell("%s", text)
	}
	if outside > 0 {
		at := e.hiAt
		if e.lo < s.Black {
			at = e.loAt
		}
		set.Warn("%s: %s outside %s, such as %s, which is %s: clipped to the nearer end", p.Name, english.Plural(outside, "number"), s, p.Place(at), number(p.At(at)))
	}
}
