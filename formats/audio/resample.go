package audio

import (
	"math"
	"sync"
)

// The filter of Resample: a sinc of so many zero crossings to either side in a Kaiser window,
// from a table with steps between zero crossings. It passes rolloff of what the lower rate
// can hold.
const (
	zeros   = 24
	steps   = 512
	beta    = 9.0 // attenuates what would alias by 90 dB
	rolloff = 0.945
)

// sincTable returns the right half of the filter, (zeros·steps + 2).
var sincTable = sync.OnceValue(func() []float64 {
	t := make([]float64, zeros*steps+2)
	for i := range t {
		x := float64(i) / steps
		w := x / zeros
		if w >= 1 {
			continue
		}
		t[i] = rolloff * bessel(beta*math.Sqrt(1-w*w)) / bessel(beta)
		if a := math.Pi * x * rolloff; a != 0 {
			t[i] *= math.Sin(a) / a
		}
	}
	return t
})

// bessel returns the modified Bessel function I₀(x), by its series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

// Resample returns samples at another rate, filtered so that nothing aliases: sample i of the
// result is at i/to seconds. What is before the first and after the last is 0. Rates are in
// MinRate to MaxRate.
func Resample(x []float32, from, to int) []float32 {
	if from == to {
		return x
	}
	table := sincTable()
	scale := min(1, float64(to)/float64(from)) // of the filter's frequency
	half := int(zeros / scale)
	out := make([]float32, int(int64(len(x))*int64(to)/int64(from)))
	for i := range out {
		whole := int(int64(i) * int64(from) / int64(to))
		part := float64(int64(i)*int64(from)%int64(to)) / float64(to)
		sum := 0.0
		for k := max(0, whole-half); k <= min(len(x)-1, whole+half+1); k++ {
			at := math.Abs(float64(k-whole)-part) * scale * steps
			j := int(at)
			if j > zeros*steps {
				continue
			}
			f := at - float64(j)
			sum += float64(x[k]) * (table[j]*(1-f) + table[j+1]*f)
		}
		out[i] = float32(sum * scale)
	}
	return out
}
