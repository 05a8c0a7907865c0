package latent

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

// TestSampleTruncatedPrior checks that units within the limit stay and others are drawn again, and
// that the moments are those of the truncated normal distribution:
// variance 1 − 2·t·φ(t)/(2·Φ(t) − 1).
func TestSampleTruncatedPrior(t *testing.T) {
	const n, units = 20000, 10
	key := rng.New(4)
	whole := SamplePrior(key, n, units)
	for _, limit := range []float64{0.02, 0.7, 2, 9} {
		z := SampleTruncatedPrior(key, n, units, limit)
		sum, square, inside, beyond := 0.0, 0.0, 0.0, 0
		for i, v := range z {
			x := float64(v)
			if math.Abs(x) > limit*(1+1e-7) {
				t.Fatalf("limit %v: unit %d is %v", limit, i, v)
			}
			if math.Abs(float64(whole[i])) > limit {
				beyond++
			} else if v != whole[i] {
				t.Fatalf("limit %v: unit %d was %v and is %v", limit, i, whole[i], v)
			}
			sum, square = sum+x, square+x*x
			if math.Abs(x) < limit/2 {
				inside++
			}
		}
		density := math.Exp(-limit*limit/2) / math.Sqrt(2*math.Pi)
		want := 1 - 2*limit*density/math.Erf(limit/math.Sqrt2)
		count := float64(len(z))
		if mean := sum / count; math.Abs(mean) > 5*math.Sqrt(want/count) {
			t.Errorf("limit %v: mean %v", limit, mean)
		}
		if got := square / count; math.Abs(got/want-1) > 0.02 {
			t.Errorf("limit %v: variance %v, want %v", limit, got, want)
		}
		if share := math.Erf(limit/2/math.Sqrt2) / math.Erf(limit/math.Sqrt2); math.Abs(inside/count-share) > 0.01 {
			t.Errorf("limit %v: %v within half of it, want %v", limit, inside/count, share)
		}
		if share := math.Erfc(limit / math.Sqrt2); math.Abs(float64(beyond)/count-share) > 0.01 {
			t.Errorf("limit %v: %d units were beyond", limit, beyond)
		}
	}
}
