package optim

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
)

// gradient returns the three gradients of step n, as in testdata/rules.py.
func gradient(n int) [3]float64 {
	return [3]float64{math.Sin(float64(n)), 1e-3 * math.Cos(float64(n)), 40}
}

// rate returns the learning rate of step n, as in testdata/rules.py.
func rate(n int) float64 { return 0.01 / float64(n) }

// testRules returns the rules by the names of testdata/rules.py.
func testRules() map[string]Rule {
	momentum, nesterov := DefaultSGD(), DefaultSGD()
	momentum.Momentum, nesterov.Momentum, nesterov.Nesterov = 0.9, 0.9, true
	rmsMomentum, rmsCentered := DefaultRMSprop(), DefaultRMSprop()
	rmsMomentum.Momentum = 0.9
	rmsCentered.Rho, rmsCentered.Epsilon, rmsCentered.Centered = 0.9, 1e-3, true
	return map[string]Rule{
		"sgd":              DefaultSGD(),
		"sgd momentum":     momentum,
		"sgd nesterov":     nesterov,
		"rmsprop":          DefaultRMSprop(),
		"rmsprop momentum": rmsMomentum,
		"rmsprop centered": rmsCentered,
		"adam":             DefaultAdam(),
		"adamw":            DefaultAdamW(),
	}
}

// Every rule agrees with PyTorch after twenty steps in float64. The tolerance of 1e-12 allows for another order of
// operations: for example, PyTorch multiplies p by 1 − αλ where AdamW here subtracts αλp.
func TestRulesAgainstPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct{ After map[string][]float64 }
	if err := json.Unmarshal(data, &oracle); err != nil {
		t.Fatal(err)
	}
	rules := testRules()
	if len(oracle.After) != len(rules) {
		t.Fatalf("%d rules in testdata/rules.json, want %d", len(oracle.After), len(rules))
	}
	for name, r := range rules {
		run := newTraining(t, r, false)
		for n := 1; n <= 20; n++ {
			run.run(t, gradient(n), rate(n))
		}
		for i, want := range oracle.After[name] {
			if got := run.params()[i]; !(math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))) {
				t.Errorf("%s: parameter %d is %.15f, by PyTorch %.15f", name, i, got, want)
			}
		}
	}
}

// The rules equal their formulas, as plain loops over one number.
func TestRulesAgainstLoops(t *testing.T) {
	r32 := func(x float64) float64 { return float64(float32(x)) } // the constants of a graph are float32
	mu, rho, rho9, eps := r32(0.9), r32(0.99), r32(0.9), r32(1e-8)
	var b, v, m float64
	for name, formula := range map[string]func(p, g, lr float64) float64{
		"sgd":          func(p, g, lr float64) float64 { return p - lr*g },
		"sgd momentum": func(p, g, lr float64) float64 { b = mu*b + g; return p - lr*b },
		"sgd nesterov": func(p, g, lr float64) float64 { b = mu*b + g; return p - lr*(g+mu*b) },
		"rmsprop": func(p, g, lr float64) float64 {
			v = rho*v + (1-rho)*g*g
			return p - lr*g/(math.Sqrt(v)+eps)
		},
		"rmsprop momentum": func(p, g, lr float64) float64 {
			v = rho*v + (1-rho)*g*g
			b = mu*b + g/(math.Sqrt(v)+eps)
			return p - lr*b
		},
		"rmsprop centered": func(p, g, lr float64) float64 {
			v, m = rho9*v+(1-rho9)*g*g, rho9*m+(1-rho9)*g
			return p - lr*g/(math.Sqrt(v-m*m)+r32(1e-3))
		},
	} {
		b, v, m = 0, 0, 0
		run, p := newTraining(t, testRules()[name], false), 1.0
		for n := 1; n <= 20; n++ {
			run.run(t, gradient(n), rate(n))
			p = formula(p, gradient(n)[0], rate(n))
			if got := run.params()[0]; !(math.Abs(got-p) < 1e-12) {
				t.Fatalf("%s: after step %d the parameter is %.15f, want %.15f", name, n, got, p)
			}
		}
	}
}

