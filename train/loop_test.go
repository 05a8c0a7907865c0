package train_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A short run learns, and what it logs is what an evaluation of its checkpoint gives.
func TestLearns(t *testing.T) {
	set := runtest.Must(runtest.Small(3000, 300))
	c := runtest.Config("mlp-vae", set, "hidden", "64")
	c.Epochs, c.Batch, c.LR = 5, 50, 2e-3
	r := runtest.NewRun(t, c)
	res := trained(t, r, set, 2)
	lines := runtest.Must(runlog.ReadLog(r.Dir))
	epochs := runlog.Epochs(lines)
	if len(epochs) != 5 || len(lines) != 5+3 || res.Steps != 300 || res.Images != 15000 || res.Epochs != 5 {
		t.Fatalf("%d lines of %d epochs, %+v", len(lines), len(epochs), res)
	}
	for _, l := range lines {
		t.Logf("%+v", l)
	}
	first, last := epochs[0], epochs[4]
	if loss := last.Test["test_loss"]; !(loss < 200) || !(loss < first.Test["test_loss"]-20) {
		t.Errorf("test loss %v after one epoch and %v after five", first.Test["test_loss"], loss)
	}
	if res.Best != res.Checkpoint || !last.Best {
		t.Errorf("the last epoch was the best, but %s is not %s", res.Best, res.Checkpoint)
	}

	be := cpu.New(1)
	defer be.Close()
	tr, err := train.OpenModel(r.Dir, runtest.Registry(), be)
	if err != nil {
		t.Fatal(err)
	}
	st := be.NewState()
	for name, w := range runtest.Must(runtest.LoadWeights(tr.Path)).Weights {
		if err := st.Set(name, w); err != nil {
			t.Fatal(err)
		}
	}
	scores := runtest.Must(runtest.Must(eval.New(latent.New(tr.Model(), tr.Input(), exec.New(be, st)))).Evaluate(context.Background(), set.Labelled(set.Test), c.Seed))
	for _, s := range scores {
		if got := last.Test[s.Metric.Name]; got != s.Value || len(last.Test) != len(scores) {
			t.Errorf("the log has %s = %v, the checkpoint %v", s.Metric.Name, got, s.Value)
		}
	}
	// The weights file alone is enough to draw.
	alone, err := train.OpenModel(filepath.Join(res.Best, ckpt.WeightsFile), runtest.Registry(), be)
	if err != nil {
		t.Fatal(err)
	}
	z := []float32{0.3, -1}
	a, b := runtest.Must(alone.Decode(context.Background(), z)), runtest.Must(tr.Decode(context.Background(), z))
	if alone.Config.Recipe != "mlp-vae" || fmt.Sprint(a) != fmt.Sprint(b) || alone.Step != 300 {
		t.Errorf("the weights file alone gives %+v", alone.Config)
	}
}

// An epoch's means are over every image once, the short batch weighted by its images.
func TestEpochMeans(t *testing.T) {
	set := runtest.Must(runtest.Small(100, 20))
	c := runtest.Config("mlp-vae", set, "hidden", "8")
	c.Epochs, c.Batch, c.LR = 1, 64, 1e-12 // nothing moves: the means are those of one state
	r := runtest.NewRun(t, c)
	seen := make([]atomic.Int32, 100)
	trained(t, r, runtest.Trapped(set, func(i int) error { seen[i].Add(1); return nil }), 1)
	for i := range seen {
		if n := seen[i].Load(); n != 1 {
			t.Errorf("image %d was used %d times", i, n)
		}
	}
	l := runtest.Must(runlog.ReadLog(r.Dir))[0]
	be := cpu.New(1)
	defer be.Close()
	tr := runtest.Must(train.OpenModel(r.Dir, runtest.Registry(), be))
	mean, logVar, err := tr.EncodeMeans(context.Background(), set.Train.Items)
	if err != nil {
		t.Fatal(err)
	}
	var kl float64
	for i, m := range mean {
		kl += klOf(float64(m), float64(logVar[i])) / 100
	}
	if d := l.Train["kl"] - kl; !(d*d <= 1e-10) || l.Images != 100 || l.Step != 2 {
		t.Errorf("the epoch's KL is %v, that of its images %v", l.Train["kl"], kl)
	}
}

