package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/imago-ml/imago/internal/cpuid"
)

const (
	eps32  = 0x1p-23
	margin = 40 // guard words on each side: more than a kernel may read past its end
)

var nan32 = float32(math.NaN())

// eachImpl runs f under the assembly, if there is any, and under the Go twins.
func eachImpl(t *testing.T, f func(t *testing.T)) { cpuid.EachImpl(t, "kernel", f) }

// guarded is n elements between NaN words.
type guarded struct {
	all []float32
	x   []float32 // capacity runs on into the guard, so that &x[0]+n is readable
}

func guard(n int) guarded {
	all := make([]float32, n+2*margin)
	for i := range all {
		all[i] = nan32
	}
	return guarded{all, all[margin : margin+n]}
}

// random fills a guarded slice with normal numbers.
func random(r *rand.Rand, n int) guarded {
	g := guard(n)
	for i := range g.x {
		g.x[i] = float32(r.NormFloat64())
	}
	return g
}

// intact reports whether the guard words are still NaN.
func (g guarded) intact() bool {
	for i, v := range g.all {
		if inside := i >= margin && i < margin+len(g.x); !inside && v == v {
			return false
		}
	}
	return true
}

// p returns the first element; a pointer into the guard for an empty slice.
func (g guarded) p() *float32 { return &g.all[margin] }

// sumTol returns the error that n float32 additions and products of total magnitude
// mag may have.
func sumTol(n int, mag float64) float64 { return float64(n+2) * eps32 * mag }

// within reports |got − want| ≤ tol; a NaN is never within.
func within(got float32, want, tol float64) bool {
	return math.Abs(float64(got)-want) <= tol
}

// same returns equality of bits, all NaNs being one.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}
