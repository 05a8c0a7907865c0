package gan

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// Other labels y' change the logit of an image by ⟨e(y') − e(y), φ(x)⟩.
func TestProjectionOfLabels(t *testing.T) {
	m := newModel(t, small, CGAN, "latent", "3", "filters", "3,4", "embedding", "2", "d-norm", "none")
	c := m.inner.Discriminator.(conditional)
	b := nn.NewBuilder()
	x := graph.Input("x", tensor.Float32, small.Batch(3)...)
	y, other := graph.Input("y", tensor.Float32, 3, 3), graph.Input("other", tensor.Float32, 3, 3)
	f, err := graph.NewFunc("discriminate", []*graph.Node{x, y, other}, []graph.Output{
		{Name: "phi", Value: c.features(b.Network(discriminator), x)}, {Name: "y", Value: c.Discriminate(b.Network(discriminator), x, y)}, {Name: "other", Value: c.Discriminate(b.Network(discriminator), x, other)},
	}, nil)
	in := map[string]graph.Value{
		"x": graphtest.Uniform(rng.New(3), -1, 1, 3*small.Size()).Value,
		"y": {1, 0, 0, 0, 1, 0, 0, 0, 1}, "other": {0, 1, 0, 0, 1, 0, 1, 1, 0}, // the last has two
	}
	st := startStates(m)
	got := run(t, f, err, in, st)
	e := st["discriminator/label_embedding/kernel"]
	n := len(e) / 3
	for i := range 3 {
		want := 0.0
		for k := range 3 {
			for j := range n {
				want += (in["other"][3*i+k] - in["y"][3*i+k]) * e[k*n+j] * got["phi"][i*n+j]
			}
		}
		if d := got["other"][i] - got["y"][i]; !near(d, want, 1e-9) || i != 1 && want == 0 {
			t.Errorf("image %d: the labels make a difference of %v, want %v", i, d, want)
		}
	}
}

// Sample decodes noise from N(0, I) with the given labels, and other labels give other
// images.
func TestConditionalSample(t *testing.T) {
	m := newModel(t, small, CGAN, "latent", "3", "filters", "3,4", "embedding", "2")
	in, st := batch(3, small, 0), startStates(m)
	sample, err := m.Sample(3)
	got := run(t, sample, err, in, st)[model.OutputPicture]
	s := m.inner.inputs(3, false)
	f, err := graph.NewFunc("noise", []*graph.Node{s.key}, []graph.Output{{Name: model.InputZ, Value: s.noise("prior")}}, nil)
	in[model.InputZ] = run(t, f, err, in, nil)[model.InputZ]
	decode, err := m.Decode(3)
	want := run(t, decode, err, in, st)[model.OutputPicture]
	for i, v := range want {
		if !near(got[i], v, 1e-12) {
			t.Fatalf("pixel %d drawn is %v, decoded %v", i, got[i], v)
		}
	}
	in[model.InputLabels] = graph.Value{0, 0, 1, 0, 1, 0, 1, 0, 0}
	other := run(t, decode, err, in, st)[model.OutputPicture]
	for i := range 3 {
		one := func(v graph.Value) graph.Value { return v[i*small.Size() : (i+1)*small.Size()] }
		if slices.Equal(one(want), one(other)) != (i == 1) {
			t.Errorf("image %d: the labels have no effect, or others have", i)
		}
	}
	if o, want := m.Objective, "D: −ln D(x) − ln(1 − D(G(z))), G: −ln D(G(z)), nats per image; given the labels"; o != want {
		t.Errorf("objective %q", o)
	}
}

func TestConditionalWithoutLabels(t *testing.T) {
	cfg := configured(t, CGAN)
	_, err := cfg.New(model.Input{Item: mnist})
	if want := "gan: cgan takes the labels of images, and these have none: want a set with labels, such as mnist, or another kind"; err == nil || flagText(cfg, err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	cfg = configured(t, CGAN, "embedding", "0")
	_, err = cfg.New(model.Input{Item: mnist, Labels: 10})
	if want := "gan: --embedding 0: want 1 to 65536"; err == nil || flagText(cfg, err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
