package prob

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// The estimate equals its definition, pair by pair, without the rows of weight 0.
func TestMMD(t *testing.T) {
	x, w, y := input("x", 4, 2), input("w", 4), input("y", 4, 2)
	in := map[string]graph.Value{"x": {0, 1, 2, -1, 0.5, 0.3, 9, 9}, "w": {1, 1, 1, 0}, "y": {1, 1, 0.2, -0.4, -1, 0, -9, 9}}
	imq := func(d2 float64) float64 {
		sum := 0.0
		for _, s := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
			sum += 4 * s / (4*s + d2) / 7
		}
		return sum
	}
	rbf := func(d2 float64) float64 { return math.Exp(-d2 / 2) }
	for name, c := range map[string]struct {
		k    Kernel
		want func(float64) float64
	}{"imq": {IMQ(2), imq}, "rbf": {RBF(2), rbf}} {
		k := func(a, b []float64, i, j int) float64 {
			d0, d1 := a[2*i]-b[2*j], a[2*i+1]-b[2*j+1]
			return c.want(d0*d0 + d1*d1)
		}
		want := 0.0
		for i := range 3 {
			for j := range 3 {
				if i != j {
					want += (k(in["x"], in["x"], i, j) + k(in["y"], in["y"], i, j)) / 6
				}
				want -= 2 * k(in["x"], in["y"], i, j) / 9
			}
		}
		if got := eval(t, in, MMD(x, y, w, c.k))[0][0]; !almostEqual(got, want, 1e-6) {
			t.Errorf("%s: MMD² is %v, pair by pair %v", name, got, want)
		}
		one := map[string]graph.Value{"x": in["x"], "y": in["y"], "w": {1, 0, 0, 0}}
		if got := eval(t, one, MMD(x, y, w, c.k))[0][0]; math.IsNaN(got) {
			t.Errorf("%s: NaN with one row of weight 1", name)
		}
	}
}

// MMD is about 0 between draws of one distribution, and positive between draws of different ones.
func TestMMDOfEqualAndDifferentDistributions(t *testing.T) {
	const n = 200
	key := graph.Input("key", tensor.Int32, 4)
	w := rng.New(3).Words()
	in := map[string]graph.Value{"key": {float64(w[0]), float64(w[1]), float64(w[2]), float64(w[3])}}
	x, y := graph.Normal(key, "x", n, 3), graph.Normal(key, "y", n, 3)
	all := graph.BroadcastTo(graph.Const(1), n)
	for _, k := range []Kernel{IMQ(3), RBF(3)} {
		out := eval(t, in, MMD(x, y, all, k), MMD(graph.Scale(x, 0.5), y, all, k), MMD(graph.AddScalar(x, 1), y, all, k))
		if same, narrow, moved := out[0][0], out[1][0], out[2][0]; !(math.Abs(same) < 0.005 && narrow > 0.03 && moved > 0.1) {
			t.Errorf("MMD² of equal distributions is %v, of different widths %v, of different means %v", same, narrow, moved)
		}
	}
}
