package latent

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/rng"
)

// UnitKL returns the KL divergence of each unit from the prior: the mean over images of
// KL(q(z_u|x) ‖ N(0, 1)), in nats,
//
//	½ (μ² + σ² − ln σ² − 1)
//
// which is 0 for a unit that does not depend on the image. Kingma & Welling, arXiv:1312.6114,
// app. B.
//
// mean, logVar (N, units), logVar ln σ² → (units).
func UnitKL(mean, logVar []float32, units int) []float64 {
	kl := make([]float64, units)
	for i, m := range mean {
		v := float64(logVar[i])
		kl[i%units] += 0.5 * (float64(m)*float64(m) + math.Exp(v) - v - 1)
	}
	for u := range kl {
		kl[u] /= float64(len(mean) / units)
	}
	return kl
}

// Moments returns the mean and the standard deviation of each unit over codes.
//
// codes (N, units), N ≥ 1 → (units) each.
func Moments(codes []float32, units int) (mean, deviation []float64) {
	mean, deviation = make([]float64, units), make([]float64, units)
	n := float64(len(codes) / units)
	for i, v := range codes {
		mean[i%units] += float64(v) / n
	}
	for i, v := range codes {
		d := float64(v) - mean[i%units]
		deviation[i%units] += d * d / n
	}
	for u := range deviation {
		deviation[u] = math.Sqrt(deviation[u])
	}
	return mean, deviation
}

// changeCodes is the number of codes that UnitChange varies.
const changeCodes = 8

// UnitChange returns the effect of each unit on the item, for a model without an encoder: the
// root mean square change of a value, in [0, 1], as the unit goes from −1 to 1 in codes drawn
// from N(0, I) at key. For a conditional decoder each code has one of the labels, in turn.
//
// → (Z).
func (s *Session) UnitChange(ctx context.Context, key rng.Key) ([]float64, error) {
	units, k := s.Latent(), s.DecodeLabels()
	codes := SamplePrior(key, changeCodes, units)
	labels := make([]float32, changeCodes*k)
	for i := 0; i < changeCodes && k > 0; i++ {
		labels[i*k+i%k] = 1
	}
	var change []float64
	all := make([]int, units)
	for u := range all {
		all[u] = u
	}
	for some := range slices.Chunk(all, max(1, s.batch/(2*changeCodes))) {
		var z []float32
		for _, u := range some {
			for _, v := range []float32{-1, 1} {
				at := len(z)
				z = append(z, codes...)
				for i := range changeCodes {
					z[at+i*units+u] = v
				}
			}
		}
		pix, err := s.DecodeAs(ctx, z, slices.Repeat(labels, len(z)/len(codes)))
		if err != nil {
			return nil, err
		}
		half := changeCodes * s.in.Size()
		for i := range some {
			change = append(change, math.Sqrt(MeanSquared(row(pix, half, 2*i), row(pix, half, 2*i+1))))
		}
	}
	return change, nil
}

// Ranked returns the units by descending score; equal scores keep their order.
func Ranked(score []float64) []int {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	return order
}

// Traverse varies units of a code one at a time: row r is the code with unit units[r] set to
// each of its values in turn.
//
// code (Z), units (R) in [0, Z), values (R) of V each → (R·V, Z).
func Traverse(code []float32, units []int, values [][]float32) ([]float32, error) {
	if len(units) != len(values) {
		return nil, fmt.Errorf("latent: values of %d units for %d units", len(values), len(units))
	}
	var z []float32
	for r, u := range units {
		if u < 0 || u >= len(code) {
			return nil, fmt.Errorf("latent: unit %d: the codes have units 0 to %d", u, len(code)-1)
		}
		for _, v := range values[r] {
			z = append(z, code...)
			z[len(z)-len(code)+u] = v
		}
	}
	return z, nil
}
