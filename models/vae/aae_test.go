package vae

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
)

var tinyAAE = []string{"latent", "3", "hidden", "6,5"}

// narrow returns the states with a q(z|x) of nearly no variance.
func narrow(st map[string]graph.Value) map[string]graph.Value {
	for name, v := range st {
		if strings.HasPrefix(name, "encoder/log_var/") {
			for i := range v {
				v[i] = map[bool]float64{true: -60}[strings.HasSuffix(name, "bias")]
			}
		}
	}
	return st
}

// TestAAEReconstruction verifies that reconstructions are decoded from the mean of q(z|x), and that the
// metric is their squared error.
func TestAAEReconstruction(t *testing.T) {
	const b = 3
	m := newModel(t, small, AAE, tinyAAE...)
	in, st := inputs(b, small, 0), narrow(startStates(m))
	in[model.InputWeight] = graph.Value{1, 0, 1}
	rec, err := m.Reconstruct(b)
	again := run(t, rec, err, in, st)[model.OutputPicture]
	enc, err := m.Encode(b)
	q := run(t, enc, err, in, st)
	dec, err := m.Decode(b)
	decoded := run(t, dec, err, map[string]graph.Value{model.InputZ: q[model.OutputMean]}, st)[model.OutputPicture]
	want, n := 0.0, small.Size()
	for i, v := range again {
		if !near(v, decoded[i], 1e-12) {
			t.Fatalf("pixel %d is %v, decoded from the mean %v", i, v, decoded[i])
		}
		if i/n != 1 {
			want += (v - in[model.InputX][i]) * (v - in[model.InputX][i])
		}
	}
	ev, err := m.Eval(b)
	if v := run(t, ev, err, in, st)[model.Reconstruction+model.SumSuffix][0]; !near(v, want, 1e-9) || !(want > 0.1) {
		t.Errorf("the error is %v, want %v", v, want)
	}
}

// TestAAEPixelsAreTanh verifies that runs saved before the AAE had likelihoods decode to the same
// images: pixels (1 + tanh a)/2 of the output a of the last layer.
func TestAAEPixelsAreTanh(t *testing.T) {
	m := newModel(t, small, AAE, tinyAAE...)
	st := startStates(m)
	f, err := m.Decode(1)
	z := graph.Value{0.5, -1, 2}
	x := run(t, f, err, map[string]graph.Value{model.InputZ: z}, st)[model.OutputPicture]
	h := z
	for _, layer := range []string{"dense", "dense_1", "image"} {
		w, bias := st["generator/"+layer+"/kernel"], st["generator/"+layer+"/bias"]
		y := make(graph.Value, len(bias))
		for j := range y {
			y[j] = bias[j]
			for i := range h {
				y[j] += h[i] * w[i*len(y)+j]
			}
			if layer != "image" {
				y[j] = max(y[j], 0)
			}
		}
		h = y
	}
	for i, a := range h {
		if !near(x[i], (1+math.Tanh(a))/2, 1e-12) {
			t.Fatalf("pixel %d is %v, want %v", i, x[i], (1+math.Tanh(a))/2)
		}
	}
}

// TestAAEDrawsCodes verifies that a step draws codes from q(z|x): its error is not that of the means.
func TestAAEDrawsCodes(t *testing.T) {
	m := newModel(t, small, AAE, tinyAAE...)
	loss := func(st map[string]graph.Value) float64 { return trainOnce(t, m, st, 3, 0, 0)[model.Reconstruction][0] }
	if drawn, mean := loss(startStates(m)), loss(narrow(startStates(m))); drawn == mean || math.IsNaN(drawn) {
		t.Errorf("the error is %v with and without σ", drawn)
	}
}

// TestAAEStepIsItsUpdates verifies that a step equals its updates run one after the other, and that an
// update changes no state of the networks of the others.
func TestAAEStepIsItsUpdates(t *testing.T) {
	const b = 4
	config := configured(t, AAE, tinyAAE...).(*AAEConfig)
	m := newModel(t, small, AAE, tinyAAE...)
	a := aae{likelihood.SquaredError(), config.Hidden, config.Latent, config.Rate, small, codeDiscriminator{config.Hidden, activations["relu"]}}
	own := map[string][]string{"autoencoder": {"encoder/", "generator/"}, "discriminator": {"discriminator/"}, "encoder": {"encoder/"}}
	want := startStates(m)
	in := inputs(b, small, 0)
	in[model.InputLR] = graph.Value{0.01}
	var order []string
	for i := range 3 {
		built := builder{a.objective(), model.Input{Item: small, Labels: labels}, Overrides{}}
		s, lr := built.inputs(b), graph.Input(model.InputLR, tensor.Float32)
		u := a.updates(s)[i]
		order = append(order, u.Name)
		step := update.New(s.Builder, lr, u)
		for _, change := range step.Updates {
			st := change.State.Name()
			if !slices.ContainsFunc(append(own[u.Name], "optimizer/"+u.Name+"/"), func(o string) bool { return strings.HasPrefix(st, o) }) {
				t.Errorf("the update of the %s changes %s", u.Name, st)
			}
		}
		f, err := model.Build("update", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			return s.nodes(lr), []graph.Output{{Name: "loss", Value: u.Loss}}, step.Updates
		})
		run(t, f, err, in, want)
	}
	if g := strings.Join(order, " "); g != "autoencoder discriminator encoder" {
		t.Errorf("updates of %s", g)
	}
	got, start := startStates(m), startStates(m)
	trainOnce(t, m, got, b, 0, 0.01)
	for st, v := range want {
		for i := range v {
			if !near(got[st][i], v[i], 1e-12) {
				t.Errorf("%s[%d] is %v after a step, %v update by update", st, i, got[st][i], v[i])
				break
			}
		}
		if slices.Equal(got[st], start[st]) && !strings.HasSuffix(st, "beta2_power") {
			t.Errorf("%s has not changed", st)
		}
	}
}

