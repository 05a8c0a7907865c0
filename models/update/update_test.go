package update

import (
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// sgd is the rule p ← p − lr·g. It counts its updates in the slot name/count.
type sgd struct{ name string }

func (r sgd) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []optim.Slot) {
	count := graph.State(r.name + "/count")
	updates := []graph.Update{{State: count, Value: graph.AddScalar(count, 1)}}
	for i, p := range params {
		updates = append(updates, graph.Update{State: p, Value: graph.Sub(p, graph.Mul(lr, grads[i]))})
	}
	return updates, []optim.Slot{{Name: r.name + "/count", Shape: tensor.Shape{}}}
}

// scalar declares a parameter of a network that is one number.
func scalar(b *nn.Builder, network, name string) *graph.Node {
	return b.Network(network).Param(name, nn.Zeros)
}

// run runs a step once and returns its metrics; states change.
func run(t *testing.T, s Step, in, states map[string]graph.Value) map[string]float64 {
	t.Helper()
	f, err := graph.NewFunc("step", inputsOf(s), s.Metrics, s.Updates)
	if err != nil {
		t.Fatal(err)
	}
	out, err := graph.Interp(f, graph.Env{Inputs: in, States: states})
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string]float64{}
	for i, m := range s.Metrics {
		metrics[m.Name] = out[i][0]
	}
	return metrics
}

// inputsOf lists the inputs on which a step depends.
func inputsOf(s Step) []*graph.Node {
	var inputs []*graph.Node
	f := &graph.Func{Outputs: s.Metrics, Updates: s.Updates}
	for _, n := range f.Nodes() {
		if n.Op() == graph.OpInput {
			inputs = append(inputs, n)
		}
	}
	return inputs
}

// states returns the values that every test starts from.
func states() map[string]graph.Value {
	return map[string]graph.Value{"a/p": {2}, "b/p": {3}, "opt a/count": {0}, "opt b/count": {0}}
}

// With L_a = p_a·p_b and L_b = −p_a·p_b the gradients are p_b and −p_a. The second
// update starts from the first one's result, or beside it from the same values.
func TestUpdatesFollowEachOther(t *testing.T) {
	for _, c := range []struct {
		simultaneous bool
		a, b, loss   float64
	}{
		{false, 2 - 0.1*3, 3 + 0.1*(2-0.1*3), -(2 - 0.1*3) * 3},
		{true, 2 - 0.1*3, 3 + 0.1*2, -2 * 3},
	} {
		b := nn.NewBuilder()
		product := graph.Mul(scalar(b, "a", "p"), scalar(b, "b", "p"))
		step := New(b, graph.Const(0.1),
			Update{Name: "a", Loss: product, Params: Params(b, "a"), Optimizer: sgd{"opt a"}, GradNorm: "norm"},
			Update{Name: "b", Loss: graph.Neg(product), Params: Params(b, "b"), Optimizer: sgd{"opt b"},
				Simultaneous: c.simultaneous, Metrics: []graph.Output{{Name: "loss", Value: graph.Neg(product)}}},
		)
		st := states()
		metrics := run(t, step, nil, st)
		for _, v := range []struct {
			name      string
			got, want float64
		}{{"a", st["a/p"][0], c.a}, {"b", st["b/p"][0], c.b}, {"loss of b", metrics["loss"], c.loss}, {"norm of a", metrics["norm"], 3}} {
			if !(math.Abs(v.got-v.want) < 1e-6) {
				t.Errorf("simultaneous %t: %s is %v, want %v", c.simultaneous, v.name, v.got, v.want)
			}
		}
		if len(step.Slots) != 2 || st["opt a/count"][0] != 1 || st["opt b/count"][0] != 1 {
			t.Errorf("slots %v, counts %v and %v", step.Slots, st["opt a/count"], st["opt b/count"])
		}
	}
}

