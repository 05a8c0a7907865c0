// Package exporttest makes models for tests of what is written of them:
//
//	m := exporttest.Untrained(t, &registry, "cnn-vae", input, vary)
//
// Only tests may import it. It knows no format and no concrete model.
package exporttest

import (
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// Untrained returns the model of a recipe with initial weights, each of which vary changes: biases and statistics begin as
// 0 or 1, and what is written is to be wrong if one of them is left out. The session ends with the test.
func Untrained(t testing.TB, r *model.Registry, recipe string, in model.Input, vary func(p nn.Param, w []float32)) *train.Trained {
	t.Helper()
	rec, err := r.Recipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Config(rec)
	if err != nil {
		t.Fatal(err)
	}
	config, err := runlog.NewImported(rec, c, in.Item, in.Labels)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.New(in)
	if err != nil {
		t.Fatal(err)
	}
	weights := map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		weights[p.Name] = p.Draw(rng.New(1))
		vary(p, weights[p.Name].F32())
	}
	be := cpu.New(0)
	t.Cleanup(func() { be.Close() })
	s, err := latent.Load(m, in, be, weights)
	if err != nil {
		t.Fatal(err)
	}
	return &train.Trained{Session: s, Config: config}
}
