package model

import (
	"math"
	"strconv"
)

// Values between these bounds, and 0, are usual for an option. Beyond them the squares of gradients may overflow float32.
const (
	leastUsual = 1e-5
	mostUsual  = 1e5
)

// An Extreme is an option of a configuration whose value is far from all usual ones.
type Extreme struct {
	Field string // its name, by which errors of this library call it
	Value float64
}

// IsExtreme reports whether v is neither 0 nor between 10⁻⁵ and 10⁵ in size.
func IsExtreme(v float64) bool {
	size := math.Abs(v)
	return v != 0 && !(size >= leastUsual && size <= mostUsual)
}

// Extremes returns the options of c, of type float64, whose values are extreme: they explain a number that is not finite
// better than the learning rate does.
func Extremes(c Config) []Extreme {
	var all []Extreme
	for _, f := range Flags(c) {
		if f.Type() != "float" {
			continue
		}
		v, err := strconv.ParseFloat(f.String(), 64)
		if err == nil && IsExtreme(v) {
			all = append(all, Extreme{f.Field, v})
		}
	}
	return all
}
