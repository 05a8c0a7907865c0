package trials

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/rng"
)

// A Dimension is an option and the values that a search tries: those of a list, or
// numbers of a range.
type Dimension struct {
	Name   string
	Values []string // of a list; nil of a range
	Lo, Hi float64  // of a range
	Log    bool     // the logarithm of the number is even in the range
	Whole  bool     // the option takes whole numbers only
	Points int      // of a range in a grid; 0 = not given
}

// MaxTrials bounds the trials of a search.
const MaxTrials = 10_000

// ParseDimension returns the dimension that a text describes: latent=2,8,32 is a list, and
// lr=1e-4..1e-2 a range. After a range may follow :log, for even logarithms, and the
// number of its points in a grid, as lr=1e-4..1e-2:log:5. Whether the option takes whole
// numbers only, Whole, is for the caller to say.
func ParseDimension(text string) (Dimension, error) {
	name, values, ok := strings.Cut(text, "=")
	d := Dimension{Name: strings.TrimPrefix(strings.TrimSpace(name), "--")}
	if !ok || d.Name == "" || values == "" {
		return d, fmt.Errorf("%q: want OPTION=VALUES, as latent=2,8,32 or lr=1e-4..1e-2:log", text)
	}
	if !strings.Contains(values, "..") {
		for v := range strings.SplitSeq(values, ",") {
			if v = strings.TrimSpace(v); v == "" {
				return d, fmt.Errorf("%q: a value is empty: want values with commas between, as latent=2,8,32", text)
			}
			d.Values = append(d.Values, v)
		}
		return d, nil
	}
	parts := strings.Split(values, ":")
	lo, hi, _ := strings.Cut(parts[0], "..")
	var errLo, errHi error
	d.Lo, errLo = strconv.ParseFloat(strings.TrimSpace(lo), 64)
	d.Hi, errHi = strconv.ParseFloat(strings.TrimSpace(hi), 64)
	if errLo != nil || errHi != nil || !(d.Lo < d.Hi) || math.IsInf(d.Hi-d.Lo, 0) {
		return d, fmt.Errorf("%q: want two numbers, the lower first, as lr=1e-4..1e-2", text)
	}
	for _, p := range parts[1:] {
		n, err := strconv.Atoi(p)
		switch {
		case p == "log":
			d.Log = true
		case err == nil && n >= 2 && n <= MaxTrials:
			d.Points = n
		default:
			return d, fmt.Errorf("%q: %q: want log, or a number of points from 2 to %d, as lr=1e-4..1e-2:log:5", text, p, MaxTrials)
		}
	}
	if d.Log && d.Lo <= 0 {
		return d, fmt.Errorf("%q: the logarithm of %v does not exist: want a range above 0, or leave :log out", text, d.Lo)
	}
	return d, nil
}

// at returns the number at the share u, from 0 to 1, of a range.
func (d Dimension) at(u float64) string {
	v := d.Lo + u*(d.Hi-d.Lo)
	if d.Log {
		v = math.Exp(math.Log(d.Lo) + u*(math.Log(d.Hi)-math.Log(d.Lo)))
	}
	v = min(max(v, d.Lo), d.Hi)
	if d.Whole {
		return strconv.Itoa(int(math.Round(v)))
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64) // four digits, to be read by people
	return strconv.FormatFloat(min(max(rounded, d.Lo), d.Hi), 'g', -1, 64)
}

// grid returns the values of a dimension in a grid, each once.
func (d Dimension) grid() []string {
	if d.Values != nil {
		return d.Values
	}
	var values []string
	for i := range d.Points {
		v := d.at(float64(i) / float64(d.Points-1))
		if len(values) == 0 || values[len(values)-1] != v { // whole numbers of a short range repeat
			values = append(values, v)
		}
	}
	return values
}

// Grid returns all combinations of the values, a value of each dimension in each. It
// fails if a range has no number of points, or if there are more than MaxTrials.
func Grid(dims []Dimension) ([][]string, error) {
	points := [][]string{nil}
	for _, d := range dims {
		if d.Values == nil && d.Points == 0 {
			return nil, fmt.Errorf("a grid over %s=%v..%v needs a number of points, as %[1]s=%[2]v..%[3]v:5", d.Name, d.Lo, d.Hi)
		}
		values := d.grid()
		if len(points)*len(values) > MaxTrials {
			return nil, fmt.Errorf("the grid has more than %d points: give fewer values", MaxTrials)
		}
		var longer [][]string
		for _, p := range points {
			for _, v := range values {
				longer = append(longer, append(p[:len(p):len(p)], v))
			}
		}
		points = longer
	}
	return points, nil
}

// Random returns n points drawn at random, independently of each other: Bergstra & Bengio,
// JMLR 13 (2012). Point i depends on the key, i and the dimensions alone, so that a longer
// search begins with the points of a shorter one.
func Random(dims []Dimension, n int, key rng.Key) [][]string {
	points := make([][]string, n)
	for i := range points {
		for _, d := range dims {
			u := key.Split(d.Name).At(uint64(i)).Float64()
			if d.Values != nil {
				points[i] = append(points[i], d.Values[min(int(u*float64(len(d.Values))), len(d.Values)-1)])
			} else if d.Whole { // each whole number has an interval of its own
				wide := d
				wide.Lo, wide.Hi = d.Lo-0.5, d.Hi+0.5
				if d.Log {
					wide.Lo = max(wide.Lo, d.Lo/2)
				}
				wide.Whole = true
				v, _ := strconv.Atoi(wide.at(u))
				points[i] = append(points[i], strconv.Itoa(min(max(v, int(d.Lo)), int(d.Hi))))
			} else {
				points[i] = append(points[i], d.at(u))
			}
		}
	}
	return points
}
