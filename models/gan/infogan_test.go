package gan

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// The class is the largest of the last units, and nothing else of them has an effect.
func TestTheLargestUnitIsTheClass(t *testing.T) {
	m := newModel(t, small, InfoGAN, "latent", "7", "filters", "3,4", "dense", "4", "info-codes", "2", "info-classes", "3")
	dec, err := m.Decode(1)
	st := startStates(m)
	made := func(z ...float64) graph.Value {
		return run(t, dec, err, map[string]graph.Value{model.InputZ: z}, st)[model.OutputPicture]
	}
	was := made(1, -1, 0.5, 2, -0.3, 0.7, 0.1)
	if !slices.Equal(was, made(1, -1, 0.5, 2, -2, 0.11, 0.1)) {
		t.Error("units of the class matter besides which is the largest")
	}
	if !slices.Equal(made(1, -1, 0.5, 2, 0, 0, 0), made(1, -1, 0.5, 2, 1, 0, 0)) {
		t.Error("of equal units the class is not the first")
	}
	for i, z := range [][]float64{{2, -1, 0.5, 2, -0.3, 0.7, 0.1}, {1, -1, 0.5, 1, -0.3, 0.7, 0.1}, {1, -1, 0.5, 2, -0.3, 0.7, 0.8}} {
		if slices.Equal(was, made(z...)) {
			t.Errorf("code %d makes the same image", i)
		}
	}
}

// The loss of Q is −ln of the probability of the class that was drawn, and half the squared
// error of the codes with its constant.
func TestInfoLossIsItsDefinition(t *testing.T) {
	const b = 5
	m := newModel(t, small, InfoGAN, "latent", "6", "filters", "3,4", "dense", "4", "info-codes", "2", "info-classes", "3", "ema", "0")
	g, s := m.inner.algorithm.(infoGAN), m.inner.inputs(b, false)
	z := s.noise("noise")
	h := g.features(s.b.Network(discriminator), s.generate("noise"))
	logits, mu := g.q(s.b, h)
	in, st := batch(b, small, 0), startStates(m)
	f, err := graph.NewFunc("made", []*graph.Node{s.key}, []graph.Output{{Name: "z", Value: z}, {Name: "logits", Value: logits}, {Name: "mu", Value: mu}}, nil)
	got := run(t, f, err, in, st)
	want := 0.0
	for i := range b {
		z, l := got["z"][6*i:6*i+6], got["logits"][3*i:3*i+3]
		class := slices.Index(z[3:], slices.Max(z[3:]))
		want -= l[class] - math.Log(math.Exp(l[0])+math.Exp(l[1])+math.Exp(l[2]))
		for j := range 2 {
			d := math.Tanh(0.85*z[1+j]) - got["mu"][2*i+j]
			want += d*d/2 + math.Log(2*math.Pi)/2
		}
	}
	ev, err := m.Eval(b)
	in[model.InputWeight] = graph.Value{1, 1, 1, 1, 1}
	if l := run(t, ev, err, in, st)[model.InfoLoss+model.SumSuffix][0]; !near(l, want, 1e-6) { // ln 2π is rounded to float32
		t.Errorf("the loss is %v, want %v", l, want)
	}
}

// The loss of Q is part of both losses, with its weight.
func TestBothLossesHaveTheInformation(t *testing.T) {
	m := newModel(t, small, InfoGAN, "latent", "6", "filters", "3,4", "dense", "4", "info-codes", "1", "info-classes", "3", "info", "2.5")
	s := m.inner.inputs(4, true)
	updates := m.inner.updates(s)
	d, g := updates[0], updates[1]
	outs := []graph.Output{{Name: "d", Value: d.Loss}, {Name: "g", Value: g.Loss}}
	f, err := graph.NewFunc("losses", s.nodes(), append(append(outs, d.Metrics...), g.Metrics...), nil)
	got := run(t, f, err, batch(4, small, 0), startStates(m))
	pay := 2.5 * got[model.InfoLoss][0]
	if v := got["d"][0]; !near(v, 2*got[model.DLoss][0]+pay, 1e-9) || !(pay > 1) {
		t.Errorf("the discriminator and Q minimise %v, want %v + %v", v, 2*got[model.DLoss][0], pay)
	}
	if v := got["g"][0]; !near(v, got[model.GLoss][0]+pay, 1e-9) {
		t.Errorf("the generator minimises %v, want %v + %v", v, got[model.GLoss][0], pay)
	}
}

// Classify returns probabilities, each image independent of the others.
func TestFoundClassesAreProbabilities(t *testing.T) {
	m := newModel(t, small, InfoGAN, "latent", "6", "filters", "3,4", "dense", "4", "info-classes", "3")
	x := graphtest.Uniform(rng.New(4), 0, 1, 2*small.Size()).Value
	st := startStates(m)
	two, err := m.Classify(2)
	both := run(t, two, err, map[string]graph.Value{model.InputX: x}, st)[model.OutputProbs]
	one, err := m.Classify(1)
	alone := run(t, one, err, map[string]graph.Value{model.InputX: x[small.Size():]}, st)[model.OutputProbs]
	for i, p := range alone {
		if !near(p, both[3+i], 1e-12) || !(p > 0 && p < 1) {
			t.Errorf("class %d: %v alone, %v beside another", i, p, both[3+i])
		}
	}
	if sum := alone[0] + alone[1] + alone[2]; !near(sum, 1, 1e-9) || slices.Equal(both[:3], both[3:]) {
		t.Errorf("probabilities %v", both)
	}
}

func TestInformationOptions(t *testing.T) {
	for _, c := range []struct {
		options []string
		want    string
	}{
		{[]string{"latent", "11"}, "gan: --latent 11: want at least --info-codes 2 and --info-classes 10 together; more are noise"},
		{[]string{"info-codes", "-1", "info-classes", "1", "info", "0", "dense", "-1"}, "gan: --info-codes -1: want 0 to 65536\ngan: --info-classes 1: want 2 to 65536\ngan: --dense -1: want 0 to 65536\ngan: --info 0: want a weight above 0, as 1"},
	} {
		cfg := configured(t, InfoGAN, c.options...)
		_, err := cfg.New(model.Input{Item: mnist})
		if err == nil || flagText(cfg, err) != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	// No noise and no codes: the class is all that there is.
	m := newModel(t, small, InfoGAN, "latent", "3", "filters", "3,4", "dense", "4", "info-codes", "0", "info-classes", "3")
	run(t, trainFunc(t, m, 4), nil, batch(4, small, 0.01), startStates(m))
}
