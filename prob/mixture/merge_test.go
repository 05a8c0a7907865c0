package mixture

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

// unevenMixture returns a wide component, which k-means splits, and two narrow ones close together, which it does not
// separate.
func unevenMixture(full bool) *Mixture {
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

// A fit with more initial components finds the global maximum from every start.
func TestInitialComponentsAvoidLocalMaxima(t *testing.T) {
	for _, full := range []bool{false, true} {
		x := draw(t, unevenMixture(full), 3_000)
		want := mean(logDensity(t, unevenMixture(full), x))
		stuck := 0
		for seed := range uint64(4) {
			o := Options{Full: full, Key: rng.New(seed)}
			if l := mean(logDensity(t, fit(t, x, 2, 3, o), x)); l < want-0.05 {
				stuck++
			}
			o.InitialComponents = 6
			if l := mean(logDensity(t, fit(t, x, 2, 3, o), x)); !almostEqual(l, want, 0.05) {
				t.Errorf("full %v, seed %d: ln p is %v, planted %v", full, seed, l, want)
			}
		}
		if stuck == 0 {
			t.Errorf("full %v: every start finds the global maximum without them", full)
		}
	}
}

// A merged component has the mean and the covariance of the two together.
func TestMerge(t *testing.T) {
	for _, full := range []bool{false, true} {
		m := plantedMixture(full)
		x := draw(t, &Mixture{Dim: 2, Full: full, Weights: []float64{5. / 8, 3. / 8}, Means: m.Means[:4], Covs: m.Covs[:2*len(m.Covs)/3]}, 200_000)
		want := fit(t, x, 2, 1, Options{Full: full})
		got := m.merge(0, 1)
		if !almostEqual(got.Weights[0], 0.8, 1e-12) {
			t.Errorf("full %v: weight %v, want 0.8", full, got.Weights)
		}
		for i, v := range append(slices.Clone(want.Means), want.Covs...) {
			if g := append(slices.Clone(got.Means), got.Covs...)[i]; !almostEqual(g, v, 0.05) {
				t.Errorf("full %v: number %d is %v, from the points %v", full, i, g, v)
			}
		}
	}
}

// With equal weights the fit differs from that with fitted weights.
func TestEqualWeights(t *testing.T) {
	x := draw(t, plantedMixture(true), 5_000)
	o := Options{Full: true, Key: rng.New(1), EqualWeights: true}
	m := fit(t, x, 2, 4, o)
	for _, w := range m.Weights {
		if w != 0.25 {
			t.Errorf("weights %v, want 0.25 each", m.Weights)
			break
		}
	}
	o.EqualWeights = false
	if fitted := fit(t, x, 2, 4, o); slices.Equal(fitted.Means, m.Means) {
		t.Error("the fit is that with fitted weights")
	}
}
