package train

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// lineOf returns an epoch with a training and a test loss, a reconstruction and the KL of
// each unit.
func lineOf(epoch int, train, test, rec float64, units ...float64) runlog.Line {
	l := runlog.Line{Kind: runlog.EpochLine, Epoch: epoch, Step: int64(100 * epoch), LR: 1e-3, UnitKL: units,
		Train: map[string]float64{"loss": train}, Test: map[string]float64{"test_loss": test, "test_reconstruction": rec}}
	for _, kl := range units {
		l.Test["test_kl"] += kl
	}
	return l
}

// counted returns an epoch after which so many images were made of each class.
func counted(step int64, modes ...float64) runlog.Line {
	return runlog.Line{Kind: runlog.EpochLine, Epoch: 1, Step: step, Modes: modes, Train: map[string]float64{"d_loss": 1}}
}

// falling returns epochs of a run in which all goes well: losses from 200 down, halving
// the way to 100 each epoch.
func falling(n int) []runlog.Line {
	var ls []runlog.Line
	loss := 200.0
	for e := range n {
		ls = append(ls, lineOf(e+1, loss, loss+1, loss-4, 3, 1))
		loss = 100 + (loss-100)/2
	}
	return ls
}

// Each row of the table on numbers that show it, and on numbers that nearly do.
func TestSymptoms(t *testing.T) {
	base := config("mlp-vae", must(small(20, 10)))
	base.Epochs = 50
	var named []string
	for _, s := range symptoms {
		named = append(named, s.name)
	}
	tried := map[string]bool{}
	last := func(ls []runlog.Line) *runlog.Line { return &ls[len(ls)-1] }
	for _, tt := range []struct {
		what   string
		model  string // JSON, in place of {"latent": 2, "loss": "bce", "beta": 1}
		epochs []runlog.Line
		change func(c *course)
		want   string // name, or name: part of the text
	}{
		{what: "all well", epochs: falling(4)},
		{what: "collapse", epochs: []runlog.Line{lineOf(1, 200, 200, 200, 0.004, 0), lineOf(2, 199, 199, 199, 0.001, 0)},
			change: func(c *course) { c.explained = 0 }, want: "collapse: 0.001 nats over 2 units"},
		{what: "no collapse yet: one epoch of it", epochs: []runlog.Line{lineOf(1, 200, 200, 200, 0.004, 0)}},
		{what: "collapse: the only epoch", epochs: []runlog.Line{lineOf(1, 200, 200, 200, 0.004, 0)}, change: func(c *course) { c.final, c.epochs[0].Step = true, 200 }, want: "collapse: try less --beta (1 now)"},
		{what: "no collapse yet: few steps", epochs: []runlog.Line{lineOf(1, 200, 200, 200, 0.004, 0)}, change: func(c *course) { c.final = true }},
		{what: "collapse has other ways out", model: `{"latent": 2, "loss": "mse", "beta": 4, "warmup": 0, "free_bits": 0}`,
			epochs: []runlog.Line{lineOf(1, 200, 200, 200, 0.004, 0), lineOf(2, 199, 199, 199, 0.001, 0)},
			want:   "collapse: try less --beta (4 now), or more --warmup (0 now), or more --free-bits (0 now), or --loss sigma, which learns the scale (mse now)"},
		{what: "collapse while the weight is still on its way up", model: `{"latent": 2, "loss": "bce", "beta": 1, "warmup": 3}`,
			epochs: []runlog.Line{lineOf(1, 200, 200, 200, 0.004, 0), lineOf(2, 199, 199, 199, 0.001, 0)}},
		{what: "a hierarchy whose encoded units are silent, though others speak", epochs: func() []runlog.Line {
			ls := []runlog.Line{lineOf(1, 200, 200, 200, 0.004, 0), lineOf(2, 199, 199, 199, 0.001, 0)}
			ls[1].Test["test_kl"] = 20
			return ls
		}()},
		{what: "dead units", epochs: []runlog.Line{lineOf(1, 200, 200, 190, 4, 0.001, 0.5), lineOf(2, 190, 190, 180, 4, 0.009, 0.5)}, want: "dead-units: 1 of 3 latent units are dead"},
		{what: "weak units", epochs: []runlog.Line{lineOf(1, 200, 200, 190, 4, 0.011), lineOf(2, 190, 190, 180, 4, 0.011)}},
		{what: "units that are not needed, the KL being off", model: `{"latent": 2, "beta": 0}`, epochs: []runlog.Line{lineOf(1, 200, 200, 190, 4, 0), lineOf(2, 190, 190, 180, 4, 0)}},
		{what: "KL off", model: `{"latent": 2, "beta": 0}`, epochs: func() []runlog.Line {
			ls := falling(2)
			last(ls).Test[eval.MeanSigma] = 0.02
			return ls
		}(), want: "kl-off: σ, now 0.02, goes to 0"},
		{what: "KL off, σ still large", model: `{"latent": 2, "beta": 0}`, epochs: func() []runlog.Line {
			ls := falling(2)
			last(ls).Test[eval.MeanSigma] = 0.3
			return ls
		}()},
		{what: "swamped", epochs: falling(2), change: func(c *course) { c.explained = 0.04 }, want: "swamped: show 4 % of what sets"},
		{what: "not swamped", epochs: falling(2), change: func(c *course) { c.explained = 0.06 }},
		{what: "an autoencoder that has learnt nothing", model: `{"latent": 2, "loss": "mae"}`, epochs: func() []runlog.Line {
			ls := falling(3)
			for i := range ls {
				delete(ls[i].Test, "test_kl")
				ls[i].UnitKL = nil
			}
			return ls
		}(), change: func(c *course) { c.explained = -0.2 }, want: "blank: show 0 % of what"},
		{what: "grey images under bce", epochs: falling(2), change: func(c *course) { c.entropy = 0.8 * 146 }, want: "grey-bce: of the 146 nats of reconstruction 116.8 are"},
		{what: "images that are mostly black or white", epochs: falling(2), change: func(c *course) { c.entropy = 0.7 * 146 }},
		{what: "grey images under mse", model: `{"latent": 2, "loss": "mse"}`, epochs: falling(2), change: func(c *course) { c.entropy = 200 }},
		{what: "wide mse", model: `{"latent": 2, "loss": "mse", "beta": 1}`, epochs: falling(3), change: func(c *course) { c.values = 12288 }, want: "heavy-kl: off by 0.71, and they are by 0.099: the KL weighs 51 times"},
		{what: "mse of digits", model: `{"latent": 2, "loss": "mse", "beta": 1}`, epochs: falling(3), change: func(c *course) { c.values = 784 }},
		{what: "a KL too small beside mse", model: `{"latent": 2, "loss": "mse", "beta": 0.0005}`, epochs: falling(3), change: func(c *course) { c.values = 12288 }, want: "light-kl: weighs 0.025 of what it should"},
		{what: "rising", epochs: append(falling(4), lineOf(5, 115, 116, 111, 3, 1), lineOf(6, 117, 118, 113, 3, 1)), want: "rising: 112.5, 115, 117: try less --lr (0.001 now), or another --schedule (constant now)"},
		{what: "rising once", epochs: append(falling(4), lineOf(5, 115, 116, 111, 3, 1))},
		{what: "noise", epochs: append(falling(4), lineOf(5, 113, 114, 109, 3, 1), lineOf(6, 113.5, 114.5, 109.5, 3, 1))},
		{what: "rising with the weight of the KL", model: `{"latent": 2, "warmup": 5, "beta": 1}`, epochs: append(falling(4), lineOf(5, 115, 116, 111, 3, 1), lineOf(6, 117, 118, 113, 3, 1))},
		{what: "overfit", epochs: append(falling(4), lineOf(5, 110, 114, 110, 3, 1), lineOf(6, 108, 115, 110, 3, 1), lineOf(7, 106, 116, 110, 3, 1)), want: "overfit: since epoch 4 the test loss has risen from 113.5 to 116"},
		{what: "test and train rise together", epochs: append(falling(4), lineOf(5, 114, 114, 110, 3, 1), lineOf(6, 112.6, 115, 110, 3, 1), lineOf(7, 112.9, 116, 110, 3, 1))},
		{what: "plateau", epochs: func() []runlog.Line {
			ls := falling(9)
			for e := 10; e < 15; e++ {
				ls = append(ls, lineOf(e, 100.3, 101, 97, 3, 1))
			}
			return ls
		}(), want: "plateau: for 5 epochs, at 100.3"},
		{what: "slow", epochs: func() []runlog.Line {
			ls := falling(7)
			for e := range 5 {
				v := 101.5 - float64(e)/5
				ls = append(ls, lineOf(8+e, v, v+1, v-4, 3, 1))
			}
			return ls
		}()},
		{what: "a rate that has been lowered", epochs: func() []runlog.Line {
			ls := falling(9)
			for e := 10; e < 15; e++ {
				ls = append(ls, lineOf(e, 100.3, 101, 97, 3, 1))
			}
			last(ls).LR = 4e-4
			return ls
		}()},
		{what: "told before", epochs: func() []runlog.Line {
			ls := []runlog.Line{lineOf(1, 200, 200, 190, 4, 0), lineOf(2, 190, 190, 180, 4, 0), lineOf(3, 180, 180, 170, 4, 0)}
			ls[1].Warnings = []runlog.Warning{{Name: "dead-units"}}
			return ls
		}()},
		{what: "a stage before", epochs: func() []runlog.Line {
			ls := []runlog.Line{lineOf(1, 200, 200, 190, 4, 0), lineOf(2, 190, 190, 180, 4, 0)}
			ls[0].Phase, ls[1].Phase = "one", "two"
			return ls
		}()},
		{what: "classes that are hardly made", epochs: []runlog.Line{counted(4000, 300, 400, 500, 300, 20, 19, 200, 100, 161, 0)}, want: "missing-classes: of 10 classes 3 are hardly made, or not at all: 4, 5, 9: try less --lr (0.001 now)"},
		{what: "one class", epochs: []runlog.Line{counted(4000, 300, 400, 500, 300, 120, 119, 200, 100, 161, 0)}},
		{what: "classes that are not made yet", epochs: []runlog.Line{counted(3900, 300, 400, 500, 300, 20, 19, 200, 100, 161, 0)}},
		{what: "classes of few images", epochs: []runlog.Line{counted(4000, 30, 40, 50, 29, 2, 2, 20, 10, 16, 0)}},
		{what: "a GAN", model: `{"latent": 2}`, epochs: []runlog.Line{{Epoch: 1, Train: map[string]float64{"d_loss": 1}}, {Epoch: 2, Train: map[string]float64{"d_loss": 2}}, {Epoch: 3, Train: map[string]float64{"d_loss": 3}}}},
	} {
		run := base
		run.Model = []byte(`{"latent": 2, "loss": "bce", "beta": 1}`)
		if tt.model != "" {
			run.Model = []byte(tt.model)
		}
		c := courseOf(&run, &model.Model{}, tt.epochs, 2)
		if tt.change != nil {
			tt.change(c)
		}
		found := append(c.diagnose(symptoms), c.diagnose(contests)...)
		name, part, _ := strings.Cut(tt.want, ": ")
		switch {
		case tt.want == "" && len(found) > 0, tt.want != "" && len(found) != 1:
			t.Errorf("%s: %+v, want %q", tt.what, found, tt.want)
		case tt.want != "" && (found[0].Name != name || !strings.Contains(found[0].Text, part) || strings.Contains(found[0].Text, "NaN")):
			t.Errorf("%s: %+v, want %q", tt.what, found[0], tt.want)
		}
		tried[name] = true
	}
	for _, name := range named {
		if !tried[name] {
			t.Errorf("no numbers show %s", name)
		}
	}
}

