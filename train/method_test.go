package train_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A run with another optimiser, interrupted and resumed, ends as one that was not, also
// with a rule that has no slots to save.
func TestOptimizers(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	be := cpu.New(2)
	defer be.Close()
	seen := map[string]string{}
	for _, recipe := range []string{"mlp-vae", "dense-gan"} {
		for _, o := range []optim.Settings{
			{Rule: "sgd", Clip: 10},
			{Rule: "sgd", Momentum: 0.9, WeightDecay: 1e-3, Clip: 10},
			{Rule: "rmsprop"},
			optim.UsualSettings("adamw"),
			{},
		} {
			name := fmt.Sprint(recipe, " ", o)
			c := runtest.Config(recipe, set, "hidden", "16")
			c.Epochs, c.Optimizer = 2, o
			whole := runtest.NewRun(t, c)
			trained(t, whole, set, 2)
			want, wantLog := digestOf(t, whole.Dir)
			r := runtest.NewRun(t, c)
			interrupted(t, r, set, be, 70)
			trained(t, runtest.Must(runlog.Open(r.Dir, recipe)), set, 1)
			if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
				t.Errorf("%s: %s, want %s\n%s\nwant\n%s", name, got, want, gotLog, wantLog)
			}
			if other, ok := seen[want]; ok {
				t.Errorf("%s and %s end with the same weights", name, other)
			}
			seen[want] = name
		}
	}
	// An optimiser that is named as the model's own changes nothing.
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	a := runtest.NewRun(t, c)
	c.Optimizer.Rule = "adam"
	b := runtest.NewRun(t, c)
	trained(t, a, set, 1)
	trained(t, b, set, 2)
	if runtest.WeightsOf(t, a) != runtest.WeightsOf(t, b) {
		t.Error("adam is not the optimiser of mlp-vae")
	}
	c.Optimizer.Rule = "sgd"
	if err := b.Change(c); err == nil || !strings.Contains(err.Error(), "keeps its recipe") {
		t.Errorf("another optimiser of a run that goes on: %v", err)
	}
}

// A run that is steered by its validation part, early stopping, a plateau of the rate,
// AdamW, clipping, shifts and dropout, interrupted and resumed anywhere, ends with the same bits: state,
// log and the epoch in which it stops.
func TestSteeredRun(t *testing.T) {
	set := runtest.Must(data.Validation(runtest.Must(runtest.Small(150, 30)), data.Options{Validation: 0.2}))
	if set.Train.Len() != 120 || set.Validation.Len() != 30 {
		t.Fatalf("%d training and %d validation images", set.Train.Len(), set.Validation.Len())
	}
	for _, recipe := range []string{"mlp-vae", "staged"} {
		c := runtest.Config(recipe, set, "hidden", "16", "dropout", "0.1")
		c.Epochs, c.Batch, c.LR, c.Patience, c.Schedule, c.Checkpoints.Steps, c.Shift = 40, 32, 0.05, 3, "plateau:1:0.5", 3, 1
		c.Optimizer = optim.Settings{Rule: "adamw", WeightDecay: 0.1, Clip: 20}
		whole := runtest.NewRun(t, c)
		var out bytes.Buffer
		res, err := train.Loop(context.Background(), newJob(t, whole, set, 2, &out))
		if err != nil {
			t.Fatal(err)
		}
		if res.Epochs >= 40 || !res.Last.Stopped || !strings.Contains(out.String(), "stopped    validation_loss has not improved for 3 epochs: the best was ") || !strings.Contains(out.String(), "rate       validation_loss no longer improves") {
			t.Fatalf("%+v\n%s", res, out.String())
		}
		epochs := runlog.Epochs(runtest.Must(runlog.ReadLog(whole.Dir)))
		best := epochs[len(epochs)-4]
		for _, l := range epochs[len(epochs)-3:] {
			if l.Validation["validation_loss"] < best.Validation["validation_loss"] || l.Best {
				t.Errorf("%s: epoch %d is better than epoch %d, the best", recipe, l.Epoch, best.Epoch)
			}
		}
		if !best.Best || res.Best != filepath.Join(whole.Path(runlog.CheckpointsDir), ckpt.Name(best.Step)) || !(epochs[len(epochs)-1].LR < 0.05) {
			t.Errorf("%s: the best is %s, want that of epoch %d; the last rate is %v", recipe, res.Best, best.Epoch, epochs[len(epochs)-1].LR)
		}
		want, wantLog := digestOf(t, whole.Dir)

		r := runtest.NewRun(t, c)
		be := cpu.New(2)
		defer be.Close()
		for _, reads := range []int64{50, 200, 130, 400, 250} {
			if recipe == "staged" {
				reads /= 2
			}
			interrupted(t, r, set, be, reads)
		}
		if res := trained(t, runtest.Must(runlog.Open(r.Dir, recipe)), set, 1); !res.Last.Stopped {
			t.Errorf("%+v", res)
		}
		if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
			t.Errorf("%s: %s, want %s\n%s\nwant\n%s", recipe, got, want, gotLog, wantLog)
		}
		// It stays where it stopped, and says so, until it is given more patience: then it goes
		// on as if it had had it from the start.
		out.Reset()
		if _, err := train.Loop(context.Background(), newJob(t, r, set, 2, &out)); err != nil || !strings.Contains(out.String(), "a larger Patience, or 0 for none, takes it further") {
			t.Errorf("%v\n%s", err, out.String())
		}
		if recipe == "staged" {
			continue
		}
		c.Patience, c.Epochs = 0, res.Epochs+2
		long := runtest.NewRun(t, c)
		trained(t, long, set, 2)
		if err := r.Change(c); err != nil {
			t.Fatal(err)
		}
		trained(t, r, set, 2)
		if runtest.WeightsOf(t, r) != runtest.WeightsOf(t, long) {
			t.Error("with more patience it ends with other weights than a run that had it from the start")
		}
	}
}

// Without a validation part the test images choose the model, with a warning; without
// both, or without a loss, there is nothing to go by.
func TestNothingToStopBy(t *testing.T) {
	set := runtest.Must(runtest.Small(40, 20))
	c := runtest.Config("mlp-vae", set, "hidden", "8")
	c.Epochs, c.Patience = 1, 2
	var out bytes.Buffer
	if _, err := train.Loop(context.Background(), newJob(t, runtest.NewRun(t, c), set, 1, &out)); err != nil || !strings.Contains(out.String(), "warning    early stopping: by the test images") {
		t.Errorf("%v\n%s", err, out.String())
	}
	m := runtest.Must(c.Build(runtest.Registry()))
	for want, change := range map[string]func(c *runlog.Config){
		"Patience 2: there is neither a validation nor a test part":       func(c *runlog.Config) { c.Data.Test = 0 },
		"Schedule plateau: there is neither a validation nor a test part": func(c *runlog.Config) { c.Data.Test, c.Patience, c.Schedule = 0, 0, "plateau" },
	} {
		d := c
		change(&d)
		if err := train.Check(&d, m, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	c = runtest.Config("dense-gan", set, "hidden", "8")
	c.Patience = 2
	m = runtest.Must(c.Build(runtest.Registry()))
	if err := train.Check(&c, m, set); err == nil || !strings.Contains(err.Error(), "Patience 2: this model has no loss by which epochs are compared") {
		t.Errorf("a GAN: %v", err)
	}
	c.Measure = runlog.Measure{Metrics: []string{"fid"}, Every: 1, Images: 10}
	if err := train.Check(&c, m, set); err != nil {
		t.Error(err)
	}
}
