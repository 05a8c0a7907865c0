package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/imago-ml/imago/internal/cpuid"
)

const (
	eps32      = 0x1p-23
	guardWords = 40 // the number of guard words on each side, more than a kernel may read after the end
)

var nan32 = float32(math.NaN())

// eachImpl runs f with each implementation of this processor, and with the generic one.
func eachImpl(t *testing.T, f func(t *testing.T)) { cpuid.EachImpl(t, "kernel", f) }

// A guarded is a slice between guard words, which are NaN.
type guarded struct {
	all []float32
	x   []float32 // its capacity includes the guard words after it
}

// newGuarded returns n elements, all NaN, between guard words.
func newGuarded(n int) guarded {
	all := make([]float32, n+2*guardWords)
	for i := range all {
		all[i] = nan32
	}
	return guarded{all, all[guardWords : guardWords+n]}
}

// random returns a guarded slice of n numbers from the standard normal distribution.
func random(r *rand.Rand, n int) guarded {
	g := newGuarded(n)
	for i := range g.x {
		g.x[i] = float32(r.NormFloat64())
	}
	return g
}

// intact reports whether the guard words are still NaN.
func (g guarded) intact() bool {
	for i, v := range g.all {
		if inside := i >= guardWords && i < guardWords+len(g.x); !inside && v == v {
			return false
		}
	}
	return true
}

// p returns the address of the first element, or of a guard word if the slice is empty.
func (g guarded) p() *float32 { return &g.all[guardWords] }

// sumTol returns the tolerance for n float32 additions and products with the sum of magnitudes mag.
func sumTol(n int, mag float64) float64 { return float64(n+2) * eps32 * mag }

// withinTolerance reports whether |got − want| ≤ tol; it is false for NaN.
func withinTolerance(got float32, want, tol float64) bool {
	return math.Abs(float64(got)-want) <= tol
}

// sameBits reports whether a and b have the same bits or both are NaN.
func sameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}
