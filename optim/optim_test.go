package optim

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A training is a function that takes one step of a rule on the parameters net/w (2) and net/b (), and its states.
type training struct {
	step   *graph.Func
	states map[string]graph.Value
}

// newTraining returns a training whose parameters are 1, −2 and 0.5. If guarded is true, Guard watches the norm of the
// gradients.
func newTraining(t *testing.T, r Rule, guarded bool) *training {
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
	return &training{f, states}
}

// run takes one step and returns the norm of the gradients.
func (r *training) run(t *testing.T, g [3]float64, lr float64) float64 {
	t.Helper()
	in := map[string]graph.Value{"gw": g[:2], "gb": g[2:], "lr": {lr}}
	out, err := graph.Interp(r.step, graph.Env{Inputs: in, States: r.states})
	if err != nil {
		t.Fatal(err)
	}
	return out[0][0]
}

// params returns the three parameters.
func (r *training) params() []float64 { return slices.Concat(r.states["net/w"], r.states["net/b"]) }

// Adam equals the algorithm of the paper, one number at a time.
func TestAdamAlgorithm(t *testing.T) {
	run := newTraining(t, DefaultAdam(), true)
	p, m, v := [3]float64{1, -2, 0.5}, [3]float64{}, [3]float64{}
	b1, b2, eps := float64(float32(0.9)), float64(float32(0.999)), float64(float32(1e-7))
	for n := 1; n <= 20; n++ {
		g, lr := gradient(n), rate(n)
		norm := run.run(t, g, lr)
		if want := math.Sqrt(g[0]*g[0] + g[1]*g[1] + g[2]*g[2]); !(math.Abs(norm-want) < 1e-12) {
			t.Errorf("step %d: norm %v, want %v", n, norm, want)
		}
		for i := range p {
			m[i] = b1*m[i] + (1-b1)*g[i]
			v[i] = b2*v[i] + (1-b2)*g[i]*g[i]
			mHat, vHat := m[i]/(1-math.Pow(b1, float64(n))), v[i]/(1-math.Pow(b2, float64(n)))
			p[i] -= lr * mHat / (math.Sqrt(vHat) + eps)
			if got := run.params()[i]; !(math.Abs(got-p[i]) < 1e-12) {
				t.Fatalf("step %d: parameter %d is %.15f, want %.15f", n, i, got, p[i])
			}
		}
	}
	if got := run.states["optimizer/adam/beta2_power"][0]; !(math.Abs(got-math.Pow(b2, 20)) < 1e-14) {
		t.Errorf("after 20 steps beta2_power is %v", got)
	}
	if _, ok := run.states["optimizer/adam/m/net/w"]; !ok {
		t.Errorf("no slot optimizer/adam/m/net/w among %v", run.states)
	}
}

// Each option of Adam has an effect, and two rules with different names have different slots.
func TestAdamOptions(t *testing.T) {
	after := func(a Adam) float64 {
		run := newTraining(t, a, false)
		for _, g := range []float64{1, -0.2} {
			run.run(t, [3]float64{g, g, g}, 0.1)
		}
		if _, ok := run.states[a.Name+"/v/net/b"]; !ok {
			t.Errorf("Adam %q has slots %v", a.Name, run.states)
		}
		return run.states["net/b"][0]
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

// A guarded step changes no state of any rule if a gradient is not finite.
func TestGuardKeepsAllStates(t *testing.T) {
	for name, r := range testRules() {
		run := newTraining(t, r, true)
		before := map[string]graph.Value{}
		for s, v := range run.states {
			before[s] = slices.Clone(v)
		}
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			run.run(t, [3]float64{1, bad, 1}, 0.1)
			for s, v := range before {
				if !slices.Equal(run.states[s], v) {
					t.Errorf("%s: a gradient of %v changes %s from %v to %v", name, bad, s, v, run.states[s])
				}
			}
		}
		if run.run(t, [3]float64{1, 1, 1}, 0.1); run.params()[2] == 0.5 {
			t.Errorf("%s: a finite gradient changes nothing", name)
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
