package vae

import (
	"testing"

	"github.com/imago-ml/imago/models/model"
)

// From testdata/ten_steps.py with torch 1.13.0 in float64. The interpreter is
// float64 too and the constants are rounded to float32 there as here, so what is
// left is the printed precision and the order of sums.
var tenLosses = map[string][]float64{
	"mlp-vae bce":          {22.622707593, 22.387498999, 22.044906105, 21.877093201, 21.748567119, 21.665190201, 21.433827682, 21.500272794, 21.314384100, 21.107469097},
	"cnn-vae mse beta 0.5": {4.226216593, 4.194815058, 4.024974510, 4.046943858, 3.950897949, 4.003366954, 3.980011294, 3.994664501, 3.923139297, 3.888119490},
	"cnn-ae mae":           {10.393854551, 10.290531061, 10.208849016, 10.136561631, 10.055789064, 9.973234211, 9.891548623, 9.822303685, 9.749854319, 9.686901223},
}

func TestTenStepsEqualPyTorch(t *testing.T) {
	for name, m := range map[string]*model.Model{
		"mlp-vae bce":          newModel(t, small, MLPVAE, tinyMLP...),
		"cnn-vae mse beta 0.5": newModel(t, small, CNNVAE, append(tinyCNN, "beta", "0.5")...),
		"cnn-ae mae":           newModel(t, small, CNNAE, tinyCNN...),
	} {
		states := startStates(m)
		for step, want := range tenLosses[name] {
			got := trainOnce(t, m, states, 4, uint64(step), 0.01)[model.Loss][0]
			if !near(got, want, 1e-8) {
				t.Fatalf("%s, step %d: loss %.9f, want %.9f", name, step, got, want)
			}
		}
	}
}