// Updates of one name share the slots; a metric of several updates is their mean, each
// value that of the states from which its update starts; After sees the last values.
func TestUpdatesOfOneName(t *testing.T) {
	b := nn.NewBuilder()
	p := scalar(b, "a", "p")
	calls := 0
	u := Update{
		Name: "a", Loss: graph.Scale(graph.Square(p), 0.5), Params: Params(b, "a"), Optimizer: sgd{"opt a"}, Rate: 0.5,
		Metrics: []graph.Output{{Name: "p", Value: p}},
		After: func(updates []graph.Update) []graph.Update {
			calls++
			var after []graph.Update
			for _, u := range updates {
				if u.State.Name() == "a/p" {
					after = append(after, graph.Update{State: graph.State("double"), Value: graph.Scale(u.Value, 2)})
				}
			}
			return after
		},
	}
	step := New(b, graph.Const(0.2), u, u, u) // each makes p ← 0.9·p
	st := states()
	st["double"] = graph.Value{0}
	metrics := run(t, step, nil, st)
	if want := 2 * (1 + 0.9 + 0.81) / 3; !(math.Abs(metrics["p"]-want) < 1e-6) || len(step.Metrics) != 1 {
		t.Errorf("the mean of p over the updates is %v, want %v; metrics %v", metrics["p"], want, step.Metrics)
	}
	if want := 2 * 0.729; !(math.Abs(st["a/p"][0]-want) < 1e-6) || !(math.Abs(st["double"][0]-2*want) < 1e-6) || calls != 1 {
		t.Errorf("p is %v, want %v; its double is %v; After was called %d times", st["a/p"], want, st["double"], calls)
	}
	if len(step.Slots) != 1 || st["opt a/count"][0] != 3 {
		t.Errorf("slots %v, %v updates; want one slot and 3 updates", step.Slots, st["opt a/count"])
	}
}

// An update that is not finite changes nothing, and nor do those after it; those before
// it stand.
func TestNonFiniteUpdateStopsTheStep(t *testing.T) {
	b := nn.NewBuilder()
	pa, pb, x := scalar(b, "a", "p"), scalar(b, "b", "p"), graph.Input("x", tensor.Float32)
	first := Update{Name: "a", Loss: pa, Params: Params(b, "a"), Optimizer: sgd{"opt a"}}
	second := Update{Name: "b", Loss: graph.Mul(pb, x), Params: Params(b, "b"), Optimizer: sgd{"opt b"}}
	for _, x := range []float64{math.NaN(), math.Inf(1)} {
		st := states()
		run(t, New(b, graph.Const(1), first, second, first), map[string]graph.Value{"x": {x}}, st)
		if st["a/p"][0] != 1 || st["b/p"][0] != 3 || st["opt a/count"][0] != 1 || st["opt b/count"][0] != 0 {
			t.Errorf("x = %v: states %v", x, st)
		}
	}
}

// Running statistics change once a step: with the last update of their network, though
// two optimisers update it.
func TestRunningStatisticsChangeOnce(t *testing.T) {
	b := nn.NewBuilder()
	b.Training = true
	x := graph.ConstOf([]float32{1, 2, 3, 6}, 4, 1)
	y := b.Network("a").BatchNorm("norm", x, nn.None)
	loss := graph.Sum(graph.Mul(y, graph.Mul(scalar(b, "b", "p"), x)))
	step := New(b, graph.Const(0.1),
		Update{Name: "both", Loss: loss, Params: Params(b, "a", "b"), Optimizer: sgd{"opt a"}},
		Update{Name: "a", Loss: loss, Params: Params(b, "a"), Optimizer: sgd{"opt b"}},
	)
	st := states()
	st["a/norm/gamma"], st["a/norm/beta"], st["a/norm/moving_mean"], st["a/norm/moving_variance"] = graph.Value{1}, graph.Value{0}, graph.Value{0}, graph.Value{1}
	run(t, step, nil, st)
	if mean := st["a/norm/moving_mean"][0]; !(math.Abs(mean-0.3) < 1e-6) {
		t.Errorf("the running mean is %v, want 0.9·0 + 0.1·3", mean)
	}
	if st["a/norm/gamma"][0] == 1 {
		t.Error("the network has not learned")
	}
}

