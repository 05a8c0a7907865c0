package vae

import (
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// The log-variance of a committed rate has that KL at a mean of 0, from the smallest rates to the largest.
func TestCommittedLogVar(t *testing.T) {
	for _, rate := range []float64{1e-6, 0.01, 0.3, 1, 5, 20} {
		v := committedLogVar(rate)
		if kl := (math.Exp(v) - 1 - v) / 2; !(v < 0) || !near(kl, rate, 1e-8) {
			t.Errorf("rate %v: ln s² = %v, of a KL of %v", rate, v, kl)
		}
	}
}

// The KL of a code is the committed rate where the encoder says nothing and its variances are as large as they can
// be, and more in any other case.
func TestCommittedRate(t *testing.T) {
	m := newModel(t, sentences, sequenceKind, append([]string{"committed-rate", "3"}, tinyGRU...)...)
	f, err := m.Score(len(lengths))
	kl := func(change func(states map[string]graph.Value)) graph.Value {
		states := startStates(m)
		change(states)
		return run(t, f, err, sentenceInputs(1), states)[model.KL]
	}
	// fill gives all parameters of a layer of the encoder one value.
	fill := func(states map[string]graph.Value, layer string, kernel, bias float64) {
		for i := range states["encoder/"+layer+"/kernel"] {
			states["encoder/"+layer+"/kernel"][i] = kernel
		}
		for i := range states["encoder/"+layer+"/bias"] {
			states["encoder/"+layer+"/bias"][i] = bias
		}
	}
	for i, v := range kl(func(map[string]graph.Value) {}) {
		if !(v > 3) {
			t.Errorf("sentence %d: KL %v, want more than 3", i, v)
		}
	}
	collapsed := kl(func(states map[string]graph.Value) {
		fill(states, "z_mean", 0, 0)
		fill(states, "z_log_var", 0, 50)
	})
	for i, v := range collapsed {
		if !near(v, 3, 1e-6) {
			t.Errorf("sentence %d: KL %v of codes that say nothing, want 3", i, v)
		}
	}
	c := configured(t, sequenceKind, "committed-rate", "41", "latent", "2")
	if err := c.Validate(); err == nil || !strings.Contains(flags(c, err), "--committed-rate 41: want nats, as 5, 20 for each latent unit at most") {
		t.Errorf("%v", err)
	}
}
