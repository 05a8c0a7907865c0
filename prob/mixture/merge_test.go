package mixture

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

// uneven returns a wide component, which k-means parts, and a narrow pair, which it does not.
func uneven(full bool) *Mixture {
	m := &Mixture{Dim: 2, Full: full, Weights: []float64{0.4, 0.3, 0.3}, Means: []float64{0, 0, 20, 1.5, 20, -1.5}}
	for _, v := range []float64{25, 0.1, 0.1} {
		if full {
			m.Covs = append(m.Covs, v, 0, 0, v)
		} else {
			m.Covs = append(m.Covs, v, v)
		}
	}
	return m
}

// A fit that begins with more components ends in the likeliest mixture from any start.
func TestMergingLeavesLocalMaxima(t *testing.T) {
	for _, full := range []bool{false, true} {
		x := drawn(t, uneven(full), 3_000)
		want := mean(logDensity(t, uneven(full), x))
		stuck := 0
		for seed := range uint64(4) {
			o := Options{Full: full, Key: rng.New(seed)}
			if l := mean(logDensity(t, fitted(t, x, 2, 3, o), x)); l < want-0.05 {
				stuck++
			}
			o.Begin = 6
			if l := mean(logDensity(t, fitted(t, x, 2, 3, o), x)); !near(l, want, 0.05) {
				t.Errorf("full %v, seed %d: ln p is %v, planted %v", full, seed, l, want)
			}
		}
		if stuck == 0 {
			t.Errorf("full %v: no start needs it", full)
		}
	}
}

// One component in the place of two has the mean and covariance of both together.
func TestMerged(t *testing.T) {
	for _, full := range []bool{false, true} {
		m := planted(full)
		x := drawn(t, &Mixture{Dim: 2, Full: full, Weights: []float64{5. / 8, 3. / 8}, Means: m.Means[:4], Covs: m.Covs[:2*len(m.Covs)/3]}, 200_000)
		want := fitted(t, x, 2, 1, Options{Full: full})
		got := m.merged(0, 1)
		if !near(got.Weights[0], 0.8, 1e-12) {
			t.Errorf("full %v: weight %v, want 0.8", full, got.Weights)
		}
		for i, v := range append(slices.Clone(want.Means), want.Covs...) {
			if g := append(slices.Clone(got.Means), got.Covs...)[i]; !near(g, v, 0.05) {
				t.Errorf("full %v: number %d is %v, of the points %v", full, i, g, v)
			}
		}
	}
}

// Equal weights part what unequal ones would leave together.
func TestEqualWeights(t *testing.T) {
	x := drawn(t, planted(true), 5_000)
	o := Options{Full: true, Key: rng.New(1), Equal: true}
	m := fitted(t, x, 2, 4, o)
	for _, w := range m.Weights {
		if w != 0.25 {
			t.Errorf("weights %v, want 0.25 each", m.Weights)
			break
		}
	}
	o.Equal = false
	if free := fitted(t, x, 2, 4, o); slices.Equal(free.Means, m.Means) {
		t.Error("the fit is that of free weights")
	}
}