func TestSeedsAndThreads(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	run := func(seed uint64, threads int) (string, string) {
		c := runtest.Config("mlp-vae", set, "hidden", "16")
		c.Seed = seed
		r := runtest.NewRun(t, c)
		trained(t, r, set, threads)
		return digestOf(t, r.Dir)
	}
	a, logA := run(1, 1)
	b, logB := run(1, 2)
	if a != b || logA != logB {
		t.Errorf("one and two threads differ: %s %s\n%s\n%s", a, b, logA, logB)
	}
	if c, _ := run(2, 1); c == a {
		t.Error("two seeds gave the same weights")
	}
}

// A run that is interrupted anywhere and resumed ends like one that was not.
func TestResume(t *testing.T) {
	for _, recipe := range []string{"mlp-vae", "dense-gan", "dcgan", "staged"} {
		t.Run(recipe, func(t *testing.T) { resumes(t, recipe) })
	}
}

func resumes(t *testing.T, recipe string) {
	set := runtest.Must(runtest.Small(150, 30)) // 64 + 64 + 22
	c := runtest.Config(recipe, set, "hidden", "16", "filters", "2,3")
	c.Schedule = "step:1:0.5"
	whole := runtest.NewRun(t, c)
	trained(t, whole, set, 2)
	want, wantLog := digestOf(t, whole.Dir)

	r := runtest.NewRun(t, c)
	be := cpu.New(2)
	defer be.Close()
	stops := 0
	for _, reads := range []int64{1, 70, 140, 100, 150, 40} {
		stopped := interrupted(t, r, set, be, reads)
		if !strings.HasSuffix(stopped.Error(), "resume the run in "+r.Dir) {
			t.Errorf("it does not say how to go on: %v", stopped)
		}
		stops++
		if s := runtest.Must(runtest.LoadWeights(stopped.Checkpoint)).State; s.Step != stopped.Step || s.Epoch != stopped.Epoch {
			t.Errorf("%v, but the checkpoint is of step %d", stopped, s.Step)
		}
	}
	trained(t, runtest.Must(runlog.Open(r.Dir, recipe)), set, 1)
	got, gotLog := digestOf(t, r.Dir)
	if got != want || gotLog != wantLog {
		t.Errorf("after %d interruptions: %s, want %s\n%s\nwant\n%s", stops, got, want, gotLog, wantLog)
	}
	if files := runtest.Must(os.ReadDir(r.Path(runlog.CheckpointsDir))); len(files) > 4 {
		t.Errorf("%d checkpoints, want the last 3 and the best", len(files))
	}
}

// A run that is done goes on when it is given more epochs, as if it had had them
// from the start.
func TestMoreEpochs(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	whole := runtest.NewRun(t, c)
	trained(t, whole, set, 2)

	c.Epochs = 1
	r := runtest.NewRun(t, c)
	if res := trained(t, r, set, 2); res.Epochs != 1 {
		t.Fatalf("%+v", res)
	}
	if res := trained(t, r, set, 2); res.Steps != 3 || res.Last.Epoch != 1 {
		t.Errorf("a run that was done gave %+v", res)
	}
	c.Epochs = 3
	if err := r.Change(c); err != nil {
		t.Fatal(err)
	}
	trained(t, r, set, 2)
	want, wantLog := digestOf(t, whole.Dir)
	if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
		t.Errorf("1 and 2 epochs: %s, want %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
	}
}

// A damaged checkpoint is passed over with a word, and what it did is done again.
func TestDamagedCheckpoint(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	r := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "16"))
	res := trained(t, r, set, 2)
	want, wantLog := digestOf(t, r.Dir)
	name := filepath.Join(res.Checkpoint, ckpt.WeightsFile)
	b := runtest.Must(os.ReadFile(name))
	b[len(b)-1] ^= 1
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := train.Loop(context.Background(), newJob(t, r, set, 2, &out)); err != nil {
		t.Fatal(err)
	}
	if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog || !strings.Contains(out.String(), "warning    ") {
		t.Errorf("resumed from the one before: %s, want %s\n%s", got, want, out.String())
	}
}

