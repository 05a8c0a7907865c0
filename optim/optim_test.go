package optim

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// step returns p ← p − rule's step along g, two parameters given a gradient each.
func step(t *testing.T, r Rule, guarded bool) (*graph.Func, map[string]graph.Value) {
	t.Helper()
	params := []*graph.Node{graph.State("net/w", 2), graph.State("net/b")}
	grads := []*graph.Node{graph.Input("gw", tensor.Float32, 2), graph.Input("gb", tensor.Float32)}
	lr := graph.Input("lr", tensor.Float32)
	updates, slots := r.Update(params, grads, lr)
	norm := GlobalNorm(grads)
	if guarded {
		updates = Guard(updates, norm)
	}
	f, err := graph.NewFunc("step", append(grads, lr), []graph.Output{{Name: "norm", Value: norm}}, updates)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]graph.Value{"net/w": {1, -2}, "net/b": {0.5}}
	for _, s := range slots {
		states[s.Name] = graph.Value{}
		for _, v := range s.Tensor().F32() {
			states[s.Name] = append(states[s.Name], float64(v))
		}
	}
	return f, states
}

// Against the algorithm of the paper, written out for one number at a time.
func TestAdamIsTheAlgorithm(t *testing.T) {
	f, states := step(t, DefaultAdam(), true)
	p, m, v := [3]float64{1, -2, 0.5}, [3]float64{}, [3]float64{}
	b1, b2, eps := float64(float32(0.9)), float64(float32(0.999)), float64(float32(1e-7))
	for n := 1; n <= 20; n++ {
		g := [3]float64{math.Sin(float64(n)), 1e-3 * math.Cos(float64(n)), 40}
		lr := 0.01 / float64(n)
		in := map[string]graph.Value{"gw": g[:2], "gb": g[2:], "lr": {lr}}
		out, err := graph.Interp(f, graph.Env{Inputs: in, States: states})
		if err != nil {
			t.Fatal(err)
		}
		if want := math.Sqrt(g[0]*g[0] + g[1]*g[1] + g[2]*g[2]); !(math.Abs(out[0][0]-want) < 1e-12) {
			t.Errorf("step %d: norm %v, want %v", n, out[0][0], want)
		}
		for i := range p {
			m[i] = b1*m[i] + (1-b1)*g[i]
			v[i] = b2*v[i] + (1-b2)*g[i]*g[i]
			mHat, vHat := m[i]/(1-math.Pow(b1, float64(n))), v[i]/(1-math.Pow(b2, float64(n)))
			p[i] -= lr * mHat / (math.Sqrt(vHat) + eps)
			if got := slices.Concat(states["net/w"], states["net/b"])[i]; !(math.Abs(got-p[i]) < 1e-12) {
				t.Fatalf("step %d: parameter %d is %.15f, want %.15f", n, i, got, p[i])
			}
		}
	}
	if got := states["optimizer/adam/beta2_power"][0]; !(math.Abs(got-math.Pow(b2, 20)) < 1e-14) {
		t.Errorf("after 20 steps beta2_power is %v", got)
	}
	if _, ok := states["optimizer/adam/m/net/w"]; !ok {
		t.Errorf("no slot optimizer/adam/m/net/w among %v", states)
	}
}

// The options of Adam each have an effect, and its name keeps slots apart.
func TestAdamOptions(t *testing.T) {
	after := func(a Adam) float64 {
		f, states := step(t, a, false)
		for _, g := range []float64{1, -0.2} {
			in := map[string]graph.Value{"gw": {g, g}, "gb": {g}, "lr": {0.1}}
			if _, err := graph.Interp(f, graph.Env{Inputs: in, States: states}); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := states[a.Name+"/v/net/b"]; !ok {
			t.Errorf("Adam %q has slots %v", a.Name, states)
		}
		return states["net/b"][0]
	}
	base := DefaultAdam()
	b1, b2, eps := base, base, base
	b1.Beta1, b2.Beta2, eps.Epsilon = 0.5, 0.9, 0.1
	b1.Name = "optimizer/critic"
	for name, a := range map[string]Adam{"beta1": b1, "beta2": b2, "epsilon": eps} {
		if got, was := after(a), after(base); !(math.Abs(got-was) > 1e-4) {
			t.Errorf("%s: the parameter is %v with either value", name, got)
		}
	}
}

func TestGuardKeepsEverythingOfABadStep(t *testing.T) {
	f, states := step(t, DefaultAdam(), true)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		in := map[string]graph.Value{"gw": {1, bad}, "gb": {1}, "lr": {0.1}}
		if _, err := graph.Interp(f, graph.Env{Inputs: in, States: states}); err != nil {
			t.Fatal(err)
		}
		if states["net/w"][0] != 1 || states["net/b"][0] != 0.5 || states["optimizer/adam/v/net/b"][0] != 0 || states["optimizer/adam/beta1_power"][0] != 1 {
			t.Errorf("a gradient of %v changed %v", bad, states)
		}
	}
}

func TestClip(t *testing.T) {
	a, b := graph.ConstOf([]float32{3, 0}, 2), graph.Const(-4)
	for limit, want := range map[float64]float64{1: 0.2, 2.5: 0.5, 5: 1, 100: 1} {
		grads := []*graph.Node{a, b}
		c := Clip(grads, GlobalNorm(grads), limit)
		f, err := graph.NewFunc("clip", nil, []graph.Output{{Name: "a", Value: c[0]}, {Name: "b", Value: c[1]}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := graph.Interp(f, graph.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if !(math.Abs(out[0][0]-3*want) < 1e-12) || out[0][1] != 0 || !(math.Abs(out[1][0]+4*want) < 1e-12) {
			t.Errorf("clipped at %v: %v, want %v of (3, 0, −4)", limit, out, want)
		}
	}
}