// TestEveryOptionOfAdversarialKindsHasAnEffect verifies that each option, set to another value, changes
// a loss in a third step, or a pixel that is decoded after it.
func TestEveryOptionOfAdversarialKindsHasAnEffect(t *testing.T) {
	other := map[string][2]string{
		"latent": {"4", "5"}, "hidden": {"5", "6"}, "adversarial-rate": {"1", "2"}, "loss": {"bce", "mse"}, "sigma": {"0.1", "0.3"}, "binarize": {"false", "true"},
		"gamma": {"2", "1"}, "d-hidden": {"4", "5"}, "d-rate": {"1", "2"}, "warmup": {"0", "4"}, "free-bits": {"0", "2"}, "free-nats": {"0", "0.5"}, "anneal": {"", "logistic"}, "cycles": {"0", "3"},
		"filters": {"3,4", "3"}, "dense": {"5", "6"}, "kernel": {"4", "3"}, "mirror": {"true", "false"}, "residual": {"false", "true"}, "dropout": {"0", "0.5"},
	}
	for _, kind := range []kindOf{AAE, FactorVAE} {
		k, _ := kind()
		var base []string
		for _, f := range model.Flags(k.Default()) {
			base = append(base, f.Name, other[f.Name][0])
		}
		result := func(options ...string) float64 {
			m := newModel(t, small, kind, options...)
			st := startStates(m)
			var out map[string]graph.Value
			for range 3 {
				out = trainOnce(t, m, st, 4, 0, 0.01)
			}
			dec, err := m.Decode(1)
			x := run(t, dec, err, map[string]graph.Value{model.InputZ: make(graph.Value, m.Latent)}, st)[model.OutputPicture]
			return out[model.Reconstruction][0] + discriminatorLoss(out) + x[5]
		}
		for _, f := range model.Flags(k.Default()) {
			with := slices.Clone(base)
			switch f.Name {
			case "sigma":
				with = append(with, "loss", "gaussian")
			case "anneal", "cycles":
				with = append(with, effects[f.Name].with...)
			}
			was, now := result(with...), result(append(slices.Clone(with), f.Name, other[f.Name][1])...)
			if !(math.Abs(now-was) > 1e-6) {
				t.Errorf("%s --%s %s: %v, as with %s", k.Name, f.Name, other[f.Name][1], now, other[f.Name][0])
			}
		}
	}
}

// discriminatorLoss returns that of either kind.
func discriminatorLoss(metrics map[string]graph.Value) float64 {
	for _, name := range []string{model.DLoss, metricDLoss} {
		if v := metrics[name]; v != nil {
			return v[0]
		}
	}
	return math.NaN()
}

// TestEveryLikelihoodTrains verifies that the kinds with a discriminator learn with every likelihood of
// the table.
func TestEveryLikelihoodTrains(t *testing.T) {
	for _, loss := range likelihood.Names() {
		for _, c := range []struct {
			kind    kindOf
			options []string
		}{{AAE, tinyAAE}, {FactorVAE, tinyFactor}} {
			m := newModel(t, small, c.kind, append(slices.Clone(c.options), "loss", loss)...)
			st := startStates(m)
			first := trainOnce(t, m, st, 4, 0, 0.01)[model.Reconstruction][0]
			var last float64
			for range 20 {
				last = trainOnce(t, m, st, 4, 0, 0.01)[model.Reconstruction][0]
			}
			if !(last < first) {
				t.Errorf("%s --loss %s: the reconstruction loss goes from %v to %v", name(c.kind), loss, first, last)
			}
		}
	}
}

func TestAdversarialErrors(t *testing.T) {
	for _, c := range []struct {
		kind    kindOf
		img     medium.Item
		options []string
		want    string
	}{
		{AAE, mnist, []string{"hidden", "5,0", "adversarial-rate", "-1"}, "vae: --hidden: layer 2 is 0: want 1 to 65536\nvae: --adversarial-rate -1: want a multiple of --lr above 0, as 0.5"},
		{AAE, pixels.Item(0, 0, 0), nil, "vae: images of 0x0x0: want at least one row, column and channel"},
		{FactorVAE, mnist, []string{"gamma", "-1", "d-hidden", "0", "d-rate", "0"},
			"vae: --gamma -1: want a finite number of 0 or more, as 5\nvae: --d-hidden: layer 1 is 0: want 1 to 65536\nvae: --d-rate 0: want a multiple of --lr above 0, as 0.5"},
		{FactorVAE, pixels.Item(30, 28, 1), nil, "vae: images of 30x28x1: with 2 layers of --filters rows and columns must be multiples of 4; use --size 28, or at most 1 layer of --filters"},
	} {
		config := configured(t, c.kind, c.options...)
		if _, err := config.New(model.Input{Item: c.img}); err == nil || flags(config, err) != c.want {
			t.Errorf("%v: got %v\nwant %s", c.options, err, c.want)
		}
	}
	if _, err := newModel(t, small, FactorVAE, tinyFactor...).Last().Step(1); err == nil || !strings.Contains(err.Error(), "two images") {
		t.Errorf("a batch of one image: %v", err)
	}
}
