package vae

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/models/diagnose"
	"github.com/imago-ml/imago/models/model"
)

// flag returns the flag of a field of the configurations in these tests.
func flag(field string) string {
	return "--" + map[string]string{"LR": "lr", "Schedule": "schedule", "Epochs": "epochs", "Beta": "beta", "Warmup": "warmup", "FreeBits": "free-bits", "Latent": "latent", "Loss": "loss", "Sigma": "sigma", "Hidden": "hidden"}[field]
}

// epochOf returns an epoch with a training and a test loss, a reconstruction and the KL of
// each unit.
func epochOf(epoch int, train, test, rec float64, units ...float64) model.Record {
	r := model.Record{Epoch: epoch, Step: int64(100 * epoch), LearningRate: 1e-3, UnitKL: units,
		Train: map[string]float64{"loss": train}, Test: map[string]float64{"loss": test, "reconstruction": rec}}
	for _, kl := range units {
		r.Test["kl"] += kl
	}
	return r
}

// counted returns an epoch after which so many images were generated of each class.
func counted(step int64, modes ...float64) model.Record {
	return model.Record{Epoch: 1, Step: step, Modes: modes, Train: map[string]float64{"d_loss": 1}}
}

// falling returns epochs of a run in which all goes well: losses from 200 down, halving
// the way to 100 each epoch.
func falling(n int) []model.Record {
	var ls []model.Record
	loss := 200.0
	for e := range n {
		ls = append(ls, epochOf(e+1, loss, loss+1, loss-4, 3, 1))
		loss = 100 + (loss-100)/2
	}
	return ls
}

