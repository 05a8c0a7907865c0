package rng

import (
	"math"
	"testing"
)

// A stream returns the numbers of its key in order.
func TestStreamOrder(t *testing.T) {
	k := New(3).Split("x")
	want := make([]float32, 11)
	k.Uniform(want)
	s := k.Stream()
	for i, w := range want {
		if got := s.Uniform(); got != w {
			t.Errorf("number %d is %v, that of the key %v", i, got, w)
		}
	}
}

func TestStreamNormal(t *testing.T) {
	var n, sum, sum2, sum4 float64
	for i := range 1000 {
		s := New(1).At(uint64(i)).Stream()
		for range 160 {
			x := float64(s.Normal())
			n, sum, sum2, sum4 = n+1, sum+x, sum2+x*x, sum4+x*x*x*x
		}
	}
	// 160,000 draws: five standard errors of the mean are 0.0125, of the variance
	// about 0.016. The kurtosis of four uniform summands is 3 - 1.2/4 = 2.7.
	if !(math.Abs(sum/n) < 0.0125) || !(math.Abs(sum2/n-1) < 0.016) || !(math.Abs(sum4/n-2.7) < 0.06) {
		t.Errorf("moments %.4f, %.4f, %.4f; want 0, 1, 2.7", sum/n, sum2/n, sum4/n)
	}
	s := New(2).Stream()
	for range 1000 {
		if x := s.ClampedNormal(5, 2, 4, 6.5); x < 4 || x > 6.5 {
			t.Fatalf("%v is not within 4 and 6.5", x)
		}
	}
}
