package terminal

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

func TestLineText(t *testing.T) {
	l := runlog.Line{
		Kind: runlog.EpochLine, Epoch: 3, ImagesPerSec: 12345.4, Seconds: 4.91,
		Train: map[string]float64{"loss": 161.2, "reconstruction": 155.9, "kl": 5.3, "grad_norm": 7},
		Test:  map[string]float64{"test_loss": 159.6, "test_reconstruction": 154.1, "test_kl": 5.5},
	}
	want := "epoch 3/10  loss 161.2 (recon 155.9 + KL 5.3)  test 159.6 (154.1 + 5.5)  12,345 images/s  4.9 s"
	if got := epochText(l, 10); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	l.Train["loss"], l.Test["test_loss"] = 177.1, 176.1 // β = 4: not the sum
	want = "epoch 3/10  loss 177.1 (recon 155.9, KL 5.3)  test 176.1 (154.1, 5.5)  12,345 images/s  4.9 s"
	if got := epochText(l, 10); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	// A narrow terminal has no room for the speed.
	want = "epoch 3/10  loss 177.1 (recon 155.9, KL 5.3)  test 176.1 (154.1, 5.5)  4.9 s"
	if got := speed.ReplaceAllString(epochText(l, 10), ""); got != want || len(want) > 80 {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	delete(l.Train, "kl")
	l.Test = nil
	if got, want := epochText(l, 10), "epoch 3/10  loss 177.1  12,345 images/s  4.9 s"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	l.Train = map[string]float64{"d_loss": 0.1304, "d_accuracy": 0.962, "g_loss": 3.386, "d_grad_norm": 1, "g_grad_norm": 2}
	l.Test = map[string]float64{"test_d_loss": 0.14}
	if got, want := epochText(l, 10), "epoch 3/10  [D loss 0.130, acc. 96.2 %] [G loss 3.39]  12,345 images/s  4.9 s"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	delete(l.Train, "d_accuracy")
	if got, want := epochText(l, 10), "epoch 3/10  [D loss 0.130] [G loss 3.39]  12,345 images/s  4.9 s"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// The line of an interval has the form in which GANs are published.
func TestIntervalText(t *testing.T) {
	l := runlog.Line{Kind: runlog.IntervalLine, Step: 1000, LastStep: map[string]float64{"d_loss": 0.1303, "d_accuracy": 0.96, "g_loss": 3.388}}
	if got, want := intervalText(l), "1000 [D loss: 0.130, acc.: 96.0%] [G loss: 3.39]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	delete(l.LastStep, "d_accuracy")
	if got, want := intervalText(l), "1000 [D loss: 0.130] [G loss: 3.39]"; got != want {
		t.Errorf("a critic's is %s, want %s", got, want)
	}
}

func TestReporter(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	r := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "8"))
	var plain bytes.Buffer
	be := cpu.New(2)
	defer be.Close()
	loop := func(r *runlog.Run, reporter *Reporter) {
		t.Helper()
		j := train.Job{Run: r, Model: runtest.Must(r.Config.Build(runtest.Registry())), Data: set, Backend: be, Observers: []train.Observer{reporter}}
		if _, err := train.Loop(context.Background(), j); err != nil {
			t.Fatal(err)
		}
	}
	loop(r, New(&plain, nil))
	lines := strings.Split(strings.TrimSuffix(plain.String(), "\n"), "\n")
	if len(lines) != 6+3 || strings.ContainsAny(plain.String(), "\r\x1b") {
		t.Fatalf("%d lines:\n%s", len(lines), plain.String())
	}
	for i, part := range []string{r.Dir, `"hidden":[8]`, "130 training and 40 test images of 28x28x1", "3 epochs, batch 64, learning rate 0.001, seed 1",
		"13,396", "loss = Σ_pixels BCE", "epoch 1/3  loss ", "epoch 2/3  loss ", "epoch 3/3  loss "} {
		if !strings.Contains(lines[i], part) {
			t.Errorf("line %d is %q, want %q in it", i+1, lines[i], part)
		}
	}
	// The same on a terminal: the lines, and a bar.
	r = runtest.NewRun(t, r.Config)
	var screen bytes.Buffer
	reporter := New(&screen, nil)
	reporter.terminal = true
	loop(r, reporter)
	for _, part := range []string{"\r", "epoch 1/3  loss", "%", "images/", "epoch 3/3  loss"} {
		if !strings.Contains(screen.String(), part) {
			t.Errorf("the terminal shows %q, want %q in it", screen.String(), part)
		}
	}
}

// Waiting is reported when it can be noticed, and how to avoid it once.
func TestReporterWaiting(t *testing.T) {
	var out bytes.Buffer
	r, c := New(&out, nil), &runlog.Config{Epochs: 3}
	r.item = pixels.Item(28, 28, 1)
	r.epoch(c, runlog.Line{Epoch: 1, Waited: 0.5}, 0.3)
	r.epoch(c, runlog.Line{Epoch: 1, Waited: 5}, 0.01)
	if strings.Contains(out.String(), "waited") || strings.Contains(out.String(), "slowly") {
		t.Errorf("%q reports what nobody notices", out.String())
	}
	r.epoch(c, runlog.Line{Epoch: 2, Waited: 5}, 0.125)
	r.epoch(c, runlog.Line{Epoch: 3, Waited: 5}, 0.125)
	if strings.Count(out.String(), "waited for images 12 %") != 2 || strings.Count(out.String(), "more slowly") != 1 {
		t.Errorf("%q", out.String())
	}
}
