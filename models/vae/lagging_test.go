package vae

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// The mutual information is what the definition gives, an item of weight 0 left out; codes of points far apart hold ln B.
func TestMutualInformation(t *testing.T) {
	const n, units = 4, 2
	weight := graph.Value{1, 1, 0, 1}
	for name, spread := range map[string]float64{"near": 1, "far": 1000} {
		mu, logVar, noise := sines(n*units, spread, 1.7, 0.3), sines(n*units, 0.5, 2.9, 0.1), sines(n*units, 1, 0.7, 0.9)
		z := make(graph.Value, n*units)
		for i := range z {
			z[i] = mu[i] + math.Exp(logVar[i]/2)*noise[i]
		}
		density := func(i, j int) float64 {
			l := 0.0
			for k := range units {
				d := z[i*units+k] - mu[j*units+k]
				l -= 0.5 * (d*d*math.Exp(-logVar[j*units+k]) + logVar[j*units+k] + math.Log(2*math.Pi))
			}
			return l
		}
		f, err := model.Build("mi", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			node := func(name string) *graph.Node { return graph.Input(name, tensor.Float32, n, units) }
			q := Posterior{Mu: node("mu"), LogVar: node("log_var"), Z: node("z")}
			in := &Inputs{Weight: graph.Input(model.InputWeight, tensor.Float32, n)}
			_, terms := MutualInformation{}.Penalty(in, q)
			return []*graph.Node{q.Mu, q.LogVar, q.Z, in.Weight}, []graph.Output{{Name: terms[0].Name, Value: terms[0].Value}}, nil
		})
		got := run(t, f, err, map[string]graph.Value{"mu": mu, "log_var": logVar, "z": z, model.InputWeight: weight}, nil)["mi"]
		for i := range n {
			if weight[i] == 0 {
				continue
			}
			mixture := 0.0
			for j := range n {
				mixture += weight[j] / 3 * math.Exp(density(i, j)-density(i, i))
			}
			if want := -math.Log(mixture); !near(got[i], want, 1e-9) {
				t.Errorf("%s: item %d has %v nats, want %v", name, i, got[i], want)
			}
			if name == "far" && !near(got[i], math.Log(3), 1e-9) {
				t.Errorf("codes far apart hold %v nats, want ln 3", got[i])
			}
		}
	}
}

// The encoder learns in each step, the decoder in each third one until the mutual information falls from one epoch to
// the next, and in each step afterwards.
func TestLaggingSteps(t *testing.T) {
	m := newModel(t, sentences, sequenceKind, append([]string{"lagging", "3"}, tinyGRU...)...)
	f, err := m.Last().Step(len(lengths))
	states := startStates(m)
	var mi []float64 // of each step
	learns := func(step int) (encoder, decoder bool) {
		t.Helper()
		before := map[string]graph.Value{}
		for name, v := range states {
			before[name] = slices.Clone(v)
		}
		in := sentenceInputs(uint64(step))
		in[model.InputLR], in[model.InputEpoch] = graph.Value{0.01}, graph.Value{float64(step) / 6}
		mi = append(mi, run(t, f, err, in, states)[model.MutualInformation][0])
		for _, p := range m.Params {
			changed := !slices.Equal(before[p.Name], states[p.Name])
			encoder = encoder || changed && strings.HasPrefix(p.Name, "encoder/")
			decoder = decoder || changed && strings.HasPrefix(p.Name, "decoder/")
		}
		if moved := !slices.Equal(before["optimizer/decoder/m/decoder/logits/bias"], states["optimizer/decoder/m/decoder/logits/bias"]); moved != decoder {
			t.Errorf("step %d: the decoder learns: %t, its moments change: %t", step, decoder, moved)
		}
		return encoder, decoder
	}
	for step := range 12 {
		encoder, decoder := learns(step)
		if !encoder || decoder != (step%3 == 2) {
			t.Errorf("step %d: the encoder learns: %t, the decoder: %t", step, encoder, decoder)
		}
		if step == 6 { // the first epoch has ended
			want := 0.0
			for _, v := range mi[:6] {
				want += v / 6
			}
			if got := states["optimizer/lagging/before"][0]; !near(got, want, 1e-6) {
				t.Errorf("the mutual information of the first epoch is %v, want %v", got, want)
			}
		}
	}
	states["optimizer/lagging/before"] = graph.Value{100} // more than this epoch's
	for step := 12; step < 20; step++ {
		if encoder, decoder := learns(step); !encoder || !decoder {
			t.Errorf("step %d, after the mutual information has fallen: the encoder learns: %t, the decoder: %t", step, encoder, decoder)
		}
	}
}

func TestLaggingIsChecked(t *testing.T) {
	c := configured(t, sequenceKind, "lagging", "1", "shared-embedding", "true")
	err := c.Validate()
	for _, want := range []string{"--lagging 1: want 2 to 1000 steps, as 10, or 0", "share a table of tokens: say --shared-embedding false"} {
		if err == nil || !strings.Contains(flags(c, err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