// A KL of weight 100 collapses, and the run says so: on the terminal, in the log and
// in the report, once.
func TestCollapseIsTold(t *testing.T) {
	set := must(small(600, 60))
	c := config("mlp-vae", set, "hidden", "32", "beta", "100")
	c.Epochs, c.Batch, c.Pictures = 4, 10, 0
	r := newRun(t, c)
	var out bytes.Buffer
	res, err := Loop(context.Background(), newJob(t, r, set, 2, &out))
	if err != nil {
		t.Fatal(err)
	}
	var told []runlog.Warning
	for _, l := range must(runlog.ReadLog(r.Dir)) {
		told = append(told, l.Warnings...)
	}
	collapse := slices.IndexFunc(told, func(w runlog.Warning) bool { return w.Name == "collapse" })
	if collapse < 0 {
		t.Fatalf("told %+v of\n%s", told, out.String())
	}
	t.Log(told)
	text := told[collapse].Text
	if strings.Count(out.String(), "warning    "+text) != 1 || !strings.Contains(text, "less --beta (100 now)") {
		t.Errorf("%q is not in\n%s", text, out.String())
	}
	if page := string(must(os.ReadFile(res.Report))); !strings.Contains(page, "posterior collapse") {
		t.Error("the report does not tell")
	}
}