// A rate that is far too high ends with the layer, the step and the way out, and
// leaves no number that is not finite.
func TestDiverges(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	c.Epochs = 1
	r := runtest.NewRun(t, c)
	res := trained(t, r, set, 2)
	c.Epochs, c.LR = 2, 1e30
	if err := r.Change(c); err != nil {
		t.Fatal(err)
	}
	_, err := train.Loop(context.Background(), newJob(t, r, set, 2, nil))
	var bad *train.DivergedError
	var at *backend.NonFiniteError
	if !errors.As(err, &bad) || !errors.As(err, &at) {
		t.Fatalf("a rate of 1e30 gave %v", err)
	}
	if bad.Epoch != 2 || bad.Step != 4 || bad.Checkpoint != res.Checkpoint || at.Layer == "" {
		t.Errorf("%+v, %+v", bad, at)
	}
	for _, part := range []string{"epoch 2, step 4", "layer " + at.Layer, res.Checkpoint, "LR 0.001"} {
		if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q lacks %q, or is not one line", err, part)
		}
	}
	if names := runtest.Must(ckpt.List(r.Checkpoints())); len(names) != 1 {
		t.Errorf("checkpoints %v, want the good one only", names)
	}
	c.LR = 1e-3
	if err := r.Change(c); err != nil {
		t.Fatal(err)
	}
	if res := trained(t, r, set, 2); res.Epochs != 2 {
		t.Errorf("the way out led to %+v", res)
	}
}

// What the guard of the step cannot see, parameters that overflow in the last
// update, is not saved either.
func TestOverflowIsNotSaved(t *testing.T) {
	set := runtest.Must(runtest.Small(30, 10)) // one step
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	c.Epochs, c.LR = 1, 3e38
	r := runtest.NewRun(t, c)
	_, err := train.Loop(context.Background(), newJob(t, r, set, 1, nil))
	var bad *train.DivergedError
	if !errors.As(err, &bad) {
		t.Errorf("a rate of 3e38 gave %v", err)
	}
	set.Test = data.Split{Items: runtest.Must(data.NewInMemory(nil, 0, pixels.Item(28, 28, 1)))}
	c.Data.Test = 0
	r = runtest.NewRun(t, c)
	_, err = train.Loop(context.Background(), newJob(t, r, set, 1, nil))
	if err != nil && !errors.As(err, &bad) {
		t.Errorf("without test images: %v", err)
	}
	for _, name := range runtest.Must(ckpt.List(r.Checkpoints())) {
		if err := runtest.Must(ckpt.Load(r.Checkpoints(), name)).Check(); err != nil {
			t.Errorf("saved: %v", err)
		}
	}
}

func TestDataErrors(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	r := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "16"))
	broken := errors.New("broken file")
	_, err := train.Loop(context.Background(), newJob(t, r, runtest.Trapped(set, func(i int) error {
		if i == 77 {
			return broken
		}
		return nil
	}), 1, nil))
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "image 77") || !strings.Contains(err.Error(), "epoch 1") {
		t.Errorf("an image that cannot be read gave %v", err)
	}
	other := *set
	other.Digest = "another"
	if _, err := train.Loop(context.Background(), newJob(t, r, &other, 1, nil)); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("other data gave %v", err)
	}
	trained(t, r, set, 1)
}

// A set without test images trains; there is then nothing to be best at.
func TestNoTestImages(t *testing.T) {
	set := runtest.Must(runtest.Small(70, 10))
	set.Test = data.Split{Items: runtest.Must(data.NewInMemory(nil, 0, pixels.Item(28, 28, 1)))}
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	c.Pictures, c.Epochs = 0, 1
	r := runtest.NewRun(t, c)
	if res := trained(t, r, set, 2); res.Last.Test != nil || res.Best != res.Checkpoint || res.Report == "" {
		t.Errorf("%+v", res)
	}
}

// klOf returns KL(N(m, e^v) ‖ N(0, 1)).
func klOf(m, v float64) float64 { return (m*m + math.Exp(v) - v - 1) / 2 }

// An extreme option is named in place of the learning rate, which does not explain what it does.
func TestDivergedNamesExtremes(t *testing.T) {
	set := runtest.Must(runtest.Small(30, 10))
	for _, x := range []struct {
		options []string
		decay   float64
		want    string
	}{
		{[]string{"beta", "1e30"}, 0, "a usual value of Beta: 1e+30 is extreme"},
		{[]string{"loss", "gaussian", "sigma", "1e-30"}, 0, "a usual value of Sigma: 1e-30 is extreme"},
		{nil, 1e30, "a usual value of WeightDecay: 1e+30 is extreme"},
	} {
		c := runtest.Config("mlp-vae", set, append([]string{"hidden", "16"}, x.options...)...)
		if x.decay != 0 {
			c.Optimizer = optim.Settings{Rule: "adam", WeightDecay: x.decay}
		}
		_, err := train.Loop(context.Background(), newJob(t, runtest.NewRun(t, c), set, 1, nil))
		var bad *train.DivergedError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "learning rate") {
			t.Errorf("%v: want %q, and no learning rate", err, x.want)
		}
	}
}
