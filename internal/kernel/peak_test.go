package kernel

import (
	"math"
	"testing"
)

// All chains compute all rounds: after n rounds c = y·(1 + x + … + xⁿ).
func TestUnitsRound(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		const x, y = 0.75, 0.5
		for _, u := range FMAUnits() {
			for _, n := range []int{0, 1, 2, 3, 10, 1000} {
				var c float64 = y
				for range n {
					c = c*x + y
				}
				want := c * float64(u.Round) / 2
				if got := u.Rounds(n, x, y); !(math.Abs(float64(got)-want) <= 1e-5*want) {
					t.Errorf("%s, n=%d: %v, want %v", u.Name, n, got, want)
				}
			}
		}
	})
}

// Each unit adds up whole rounds of a slice.
func TestUnitsRead(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for _, u := range FMAUnits() {
			x := make([]float32, 3*u.Round/2)
			for i := range x {
				x[i] = float32(i)
			}
			want := float64(len(x)) * float64(len(x)-1) / 2
			if got := u.Read(x); !(math.Abs(float64(got)-want) <= 1e-6*want) {
				t.Errorf("%s adds up to %v, want %v", u.Name, got, want)
			}
			if got := u.Read(nil); got != 0 {
				t.Errorf("%s: nothing adds up to %v", u.Name, got)
			}
		}
	})
}

func BenchmarkUnits(b *testing.B) {
	for _, u := range FMAUnits() {
		b.Run(u.Name, func(b *testing.B) {
			const n = 1000
			for b.Loop() {
				u.Rounds(n, 0.75, 0.5)
			}
			gflops(b, n*u.Round)
		})
	}
}
