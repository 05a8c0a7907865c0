package gan

import (
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// certain returns the states with a q(z|x) of nearly no variance.
func certain(st map[string]graph.Value) map[string]graph.Value {
	for name, v := range st {
		if strings.HasPrefix(name, "encoder/log_var/") {
			for i := range v {
				v[i] = map[bool]float64{true: -60}[strings.HasSuffix(name, "bias")]
			}
		}
	}
	return st
}

// Reconstructions are decoded from the mean of q(z|x), and the metric is their error: of
// pixels in [0,1], or of the discriminator's features.
func TestReconstructionErrorIsItsDefinition(t *testing.T) {
	const b = 3
	for name, m := range map[string]testModel{
		"vae-gan": newModel(t, small, VAEGAN, "latent", "3", "filters", "3,4"),
	} {
		in, st := batch(b, small, 0), certain(startStates(m))
		in[model.InputWeight] = graph.Value{1, 0, 1}
		rec, err := m.Reconstruct(b)
		again := run(t, rec, err, in, st)[model.OutputPicture]
		enc, err := m.Encode(b)
		q := run(t, enc, err, in, st)
		dec, err := m.Decode(b)
		decoded := run(t, dec, err, map[string]graph.Value{model.InputZ: q[model.OutputMean]}, st)[model.OutputPicture]
		for i, v := range again {
			if !near(v, decoded[i], 1e-12) {
				t.Fatalf("%s: pixel %d is %v, decoded from the mean %v", name, i, v, decoded[i])
			}
		}
		x, y, scale := in[model.InputX], again, 1.0
		if c, ok := m.inner.algorithm.(vaeGAN); ok {
			bld := nn.NewBuilder()
			node := graph.Input("x", tensor.Float32, small.Batch(b)...)
			f, err := graph.NewFunc("features", []*graph.Node{node}, []graph.Output{{Name: "phi", Value: c.features(bld.Network(discriminator), node)}}, nil)
			phi := func(x graph.Value) graph.Value {
				var in graph.Value
				for _, v := range x {
					in = append(in, 2*v-1)
				}
				return run(t, f, err, map[string]graph.Value{"x": in}, st)["phi"]
			}
			x, y, scale = phi(x), phi(y), 0.5
		}
		want, n := 0.0, len(x)/b
		for i := range x {
			if i/n != 1 {
				want += scale * (x[i] - y[i]) * (x[i] - y[i])
			}
		}
		ev, err := m.Eval(b)
		got := run(t, ev, err, in, st)
		if v := got[model.Reconstruction+model.SumSuffix][0]; !near(v, want, 1e-9) || !(want > 0.1) {
			t.Errorf("%s: the error is %v, want %v", name, v, want)
		}
		if name == "vae-gan" {
			kl := 0.0
			for i, mu := range q[model.OutputMean] {
				if v := q[model.OutputLogVar][i]; i/3 != 1 {
					kl += (mu*mu + math.Exp(v) - v - 1) / 2
				}
			}
			if v := got[model.KL+model.SumSuffix][0]; !near(v, kl, 1e-9) {
				t.Errorf("the KL is %v, want %v", v, kl)
			}
		}
	}
}

// With a likelihood of pixels, the reconstruction term is its −ln p(x|z) of the
// reconstruction in [0,1], and its own parameters are learned by the generator.
func TestPixelReconstruction(t *testing.T) {
	const b = 3
	for name, nll := range map[string]func(x, y float64) float64{
		"mse":   func(x, y float64) float64 { return (x - y) * (x - y) },
		"bce":   func(x, y float64) float64 { return -x*math.Log(y) - (1-x)*math.Log(1-y) },
		"sigma": func(x, y float64) float64 { return (x-y)*(x-y)/2 + math.Log(2*math.Pi)/2 },
	} {
		m := newModel(t, small, VAEGAN, "latent", "3", "filters", "3,4", "reconstruction", name)
		in, st := batch(b, small, 0.01), certain(startStates(m))
		rec, err := m.Reconstruct(b)
		y, want := run(t, rec, err, in, st)[model.OutputPicture], 0.0
		for i, x := range in[model.InputX] {
			want += nll(x, y[i])
		}
		ev, err := m.Eval(b)
		if v := run(t, ev, err, in, st)[model.Reconstruction+model.SumSuffix][0]; !near(v, want, 1e-6) || !(want > 0.1) {
			t.Errorf("%s: the error is %v, want %v", name, v, want)
		}
		if m.Likelihood == nil || m.Likelihood.Name != name || !strings.Contains(m.Objective, "L = Σ_pixels") {
			t.Errorf("%s: likelihood %+v, objective %s", name, m.Likelihood, m.Objective)
		}
		run(t, trainFunc(t, m, b), nil, in, st)
		if scale, ok := st["generator/pixels/log_sigma"]; ok != (name == "sigma") || ok && scale[0] == 0 {
			t.Errorf("%s: ln σ is %v after a step", name, scale)
		}
	}
}

// A step draws codes from q(z|x), so its error is not that of the means.
func TestCodesAreDrawn(t *testing.T) {
	for name, m := range tiny(t) {
		if m.Encode == nil {
			continue
		}
		loss := func(st map[string]graph.Value) float64 {
			return run(t, trainFunc(t, m, 3), nil, batch(3, small, 0), st)[model.Reconstruction][0]
		}
		if drawn, mean := loss(startStates(m)), loss(certain(startStates(m))); drawn == mean || math.IsNaN(drawn) {
			t.Errorf("%s: the error is %v with and without σ", name, drawn)
		}
	}
}

func TestCoderOptions(t *testing.T) {
	for _, c := range []struct {
		kind    func() (model.Kind, model.Recipe)
		options []string
		want    string
	}{
		{VAEGAN, []string{"gamma", "-1"}, "gan: --gamma -1: want a weight of 0 or more, as 0.05"},
		{VAEGAN, []string{"reconstruction", "l1"}, `gan: --reconstruction "l1": want features, bce, mse, mae, cb, gaussian, sigma, logistic`},
	} {
		cfg := configured(t, c.kind, c.options...)
		_, err := cfg.New(model.Input{Item: mnist})
		if err == nil || flagText(cfg, err) != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	cfg := configured(t, VAEGAN)
	if _, err := cfg.New(model.Input{Item: pixels.Item(0, 0, 0)}); err == nil || err.Error() != "gan: images of 0x0x0: want at least one row, column and channel" {
		t.Error(err)
	}
	want := "E: KL + L, L = ½‖φ(x) − φ(x̂)‖²; G: + 0.05·L; D: −ln D(x) − ln(1 − D(G(z))), G: −ln D(G(z)), nats per image"
	if o := newModel(t, small, VAEGAN, "filters", "3,4").Objective; o != want {
		t.Errorf("objective %q", o)
	}
}
