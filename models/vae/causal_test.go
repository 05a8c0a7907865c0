package vae

import (
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// Each parameter of each decoder is checked along a direction of its own.
func TestGradientsOfDecodersAgainstDifferences(t *testing.T) {
	for name, options := range map[string][]string{"gru": tinyGRU, "cnn": tinyDilated, "transformer": tinyTransformer} {
		m := newModel(t, sentences, sequenceKind, options...)
		f, err := m.Last().Step(len(lengths))
		step := func(states map[string]graph.Value) float64 {
			in := sentenceInputs(1)
			in[model.InputLR] = graph.Value{0}
			return run(t, f, err, in, states)[model.Loss][0]
		}
		after := startStates(m)
		step(after)
		share := float64(float32(1 - float64(float32(0.9)))) // of the gradient in the mean after the first step of Adam
		for k, p := range m.Params {
			dir, slope := sines(p.Shape.Size(), 1, 2.3, float64(k)), 0.0
			for i, d := range dir {
				slope += d * after["optimizer/adam/m/"+p.Name][i] / share
			}
			at := func(h float64) float64 {
				st := startStates(m)
				for i, d := range dir {
					st[p.Name][i] += h * d
				}
				return step(st)
			}
			const h = 1e-5
			if want := (at(h) - at(-h)) / (2 * h); !near(slope, want, 1e-6) {
				t.Errorf("%s: slope along %s is %.9f, by differences %.9f", name, p.Name, slope, want)
			}
		}
	}
}

// The logits of a step of a decoder depend on the tokens before it and on no later one.
func TestDecodersAreCausal(t *testing.T) {
	for name, options := range map[string][]string{"lstm": tinyLSTM, "cnn": tinyDilated, "transformer": tinyTransformer} {
		m := newModel(t, sentences, sequenceKind, options...)
		d, err := configured(t, sequenceKind, options...).(*SequenceVAEConfig).Recurrent.For(sentences)
		f, err2 := model.Build("forced", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			in := newInputs(model.Input{Item: sentences}, 1)
			z := graph.ConstOf([]float32{0.3, -0.7}, 1, 2)
			return in.nodes(), []graph.Output{{Name: "logits", Value: d.Forced(in.Builder.Network("decoder"), z, in.X)}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		logits := func(x graph.Value) graph.Value {
			return run(t, f, err2, map[string]graph.Value{model.InputX: x}, startStates(m))["logits"]
		}
		x := graph.Value{0, 1, 2, 3, 4}
		was := logits(x)
		for at := range 4 {
			other := slices.Clone(x)
			other[at] = float64(int(x[at]+1) % 5)
			now := logits(other)
			before := 6 * (at + 1) // of the steps up to the token's own
			if !slices.Equal(now[:before], was[:before]) {
				t.Errorf("%s: token %d changes the logits of itself or of those before it", name, at)
			}
			if slices.Equal(now[before:before+6], was[before:before+6]) {
				t.Errorf("%s: token %d does not change the logits of the next", name, at)
			}
		}
	}
}

func TestDecodersAreChecked(t *testing.T) {
	for want, options := range map[string][]string{
		`--decoder "rnn": want cnn or transformer, or nothing`:                          {"decoder", "rnn"},
		"--decoder cnn has no state that the code could set":                            {"decoder", "cnn", "skip", "false"},
		"--decoder-units [96 96] of --decoder transformer: want layers of one size":     {"decoder", "transformer", "decoder-units", "96,96"},
		"--decoder-units [64 32] of --decoder transformer: want layers of one size, of": {"decoder", "transformer", "decoder-units", "64,32"},
	} {
		c := configured(t, sequenceKind, options...)
		if err := c.Validate(); err == nil || !strings.Contains(flags(c, err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