func TestParamsAndExcept(t *testing.T) {
	b := nn.NewBuilder()
	scalar(b, "a", "p")
	scalar(b, "ab", "p")
	b.Network("a").Buffer("buffer", nn.Zeros)
	scalar(b, "b", "p")
	names := func(params []*graph.Node) string {
		var list []string
		for _, p := range params {
			list = append(list, p.Name())
		}
		return strings.Join(list, " ")
	}
	if got := names(Params(b, "b", "a")); got != "a/p b/p" {
		t.Errorf("parameters of a and b: %s", got)
	}
	if got := names(Except(b, "a")); got != "ab/p b/p" {
		t.Errorf("parameters except those of a: %s", got)
	}
}

// Two optimisers that would overwrite each other's slots are an error.
func TestSharedSlotsAreAnError(t *testing.T) {
	b := nn.NewBuilder()
	loss := graph.Mul(scalar(b, "a", "p"), scalar(b, "b", "p"))
	err := graph.Try(func() {
		New(b, graph.Const(1),
			Update{Name: "a", Loss: loss, Params: Params(b, "a"), Optimizer: sgd{"opt"}},
			Update{Name: "b", Loss: loss, Params: Params(b, "b"), Optimizer: sgd{"opt"}})
	})
	if want := "graph: optimiser slot opt/count([]): the optimisers of a and of b both have it: use Prefixed"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Nodes that depend on no substituted state are the same nodes, not copies.
func TestSubstitute(t *testing.T) {
	p, q := graph.State("p"), graph.State("q")
	kept := graph.Square(q)
	y := graph.Add(graph.Scale(p, 2), kept)
	substitute := Substitute(map[string]*graph.Node{"p": graph.Const(5)})
	if substitute(kept) != kept || substitute(q) != q {
		t.Error("a node without the state was rewritten")
	}
	z := substitute(y)
	if substitute(y) != z || z.In()[1] != kept {
		t.Error("a node was rewritten twice")
	}
	f, err := graph.NewFunc("f", nil, []graph.Output{{Name: "z", Value: z}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := graph.Interp(f, graph.Env{States: map[string]graph.Value{"q": {3}}})
	if err != nil || out[0][0] != 19 {
		t.Errorf("2·5 + 3² is %v, %v", out, err)
	}
}

// An update changes its states, slots among them, where When is 1 alone. What After adds changes always.
func TestWhen(t *testing.T) {
	b := nn.NewBuilder()
	a, p := scalar(b, "a", "p"), scalar(b, "b", "p")
	when, after := graph.Input("when", tensor.Float32), graph.State("opt b/seen")
	step := New(b, graph.Const(0.1),
		Update{Name: "a", Loss: graph.Mul(a, p), Params: Params(b, "a"), Optimizer: sgd{"opt a"}},
		Update{Name: "b", Loss: graph.Mul(a, p), Params: Params(b, "b"), Optimizer: sgd{"opt b"}, When: when, Simultaneous: true,
			Slots: []optim.Slot{{Name: "opt b/seen", Shape: tensor.Shape{}}},
			After: func([]graph.Update) []graph.Update {
				return []graph.Update{{State: after, Value: graph.AddScalar(after, 1)}}
			}},
	)
	if len(step.Slots) != 3 || step.Slots[2].Name != "opt b/seen" {
		t.Errorf("slots %v", step.Slots)
	}
	for now, want := range []float64{3, 3 - 0.1*2} {
		st := states()
		st["opt b/seen"] = graph.Value{0}
		run(t, step, map[string]graph.Value{"when": {float64(now)}}, st)
		if !(math.Abs(st["b/p"][0]-want) < 1e-6) || st["opt b/count"][0] != float64(now) || st["opt b/seen"][0] != 1 {
			t.Errorf("with %d: %v, want b/p %v", now, st, want)
		}
		if !(math.Abs(st["a/p"][0]-(2-0.1*3)) < 1e-6) {
			t.Errorf("with %d: a/p is %v", now, st["a/p"][0])
		}
	}
}
