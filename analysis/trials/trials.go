// Package trials has what several trainings of one model need: the mean of a metric over
// them with its interval, and the values of options that a search tries.
//
//	d, err := trials.ParseDimension("lr=1e-4..1e-2:log")
//	points := trials.Random([]trials.Dimension{d}, 20, rng.New(1))
//
// It trains nothing and knows no model, run or file.
package trials

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// A Summary describes the values of a metric over N trainings that differ in the seed
// alone.
type Summary struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`   // standard deviation, with the divisor N − 1; NaN of one value
	Half float64 `json:"half"` // half the width of the 95 % interval of the mean; NaN of one value
}

// Summarise returns the summary of values. The interval is that of Student's t with N − 1
// degrees of freedom, Mean ± t · SD / √N: of 95 in 100 such sets of normal values it
// contains the mean of all. It has NaN without values.
func Summarise(values []float64) Summary {
	s := Summary{N: len(values), Mean: math.NaN(), SD: math.NaN(), Half: math.NaN()}
	if s.N == 0 {
		return s
	}
	s.Mean = stat.Mean(values, nil)
	if s.N > 1 {
		n := float64(s.N)
		s.SD = stat.StdDev(values, nil)
		s.Half = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975) * s.SD / math.Sqrt(n)
	}
	return s
}
