package eval

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
)

// blob returns n points of F features around a point at a distance from the origin, spread in
// a plane so that each has near neighbours.
func blob(key rng.Key, n int, at, spread float32) *embedding {
	e := make([]float32, 2*n)
	key.Normal(e)
	x := make([]float32, n*feature.Size)
	for i := range n {
		for k := range feature.Size {
			x[i*feature.Size+k] = at + spread*e[2*i+k%2]*float32(1+k%5)
		}
	}
	return &embedding{features: x}
}

// featureEvaluation returns an evaluation that compares features only.
func featureEvaluation(t *testing.T) *evaluation {
	t.Helper()
	be := cpu.New(2)
	t.Cleanup(func() { be.Close() })
	return &evaluation{Evaluator: &Evaluator{be: be}, key: rng.New(1)}
}

// byLoop returns precision, recall, density and coverage by their definitions, over all
// pairs.
func byLoop(real, made *embedding) [4]float64 {
	const f = feature.Size
	d := func(a, b *embedding, i, j int) float64 {
		return latent.Euclidean(a.features[i*f:(i+1)*f], b.features[j*f:(j+1)*f])
	}
	kth := func(x *embedding, i, k int) float64 {
		var all []float64
		for j := range len(x.features) / f {
			if j != i {
				all = append(all, d(x, x, i, j))
			}
		}
		slices.Sort(all)
		return all[k-1]
	}
	n, m := len(real.features)/f, len(made.features)/f
	var out [4]float64
	third, fifth := make([]float64, n), make([]float64, n)
	for i := range n {
		third[i], fifth[i] = kth(real, i, 3), kth(real, i, 5)
	}
	for j := range m {
		in := false
		for i := range n {
			in = in || d(real, made, i, j) <= third[i]
			out[2] += indicator(d(real, made, i, j) <= fifth[i]) / float64(5*m)
		}
		out[0] += indicator(in) / float64(m)
	}
	thirdMade := make([]float64, m)
	for j := range m {
		thirdMade[j] = kth(made, j, 3)
	}
	for i := range n {
		in, covered := false, false
		for j := range m {
			in = in || d(real, made, i, j) <= thirdMade[j]
			covered = covered || d(real, made, i, j) <= fifth[i]
		}
		out[1] += indicator(in) / float64(n)
		out[3] += indicator(covered) / float64(n)
	}
	return out
}

var ballMetrics = []struct {
	name string
	of   distance
}{{"precision", precision}, {"recall", recall}, {"density", ballDensity}, {"coverage", ballCoverage}}

func TestManifolds(t *testing.T) {
	s := featureEvaluation(t)
	real := blob(rng.New(1), 300, 0, 1)
	one := blob(rng.New(2), 300, 0.5, 0)
	for _, tt := range []struct {
		name string
		made *embedding
		want func(v [4]float64) bool // of precision, recall, density, coverage
	}{
		{"the same distribution", blob(rng.New(2), 300, 0, 1), func(v [4]float64) bool {
			return v[0] > 0.85 && v[1] > 0.85 && math.Abs(v[2]-1) < 0.15 && v[3] > 0.9
		}},
		{"the test images themselves", real, func(v [4]float64) bool { return v == [4]float64{1, 1, v[2], 1} && v[2] > 1 }},
		{"somewhere else", blob(rng.New(2), 300, 500, 1), func(v [4]float64) bool { return v == [4]float64{} }},
		{"half as wide", blob(rng.New(2), 300, 0, 0.5), func(v [4]float64) bool { return v[0] > 0.95 && v[1] < 0.75 && v[2] > 1 && v[3] < 0.8 }},
		{"one image", one, func(v [4]float64) bool { return v[1] == 0 && v[3] < 0.05 }},
	} {
		want := byLoop(real, tt.made)
		var got [4]float64
		for i, m := range ballMetrics {
			r, err := m.of(context.Background(), s, real, tt.made)
			if err != nil || r.absent != "" {
				t.Fatalf("%s: %s: %v, %s", tt.name, m.name, err, r.absent)
			}
			if got[i] = r.value; !(math.Abs(r.value-want[i]) <= 1e-12) {
				t.Errorf("%s: %s is %v, by a loop %v", tt.name, m.name, r.value, want[i])
			}
		}
		if !tt.want(got) {
			t.Errorf("%s: precision, recall, density and coverage are %v", tt.name, got)
		}
	}
	for i, m := range ballMetrics {
		r, err := m.of(context.Background(), s, blob(rng.New(1), 3, 0, 1), blob(rng.New(2), 3, 0, 1))
		if want := []string{"3 neighbours", "3 neighbours", "5 neighbours", "5 neighbours"}[i]; err != nil || !strings.Contains(r.absent, want) {
			t.Errorf("%s of three images: %+v, %v", m.name, r, err)
		}
	}
}

// TestRadii checks the distance to the second nearest of the other points.
func TestRadii(t *testing.T) {
	x := &embedding{features: make([]float32, 4*feature.Size)}
	for i, v := range []float32{0, 1, 3, 7} {
		x.features[i*feature.Size] = v
	}
	radii, why, err := featureEvaluation(t).radii(context.Background(), x, 2)
	if want := []float64{3, 2, 3, 6}; err != nil || why != "" || !slices.Equal(radii, want) {
		t.Errorf("%v, %q, %v; want %v", radii, why, err, want)
	}
}
