package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A spread is the value of a flag with two numbers, the lower first: -3..3.
type spread struct{ lo, hi float64 }

// String formats the numbers as -3..3.
func (s *spread) String() string { return fmt.Sprintf("%g..%g", s.lo, s.hi) }

// Type returns the name by which flagError finds the text for a wrong value.
func (s *spread) Type() string { return "spread" }

// Set parses lo..hi.
func (s *spread) Set(text string) error {
	lo, hi, ok := strings.Cut(text, "..")
	a, errA := strconv.ParseFloat(strings.TrimSpace(lo), 64)
	b, errB := strconv.ParseFloat(strings.TrimSpace(hi), 64)
	if !ok || errA != nil || errB != nil || !(a < b) || math.IsInf(b-a, 0) {
		return fmt.Errorf("not a range")
	}
	s.lo, s.hi = a, b
	return nil
}

// values returns n numbers at equal distances from lo to hi.
func (s *spread) values(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = s.lo + (s.hi-s.lo)*float64(i)/float64(n-1)
	}
	return v
}

// titles formats the values as titles of columns.
func (s *spread) titles(n int) []string {
	var t []string
	for _, v := range s.values(n) {
		t = append(t, signed(v))
	}
	return t
}

// signed formats a number with its sign: +1.5, 0 or −3.
func signed(v float64) string {
	text := strconv.FormatFloat(math.Abs(v), 'g', 3, 64)
	switch {
	case v > 0:
		return "+" + text
	case v < 0:
		return "−" + text
	}
	return text
}
