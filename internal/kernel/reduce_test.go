package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSum(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := range 200 {
			g := random(r, n)
			var want, mag float64
			for _, v := range g.x {
				want += float64(v)
				mag += math.Abs(float64(v))
			}
			got := Sum(g.x)
			if !withinTolerance(got, want, sumTol(n, mag)) {
				t.Fatalf("n=%d: Sum = %v, want %v", n, got, want)
			}
			if order := sumGeneric(g.x); !sameBits(got, order) {
				t.Fatalf("n=%d: Sum = %v, in the order its comment states %v", n, got, order)
			}
			for i, v := range g.x { // every lane counts, every lane carries NaN
				if g.x[i] = nan32; Sum(g.x) == Sum(g.x) {
					t.Fatalf("n=%d: a NaN at %d is lost", n, i)
				}
				g.x[i] = v
			}
		}
	})
}

func TestMaxOf(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		if got := MaxOf(nil); !sameBits(got, -inf32) {
			t.Errorf("MaxOf(nil) = %v, want -Inf", got)
		}
		r := rand.New(rand.NewPCG(3, 4))
		for n := 1; n < 150; n++ {
			g := random(r, n)
			for i := range g.x {
				g.x[i] = -1 - float32(math.Abs(float64(g.x[i]))) // so that a stray 0 shows
			}
			for i, v := range g.x {
				for _, top := range []float32{-0.5, inf32, nan32} {
					if g.x[i] = top; !sameBits(MaxOf(g.x), top) {
						t.Fatalf("n=%d: MaxOf = %v with %v at %d", n, MaxOf(g.x), top, i)
					}
				}
				g.x[i] = v
			}
			Fill(g.x, -inf32)
			if got := MaxOf(g.x); !sameBits(got, -inf32) {
				t.Fatalf("n=%d: MaxOf of -Inf = %v", n, got)
			}
		}
	})
}
