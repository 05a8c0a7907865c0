package mixture

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

// clustered returns n points of d dimensions around k centres, with the variance 1 around each.
func clustered(n, d, k int, key rng.Key) []float32 {
	x, centres := make([]float32, n*d), make([]float32, k*d)
	key.Split("points").Normal(x)
	key.Split("centres").Normal(centres)
	for i := range x {
		x[i] += 8 * centres[(i/d%k)*d+i%d]
	}
	return x
}

// The mixtures of groups have one covariance, that around the centres, and a group without points has none.
func TestFitGroups(t *testing.T) {
	const d, k = 3, 4
	groups := [][]float32{clustered(200, d, k, rng.New(1)), nil, clustered(40, d, k, rng.New(2)), clustered(2, d, 1, rng.New(3))}
	for _, full := range []bool{false, true} {
		all, err := FitGroups(t.Context(), groups, d, k, Options{Full: full, Restarts: 4, Key: rng.New(1)})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != len(groups) || all[1] != nil || all[0].Components() != k || all[2].Components() != k || all[3].Components() != 2 {
			t.Fatalf("full %v: mixtures %v", full, all)
		}
		size := len(all[3].Covs) / 2
		for _, m := range []*Mixture{all[0], all[2], all[3]} {
			if err := m.Validate(); err != nil {
				t.Fatal(err)
			}
			for c := range m.Components() {
				if !slices.Equal(m.Covs[c*size:(c+1)*size], all[0].Covs[:size]) {
					t.Fatalf("full %v: component %d has a covariance of its own", full, c)
				}
			}
		}
		for j := range d {
			if v := all[0].Covs[j*(size/d)+j*(size/d)/d]; !almostEqual(v, 1, 0.2) {
				t.Errorf("full %v: variance %v of dimension %d, want 1", full, v, j)
			}
		}
	}
}

// An EM iteration never lowers the likelihood of all groups together.
func TestGroupsLikelihoodNeverDecreases(t *testing.T) {
	const d = 2
	groups := [][]float32{clustered(300, d, 3, rng.New(1)), clustered(100, d, 5, rng.New(2))}
	last := math.Inf(-1)
	for i := 1; i <= 8; i++ {
		all, err := FitGroups(t.Context(), groups, d, 6, Options{Full: true, Iterations: i, Tolerance: 1e-12, Key: rng.New(5)})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for g, m := range all {
			for _, l := range logDensity(t, m, groups[g]) {
				sum += l
			}
		}
		if !(sum >= last-1e-3) {
			t.Errorf("ln p of all points after %d iterations is %v, before %v", i, sum, last)
		}
		last = sum
	}
}

// A fit fails without points, with bad ones, and without components.
func TestFitGroupsErrors(t *testing.T) {
	for name, groups := range map[string][][]float32{
		"no point": {nil}, "no group": nil, "half a point": {{1, 2, 3, 4}}, "equal points": {{1, 2, 3, 1, 2, 3}}, "no number": {{1, 2, float32(math.NaN())}},
	} {
		if _, err := FitGroups(t.Context(), groups, 3, 2, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, k := range []int{0, -1} {
		if _, err := FitGroups(t.Context(), [][]float32{{1, 2, 3}}, 1, k, Options{}); err == nil {
			t.Errorf("%d components: no error", k)
		}
	}
	if _, err := FitGroups(t.Context(), [][]float32{{1, 2, 3}}, 1, 1, Options{Restarts: -1}); err == nil {
		t.Error("-1 restarts: no error")
	}
}
