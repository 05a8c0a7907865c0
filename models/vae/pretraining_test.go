package vae

import (
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// setOnly is an InitContext that keeps what is set.
type setOnly struct {
	model.InitContext
	set map[string]*tensor.Tensor
}

func (setOnly) Key() rng.Key { return rng.New(7) }

func (s setOnly) Set(name string, v *tensor.Tensor) error {
	s.set[name] = v
	return nil
}

// The first phase is an autoencoder without noise. The second begins with a new decoder and the encoder of the first, and
// its weight of the KL rises from its own start.
func TestEncoderPretraining(t *testing.T) {
	m := newModel(t, sentences, sequenceKind, append([]string{"pretrain", "3", "warmup", "4"}, tinyLSTM...)...)
	if len(m.Phases) != 2 || m.Phases[0].Epochs != 3 || m.Phases[1].Epochs != 0 {
		t.Fatalf("phases %+v", m.Phases)
	}
	metrics := func(m *model.Model, p int, key uint64, epoch float64) map[string]graph.Value {
		f, err := m.Phases[p].Step(len(lengths))
		in := sentenceInputs(key)
		in[model.InputLR], in[model.InputEpoch] = graph.Value{0}, graph.Value{epoch}
		return run(t, f, err, in, startStates(m))
	}
	first, again := metrics(m, 0, 1, 0), metrics(m, 0, 2, 0)
	if first[model.KL] != nil || first[model.Loss][0] != first[model.Reconstruction][0] || first[model.Loss][0] != again[model.Loss][0] {
		t.Errorf("of the autoencoder %v, and with another key %v", first, again)
	}
	for epoch, want := range map[float64]float64{3: 0, 4: 0.25, 7: 1, 9: 1} {
		s := metrics(m, 1, 1, epoch)
		if got := (s[model.Loss][0] - s[model.Reconstruction][0]) / s[model.KL][0]; !near(got, want, 1e-6) {
			t.Errorf("epoch %v: the KL weighs %v, want %v", epoch, got, want)
		}
	}
	set := setOnly{set: map[string]*tensor.Tensor{}}
	if err := m.Phases[1].Init(set); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params {
		v, is := set.set[p.Name]
		if is != strings.HasPrefix(p.Name, "decoder/") {
			t.Errorf("%s is set anew: %t", p.Name, is)
		}
		if is && !slices.Equal(v.F32(), p.Draw(rng.New(7)).F32()) {
			t.Errorf("%s is not as drawn by the key of the phase", p.Name)
		}
	}
	if len(m.Diagnostics.Diagnose(&model.History{Epochs: []model.Record{collapsed(1), collapsed(2), collapsed(3)}, EpochEnded: true, Reported: map[string]bool{}, Training: model.Training{LearningRate: 1e-3}, Latent: 2, Values: 5})) != 0 {
		t.Error("a collapse is told of the autoencoder")
	}
	c := configured(t, sequenceKind, "pretrain", "-1")
	if err := c.Validate(); err == nil || !strings.Contains(flags(c, err), "--pretrain -1: want epochs of the first phase, or 0 (none)") {
		t.Errorf("%v", err)
	}
	// Both fit together.
	both := newModel(t, sentences, sequenceKind, append([]string{"pretrain", "1", "lagging", "2"}, tinyLSTM...)...)
	if out := metrics(both, 1, 1, 1); out[model.MutualInformation] == nil {
		t.Errorf("with lagging inference in the second phase: %v", out)
	}
}