// With a constant gradient and learning rate, the position after n steps has a closed form.
func TestMomentumClosedForm(t *testing.T) {
	const n, lr, g = 30, 0.01, 2.0
	r := testRules()["sgd momentum"].(SGD)
	run := newTraining(t, r, false)
	for range n {
		run.run(t, [3]float64{g, g, g}, lr)
	}
	// b_t = g (1−μᵗ)/(1−μ), so Σ_t b_t = g/(1−μ) · (n − μ (1−μⁿ)/(1−μ)).
	mu := float64(float32(r.Momentum))
	want := 1 - lr*g/(1-mu)*(n-mu*(1-math.Pow(mu, n))/(1-mu))
	if got := run.params()[0]; !(math.Abs(got-want) < 1e-12) {
		t.Errorf("after %d steps the parameter is %v, want %v", n, got, want)
	}
}

// A gradient of 0 leaves AdamW with its decay alone: p shrinks by 1 − αλ in each step.
func TestAdamWDecay(t *testing.T) {
	run := newTraining(t, DefaultAdamW(), false)
	for range 10 {
		run.run(t, [3]float64{}, 0.5)
	}
	factor := math.Pow(1-0.5*float64(float32(0.01)), 10)
	for i, p := range []float64{1, -2, 0.5} {
		if got := run.params()[i]; !(math.Abs(got-p*factor) < 1e-12) {
			t.Errorf("parameter %d is %v, want %v", i, got, p*factor)
		}
	}
	plain := DefaultAdamW()
	plain.WeightDecay = 0
	a, b := newTraining(t, plain, false), newTraining(t, plain.Adam, false)
	for n := 1; n <= 5; n++ {
		a.run(t, gradient(n), rate(n))
		b.run(t, gradient(n), rate(n))
	}
	if !slices.Equal(a.params(), b.params()) {
		t.Errorf("without decay AdamW gives %v, Adam %v", a.params(), b.params())
	}
}

func TestSlots(t *testing.T) {
	for name, want := range map[string]string{
		"sgd":              "",
		"sgd momentum":     "optimizer/sgd/momentum/p",
		"rmsprop":          "optimizer/rmsprop/v/p",
		"rmsprop momentum": "optimizer/rmsprop/v/p optimizer/rmsprop/momentum/p",
		"rmsprop centered": "optimizer/rmsprop/v/p optimizer/rmsprop/m/p",
		"adam":             "optimizer/adam/beta1_power optimizer/adam/beta2_power optimizer/adam/m/p optimizer/adam/v/p",
		"adamw":            "optimizer/adamw/beta1_power optimizer/adamw/beta2_power optimizer/adamw/m/p optimizer/adamw/v/p",
	} {
		p := graph.State("p", 2)
		_, slots := testRules()[name].Update([]*graph.Node{p}, []*graph.Node{p}, graph.Const(1))
		var names []string
		for _, s := range slots {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: slots %q, want %q", name, got, want)
		}
	}
}

func TestByName(t *testing.T) {
	rules := testRules()
	for _, name := range Names() {
		r, err := ByName(name, "")
		if err != nil || r != rules[name] {
			t.Errorf("%s: %+v, %v; want %+v", name, r, err, rules[name])
		}
		p := graph.State("p", 2)
		r, err = ByName(name, "optimizer/critic")
		if err != nil {
			t.Fatal(err)
		}
		_, slots := r.Update([]*graph.Node{p}, []*graph.Node{p}, graph.Const(1))
		for _, s := range slots {
			if !strings.HasPrefix(s.Name, "optimizer/critic/") {
				t.Errorf("%s: slot %s, want optimizer/critic/…", name, s.Name)
			}
		}
	}
	if _, err := ByName("adagrad", ""); err == nil || err.Error() != `optim: no update rule "adagrad"; have adam, adamw, rmsprop, sgd` {
		t.Errorf("an unknown name: %v", err)
	}
}
