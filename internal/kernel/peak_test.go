package kernel

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/internal/cpuid"
)

// All chains compute all rounds: after n rounds c = y·(1 + x + … + xⁿ).
func TestFMARounds(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		const x, y = 0.75, 0.5
		for _, n := range []int{0, 1, 2, 3, 10, 1000} {
			var c float64 = y
			for range n {
				c = c*x + y
			}
			want := c * FMARound / 2
			if got := FMARounds(n, x, y); !(math.Abs(float64(got)-want) <= 1e-5*want) {
				t.Errorf("n=%d: FMARounds = %v, want %v", n, got, want)
			}
		}
	})
}

func BenchmarkFMARounds(b *testing.B) {
	cpuid.EachImpl(b, "kernel", func(b *testing.B) {
		const n = 1000
		for b.Loop() {
			FMARounds(n, 0.75, 0.5)
		}
		b.ReportMetric(float64(b.N)*n*FMARound/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	})
}
