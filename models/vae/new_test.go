package vae

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// newVAE returns the model of options for small images with labels.
func newVAE(t *testing.T, o Options) *model.Model {
	t.Helper()
	m, err := New("own", o, model.Input{Item: small, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestZeroOptionsAreTheVAE verifies that Options with zero values are the VAE of kind mlp-vae, bit by bit.
func TestZeroOptionsAreTheVAE(t *testing.T) {
	own, kind := newVAE(t, Options{Encoder: MLP{Hidden: []int{5}}, Decoder: MLP{Hidden: []int{5}}, Latent: 2}), newModel(t, small, MLPVAE, tinyMLP...)
	a, b := startStates(own), startStates(kind)
	for step := range uint64(3) {
		if got, want := trainOnce(t, own, a, 4, step, 0.01), trainOnce(t, kind, b, 4, step, 0.01); !maps.EqualFunc(got, want, slices.Equal[graph.Value]) {
			t.Fatalf("step %d: %v, of mlp-vae %v", step, got, want)
		}
	}
	if !maps.EqualFunc(a, b, slices.Equal[graph.Value]) || own.Objective != kind.Objective {
		t.Error("the states after three steps differ")
	}
	for name, has := range map[string]bool{
		"Eval": own.Eval != nil, "Score": own.Score != nil, "Encode": own.Encode != nil, "Decode": own.Decode != nil,
		"Reconstruct": own.Reconstruct != nil, "LogWeights": own.LogWeights != nil, "a prior": own.HasPrior(),
	} {
		if !has {
			t.Errorf("the model has no %s", name)
		}
	}
}

// TestBatchNormInOwnNetworks verifies that a step updates the running statistics of batch norm, and
// that the other functions use them.
func TestBatchNormInOwnNetworks(t *testing.T) {
	m := newVAE(t, Options{
		Encoder: EncoderFunc(func(enc *nn.Builder, x, _ *graph.Node) *graph.Node {
			return enc.BatchNorm("norm", enc.Conv2D("conv", enc.Input("images", x), 2, 3, 2, graph.Same, nn.None), nn.ReLU)
		}),
		Decoder: MLP{Hidden: []int{5}}, Latent: 2,
	})
	states, start := startStates(m), startStates(m)
	trainOnce(t, m, states, 4, 0, 0)
	changed := 0
	for _, p := range m.Params {
		if p.Buffer && !slices.Equal(states[p.Name], start[p.Name]) {
			changed++
		}
	}
	if changed < 2 {
		t.Errorf("%d running statistics changed in a step", changed)
	}
	f, err := m.Encode(2)
	in := inputs(2, small, 0)
	was := run(t, f, err, in, states)[model.OutputMean]
	for name := range states {
		if strings.HasSuffix(name, "/moving_mean") {
			for i := range states[name] {
				states[name][i]--
			}
		}
	}
	if slices.Equal(was, run(t, f, err, in, states)[model.OutputMean]) {
		t.Error("the running mean has no effect on Encode")
	}
}

// momentum is v ← v/2 + g, p ← p − lr·v, with a slot that has the same name wherever it
// is used.
type momentum struct{}

func (momentum) Update(params, grads []*graph.Node, lr *graph.Node) (u []graph.Update, slots []optim.Slot) {
	for i, p := range params {
		v := graph.State("v/"+p.Name(), p.Shape()...)
		next := graph.Add(graph.Scale(v, 0.5), grads[i])
		u = append(u, graph.Update{State: v, Value: next}, graph.Update{State: p, Value: graph.Sub(p, graph.Mul(lr, next))})
		slots = append(slots, optim.Slot{Name: "v/" + p.Name(), Shape: p.Shape()})
	}
	return u, slots
}

// TestOverridesOfEveryKind verifies that every kind takes any optimiser and any initialiser, and that the
// updates of a model do not share slots.
func TestOverridesOfEveryKind(t *testing.T) {
	kinds := map[string]struct {
		kind    kindOf
		options []string
	}{"aae": {AAE, tinyAAE}, "factor-vae": {FactorVAE, tinyFactor}}
	for _, k := range allKinds {
		kinds[name(k)] = struct {
			kind    kindOf
			options []string
		}{k, tiny(k)}
	}
	for n, k := range phasedKinds {
		kinds[n] = struct {
			kind    kindOf
			options []string
		}{k.kind, k.options}
	}
	for kind, c := range kinds {
		config := configured(t, c.kind, c.options...)
		was, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		config.(interface{ SetOverrides(Overrides) }).SetOverrides(Overrides{Optimizer: momentum{}, Initializer: nn.Constant(0.25)})
		if now, err := json.Marshal(config); err != nil || string(now) != string(was) {
			t.Errorf("%s: the saved configuration is %s, %v", kind, now, err)
		}
		m, err := config.New(model.Input{Item: small, Labels: labels})
		if err != nil {
			t.Fatal(err)
		}
		kernels := 0
		for _, p := range m.Params {
			if strings.HasSuffix(p.Name, "/kernel") && p.Draw(rng.New(1)).F32()[0] == 0.25 {
				kernels++
			}
		}
		if kernels == 0 {
			t.Errorf("%s: no kernel has the given initial value", kind)
		}
		for _, phase := range m.Phases {
			in := stepInputs(m, 4, 4)
			in[model.InputLR] = graph.Value{1e-3}
			states, start := startStates(m), startStates(m)
			f, err := phase.Step(4)
			run(t, f, err, in, states)
			params, slots := 0, 0
			for s := range states {
				if !slices.Equal(states[s], start[s]) {
					if strings.HasPrefix(s, "optimizer/") {
						slots++
					} else {
						params++
					}
				}
			}
			if params == 0 || slots < params {
				t.Errorf("%s, phase %q: %d parameters and %d slots changed", kind, phase.Name, params, slots)
			}
		}
		for _, s := range m.Slots {
			if !strings.HasPrefix(s.Name, "optimizer/") || !strings.Contains(s.Name, "/v/") {
				t.Errorf("%s: a slot %s", kind, s.Name)
			}
		}
	}
}

// TestFurtherUpdates verifies that further updates change their own parameters with an optimiser of their
// own, and that the update of the loss does not change these.
func TestFurtherUpdates(t *testing.T) {
	o := Options{Encoder: MLP{Hidden: []int{5}}, Decoder: MLP{Hidden: []int{5}}, Latent: 2}
	o.Updates = func(in *Inputs, q Posterior) []update.Update {
		p := in.Builder.Network("probe").Dense("z", graph.StopGradient(q.Z), 1, nn.None)
		loss := graph.Mean(graph.Square(graph.AddScalar(p, -1)))
		return []update.Update{{Name: "probe", Loss: loss, Params: update.Params(in.Builder, "probe"), Metrics: []graph.Output{{Name: "probe", Value: loss}}}}
	}
	m := newVAE(t, o)
	st := startStates(m)
	first := trainOnce(t, m, st, 4, 0, 0.05)
	var last map[string]graph.Value
	for step := range uint64(40) {
		last = trainOnce(t, m, st, 4, step, 0.05)
	}
	if !(last["probe"][0] < first["probe"][0]/2) || !(last[model.Loss][0] < first[model.Loss][0]) {
		t.Errorf("the losses go from %v to %v", first, last)
	}
	if st["optimizer/adam/m/probe/z/kernel"] != nil || st["optimizer/probe/m/probe/z/kernel"] == nil {
		t.Errorf("the slots are %v", slices.Sorted(maps.Keys(st)))
	}
}

func TestConditionalOptions(t *testing.T) {
	m := newVAE(t, Options{Encoder: MLP{Hidden: []int{5}}, Decoder: MLP{Hidden: []int{5}}, Latent: 2, Conditional: true})
	if !m.TakesLabels.Decode || !m.TakesLabels.Sample || m.Sample == nil {
		t.Errorf("a conditional model takes labels %+v", m.TakesLabels)
	}
	f, err := m.Sample(2)
	in := inputs(2, small, 0)
	was := run(t, f, err, in, startStates(m))[model.OutputPicture]
	in[model.InputLabels] = graph.Value{0, 0, 1, 0, 0, 1}
	if slices.Equal(was, run(t, f, err, in, startStates(m))[model.OutputPicture]) {
		t.Error("the labels have no effect")
	}
}

// TestInitOption verifies that Init is the initialisation of the phase, with the model.
func TestInitOption(t *testing.T) {
	ran := false
	m := newVAE(t, Options{Encoder: MLP{Hidden: []int{5}}, Decoder: MLP{Hidden: []int{5}}, Latent: 2, Init: func(m *model.Model, _ model.InitContext) error {
		ran = m.Latent == 2
		return nil
	}})
	if err := m.Phases[0].Init(nil); err != nil || !ran {
		t.Errorf("Init ran: %v, %v", ran, err)
	}
}

func TestErrorsOfNew(t *testing.T) {
	mlp := MLP{Hidden: []int{5}}
	for want, c := range map[string]struct {
		o  Options
		in model.Input
	}{
		"vae: own: Encoder or Decoder is nil: want networks, as MLP{Hidden: []int{256}} for both\nvae: Latent 0: want 1 to 65536": {Options{Encoder: mlp}, model.Input{Item: small}},
		"vae: own is given the labels of images, and these have none":                                                             {Options{Encoder: mlp, Decoder: mlp, Latent: 1, Conditional: true}, model.Input{Item: small}},
		"vae: images of 0x0x0: want at least one row, column and channel":                                                         {Options{Encoder: mlp, Decoder: mlp, Latent: 1}, model.Input{Item: pixels.Item(0, 0, 0)}},
		"vae: own for images of 4x8x1: ":                                                                                          {Options{Encoder: CNN{Filters: []int{2, 2, 2}, Kernel: 3}, Decoder: mlp, Latent: 1}, model.Input{Item: small}},
	} {
		if _, err := New("own", c.o, c.in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

// TestOwnKind verifies that a kind of one's own has no options and is saved as {}.
func TestOwnKind(t *testing.T) {
	var r model.Registry
	r.Register(Kind("own", "a VAE", func(in model.Input) Options {
		return Options{Encoder: MLP{Hidden: []int{in.Size()}}, Decoder: MLP{Hidden: []int{3}}, Latent: 1}
	}))
	recipe, err := r.Recipe("own")
	if err != nil {
		t.Fatal(err)
	}
	config, err := r.Config(recipe)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(config); err != nil || string(b) != "{}" || len(model.Flags(config)) != 0 {
		t.Errorf("the configuration is %s, %v", b, err)
	}
	m, err := config.New(model.Input{Item: small})
	if err != nil {
		t.Fatal(err)
	}
	if loss := trainOnce(t, m, startStates(m), 2, 0, 0)[model.Loss][0]; math.IsNaN(loss) || recipe.Train.Epochs != 50 {
		t.Errorf("loss %v, recipe %+v", loss, recipe)
	}
}