// Each row of the table on numbers that show it, and on numbers that nearly do.
func TestDiagnosis(t *testing.T) {
	tried := map[string]bool{}
	last := func(ls []model.Record) *model.Record { return &ls[len(ls)-1] }
	for _, tt := range []struct {
		what   string
		model  string // JSON, in place of {"latent": 2, "loss": "bce", "beta": 1}
		epochs []model.Record
		change func(h *model.History)
		want   string // name, or name: part of the text
	}{
		{what: "all well", epochs: falling(4)},
		{what: "collapse", epochs: []model.Record{epochOf(1, 200, 200, 200, 0.004, 0), epochOf(2, 199, 199, 199, 0.001, 0)},
			change: func(h *model.History) { h.ExplainedVariance = 0 }, want: "collapse: 0.001 nats over 2 units"},
		{what: "no collapse yet: one epoch of it", epochs: []model.Record{epochOf(1, 200, 200, 200, 0.004, 0)}},
		{what: "collapse: the only epoch", epochs: []model.Record{epochOf(1, 200, 200, 200, 0.004, 0)}, change: func(h *model.History) { h.Final, h.Epochs[0].Step = true, 200 }, want: "collapse: try less --beta (1 now)"},
		{what: "no collapse yet: few steps", epochs: []model.Record{epochOf(1, 200, 200, 200, 0.004, 0)}, change: func(h *model.History) { h.Final = true }},
		{what: "collapse has other ways out", model: `{"latent": 2, "loss": "mse", "beta": 4, "warmup": 0, "free_bits": 0}`,
			epochs: []model.Record{epochOf(1, 200, 200, 200, 0.004, 0), epochOf(2, 199, 199, 199, 0.001, 0)},
			want:   "collapse: try less --beta (4 now), or more --warmup (0 now), or more --free-bits (0 now), or --loss sigma, which learns the scale (mse now)"},
		{what: "collapse while the weight is still on its way up", model: `{"latent": 2, "loss": "bce", "beta": 1, "warmup": 3}`,
			epochs: []model.Record{epochOf(1, 200, 200, 200, 0.004, 0), epochOf(2, 199, 199, 199, 0.001, 0)}},
		{what: "a hierarchy whose encoded units carry nothing, though others do", epochs: func() []model.Record {
			ls := []model.Record{epochOf(1, 200, 200, 200, 0.004, 0), epochOf(2, 199, 199, 199, 0.001, 0)}
			ls[1].Test["kl"] = 20
			return ls
		}()},
		{what: "dead units", epochs: []model.Record{epochOf(1, 200, 200, 190, 4, 0.001, 0.5), epochOf(2, 190, 190, 180, 4, 0.009, 0.5)}, want: "dead-units: 1 of 3 latent units are dead"},
		{what: "weak units", epochs: []model.Record{epochOf(1, 200, 200, 190, 4, 0.011), epochOf(2, 190, 190, 180, 4, 0.011)}},
		{what: "units that are not needed, the KL being off", model: `{"latent": 2, "beta": 0}`, epochs: []model.Record{epochOf(1, 200, 200, 190, 4, 0), epochOf(2, 190, 190, 180, 4, 0)}},
		{what: "KL off", model: `{"latent": 2, "beta": 0}`, epochs: func() []model.Record {
			ls := falling(2)
			last(ls).Test[model.MeanSigma] = 0.02
			return ls
		}(), want: "kl-off: σ, now 0.02, goes to 0"},
		{what: "KL off, σ still large", model: `{"latent": 2, "beta": 0}`, epochs: func() []model.Record {
			ls := falling(2)
			last(ls).Test[model.MeanSigma] = 0.3
			return ls
		}()},
		{what: "swamped", epochs: falling(2), change: func(h *model.History) { h.ExplainedVariance = 0.04 }, want: "swamped: explain 4 % of the variance"},
		{what: "not swamped", epochs: falling(2), change: func(h *model.History) { h.ExplainedVariance = 0.06 }},
		{what: "an autoencoder that has learned nothing", model: `{"latent": 2, "loss": "mae"}`, epochs: func() []model.Record {
			ls := falling(3)
			for i := range ls {
				delete(ls[i].Test, "kl")
				ls[i].UnitKL = nil
			}
			return ls
		}(), change: func(h *model.History) { h.ExplainedVariance = -0.2 }, want: "blank: explain 0 % of the variance"},
		{what: "grey images under bce", epochs: falling(2), change: func(h *model.History) { h.Entropy = 0.8 * 146 }, want: "grey-bce: of the 146 nats of reconstruction 116.8 are"},
		{what: "images that are mostly black or white", epochs: falling(2), change: func(h *model.History) { h.Entropy = 0.7 * 146 }},
		{what: "grey images under mse", model: `{"latent": 2, "loss": "mse"}`, epochs: falling(2), change: func(h *model.History) { h.Entropy = 200 }},
		{what: "wide mse", model: `{"latent": 2, "loss": "mse", "beta": 1}`, epochs: falling(3), change: func(h *model.History) { h.Values = 12288 }, want: "heavy-kl: takes the error of a value to be 0.71, and it is 0.099: the KL weighs 51 times"},
		{what: "mse of digits", model: `{"latent": 2, "loss": "mse", "beta": 1}`, epochs: falling(3), change: func(h *model.History) { h.Values = 784 }},
		{what: "a KL too small beside mse", model: `{"latent": 2, "loss": "mse", "beta": 0.0005}`, epochs: falling(3), change: func(h *model.History) { h.Values = 12288 }, want: "light-kl: weighs 0.025 of what it should"},
		{what: "codes that hold what the label says", model: `{"latent": 2, "loss": "sigma", "beta": 1, "conditional": true}`, epochs: []model.Record{epochOf(1, 200, 200, 100, 15, 10), epochOf(2, 190, 190, 90, 15, 10), epochOf(3, 180, 180, 80, 15, 10)},
			want: "ignored-label: the codes hold 25 nats of an item, what its label says among them: the label is hardly used, and what is drawn under a label may be of another: try --loss gaussian, whose fixed σ leaves to the label what it says (sigma now), or more --beta (1 now)"},
		{what: "a σ that is fixed, and too small", model: `{"latent": 2, "loss": "gaussian", "beta": 1, "conditional": true}`, epochs: []model.Record{epochOf(1, 200, 200, 100, 15, 10), epochOf(2, 190, 190, 90, 15, 10), epochOf(3, 180, 180, 80, 15, 10)},
			want: "ignored-label: try more --sigma (0.1 now), or more --beta (1 now)"},
		{what: "codes that leave something to the label", model: `{"latent": 2, "loss": "sigma", "beta": 1, "conditional": true}`, epochs: []model.Record{epochOf(1, 200, 200, 100, 6, 5), epochOf(2, 190, 190, 90, 6, 5), epochOf(3, 180, 180, 80, 6, 5)}},
		{what: "codes of black and white pixels that leave something to the label", model: `{"latent": 2, "loss": "bce", "beta": 1, "conditional": true}`, epochs: []model.Record{epochOf(1, 200, 200, 100, 50, 40), epochOf(2, 190, 190, 90, 50, 40), epochOf(3, 180, 180, 80, 50, 40)}},
		{what: "codes of black and white pixels that hold what it says", model: `{"latent": 2, "loss": "bce", "beta": 1, "conditional": true}`, epochs: []model.Record{epochOf(1, 200, 200, 100, 60, 40), epochOf(2, 190, 190, 90, 60, 40), epochOf(3, 180, 180, 80, 60, 40)},
			want: "ignored-label: try more --beta (1 now)"},
		{what: "full codes without labels", model: `{"latent": 2, "loss": "sigma", "beta": 1}`, epochs: []model.Record{epochOf(1, 200, 200, 100, 60, 40), epochOf(2, 190, 190, 90, 60, 40), epochOf(3, 180, 180, 80, 60, 40)}},
		{what: "rising", epochs: append(falling(4), epochOf(5, 115, 116, 111, 3, 1), epochOf(6, 117, 118, 113, 3, 1)), want: "rising: 112.5, 115, 117: try less --lr (0.001 now), or another --schedule (constant now)"},
		{what: "rising once", epochs: append(falling(4), epochOf(5, 115, 116, 111, 3, 1))},
		{what: "noise", epochs: append(falling(4), epochOf(5, 113, 114, 109, 3, 1), epochOf(6, 113.5, 114.5, 109.5, 3, 1))},
		{what: "rising with the weight of the KL", model: `{"latent": 2, "warmup": 5, "beta": 1}`, epochs: append(falling(4), epochOf(5, 115, 116, 111, 3, 1), epochOf(6, 117, 118, 113, 3, 1))},
		{what: "overfit", epochs: append(falling(4), epochOf(5, 110, 114, 110, 3, 1), epochOf(6, 108, 115, 110, 3, 1), epochOf(7, 106, 116, 110, 3, 1)), want: "overfit: since epoch 4 the test loss has risen from 113.5 to 116"},
		{what: "test and train rise together", epochs: append(falling(4), epochOf(5, 114, 114, 110, 3, 1), epochOf(6, 112.6, 115, 110, 3, 1), epochOf(7, 112.9, 116, 110, 3, 1))},
		{what: "plateau", epochs: func() []model.Record {
			ls := falling(9)
			for e := 10; e < 15; e++ {
				ls = append(ls, epochOf(e, 100.3, 101, 97, 3, 1))
			}
			return ls
		}(), want: "plateau: for 5 epochs, at 100.3"},
		{what: "slow", epochs: func() []model.Record {
			ls := falling(7)
			for e := range 5 {
				v := 101.5 - float64(e)/5
				ls = append(ls, epochOf(8+e, v, v+1, v-4, 3, 1))
			}
			return ls
		}()},
		{what: "a rate that has been lowered", epochs: func() []model.Record {
			ls := falling(9)
			for e := 10; e < 15; e++ {
				ls = append(ls, epochOf(e, 100.3, 101, 97, 3, 1))
			}
			last(ls).LearningRate = 4e-4
			return ls
		}()},
		{what: "classes that are hardly made", epochs: []model.Record{counted(4000, 300, 400, 500, 300, 20, 19, 200, 100, 161, 0)}, want: "missing-classes: 3 of 10 classes are hardly generated, or not at all: 4, 5, 9: try less --lr (0.001 now)"},
		{what: "one class", epochs: []model.Record{counted(4000, 300, 400, 500, 300, 120, 119, 200, 100, 161, 0)}},
		{what: "classes that are not made yet", epochs: []model.Record{counted(3900, 300, 400, 500, 300, 20, 19, 200, 100, 161, 0)}},
		{what: "classes of few images", epochs: []model.Record{counted(4000, 30, 40, 50, 29, 2, 2, 20, 10, 16, 0)}},
		{what: "a GAN", model: `{"latent": 2}`, epochs: []model.Record{{Epoch: 1, Train: map[string]float64{"d_loss": 1}}, {Epoch: 2, Train: map[string]float64{"d_loss": 2}}, {Epoch: 3, Train: map[string]float64{"d_loss": 3}}}},
	} {
		c := struct {
			Loss         string
			Beta, Warmup float64
			Conditional  bool
		}{"bce", 1, 0, false}
		if tt.model != "" {
			c.Loss = ""
			if err := json.Unmarshal([]byte(tt.model), &c); err != nil {
				t.Fatal(err)
			}
		}
		d := diagnosis{
			beta: c.Beta, loss: c.Loss, warmup: c.Warmup, scales: true, conditional: c.Conditional, sigmaOption: diagnose.Option{Field: "Sigma", Value: 0.1},
			betaOption: diagnose.Option{Field: "Beta", Value: c.Beta}, warmupOption: diagnose.Option{Field: "Warmup", Value: c.Warmup}, freeBitsOption: diagnose.Option{Field: "FreeBits", Value: 0},
			latentOption: diagnose.Option{Field: "Latent", Value: 2}, lossOption: diagnose.Option{Field: "Loss", Value: c.Loss}, sizes: []diagnose.Option{{Field: "Hidden", Value: []int{8}}},
		}
		h := model.History{Epochs: tt.epochs, EpochEnded: true, Latent: 2, Values: 28 * 28, ExplainedVariance: math.NaN(), Entropy: math.NaN(),
			Training: model.Training{Epochs: 50, LearningRate: 1e-3}}
		for k := range 10 {
			h.Classes = append(h.Classes, fmt.Sprint(k))
		}
		if tt.change != nil {
			tt.change(&h)
		}
		found := d.rules().Diagnose(&h)
		name, part, _ := strings.Cut(tt.want, ": ")
		switch {
		case tt.want == "" && len(found) > 0, tt.want != "" && len(found) != 1:
			t.Errorf("%s: %+v, want %q", tt.what, found, tt.want)
		case tt.want != "" && (found[0].Name != name || !strings.Contains(found[0].Message(flag), part) || strings.Contains(found[0].Text, "NaN")):
			t.Errorf("%s: %s, want %q", tt.what, found[0].Message(flag), tt.want)
		}
		tried[name] = true
	}
	for _, r := range (diagnosis{}).rules() {
		if !tried[r.Name] {
			t.Errorf("no numbers show %s", r.Name)
		}
	}
}
