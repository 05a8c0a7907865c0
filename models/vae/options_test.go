package vae

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
)

// An effect is another value of an option, and what else must be set for it to
// matter.
type effect struct {
	to   string
	with []string
}

// effects are those of every option of every kind.
var effects = map[string]effect{
	"latent": {to: "3"}, "beta": {to: "0"}, "loss": {to: "mse", with: []string{"binarize", "false"}},
	"sigma": {to: "0.3", with: []string{"loss", "gaussian", "binarize", "false"}}, "binarize": {to: "true", with: []string{"binarize", "false"}},
	"warmup": {to: "4", with: []string{"warmup", "0"}}, "free-bits": {to: "2"}, "free-nats": {to: "0.5"},
	"anneal": {to: "logistic", with: []string{"warmup", "4"}}, "cycles": {to: "3", with: []string{"warmup", "0.22", "anneal", "cyclic", "cycles", "2"}},
	"mmd": {to: "5"}, "mmd-kernel": {to: "rbf", with: []string{"mmd", "5"}},
	"hidden": {to: "6,4", with: []string{"hidden", "5,4"}}, "activation": {to: "softplus"}, "dropout": {to: "0.5"},
	"filters": {to: "3"}, "dense": {to: "6"}, "kernel": {to: "4", with: []string{"kernel", "3"}}, "mirror": {to: "true"}, "residual": {to: "true"},
	"samples": {to: "3"}, "latents": {to: "2,2"},
}

// TestEveryOptionHasAnEffect verifies that each option of each kind, set to another value, changes
// the loss.
func TestEveryOptionHasAnEffect(t *testing.T) {
	for _, kind := range allKinds {
		k, _ := kind()
		for _, f := range model.Flags(k.Default()) {
			e, ok := effects[f.Name]
			if !ok {
				t.Errorf("%s --%s is not in the table of effects", k.Name, f.Name)
				continue
			}
			base := append(tiny(kind), "loss", "bce")
			for i := 0; i < len(e.with); i += 2 {
				if has(k, e.with[i]) {
					base = append(base, e.with[i:i+2]...)
				}
			}
			loss := func(options ...string) float64 {
				m := newModel(t, small, kind, options...)
				return trainOnce(t, m, startStates(m), 2, 0, 0)[model.Loss][0]
			}
			was, now := loss(base...), loss(append(base, f.Name, e.to)...)
			if !(math.Abs(now-was) > 1e-6) {
				t.Errorf("%s --%s %s: loss %v, as before it", k.Name, f.Name, e.to, now)
			}
		}
	}
}

func has(k model.Kind, option string) bool {
	return slices.ContainsFunc(model.Flags(k.Default()), func(f *model.Flag) bool { return f.Name == option })
}

// TestLossesDiffer verifies that no two rows of the table of losses give the same loss.
func TestLossesDiffer(t *testing.T) {
	seen := map[float64]string{}
	for _, name := range likelihood.Names() {
		m := newModel(t, small, MLPVAE, append(tinyMLP, "loss", name)...)
		loss := trainOnce(t, m, startStates(m), 2, 0, 0)[model.Loss][0]
		if other, ok := seen[loss]; ok || math.IsNaN(loss) {
			t.Errorf("--loss %s gives %v, as %q", name, loss, other)
		}
		seen[loss] = name
	}
}
