package vae_test

import (
	"testing"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/model/modeltest"
	"github.com/imago-ml/imago/models/vae"
)

// TestTrainingEqualsPyTorch compares training with testdata/oracles.py, which is written from the papers with
// PyTorch: all metrics of ten steps of each phase, and the parameters after them.
func TestTrainingEqualsPyTorch(t *testing.T) {
	for name, c := range map[string]model.Config{
		"iwae":                 &vae.IWAEConfig{},
		"ladder-vae":           &vae.LadderConfig{},
		"ladder-vae-free-bits": &vae.LadderConfig{},
		"vq-vae":               &vae.VQVAEConfig{},
		"m2":                   &vae.M2Config{},
		"vade-diagonal":        &vae.VaDEConfig{},
		"vade-full":            &vae.VaDEConfig{},
	} {
		t.Run(name, func(t *testing.T) { modeltest.CompareTraining(t, c, "testdata/"+name+".json") })
	}
}
