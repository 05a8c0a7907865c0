package train

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/imago-ml/imago/train/runlog"
)

func TestLineText(t *testing.T) {
	l := runlog.Line{
		Kind: runlog.EpochLine, Epoch: 3, ImagesPerSec: 12345.4, Seconds: 4.91,
		Train: map[string]float64{"loss": 161.2, "reconstruction": 155.9, "kl": 5.3, "grad_norm": 7},
		Test:  map[string]float64{"test_loss": 159.6, "test_reconstruction": 154.1, "test_kl": 5.5},
	}
	want := "epoch 3/10  loss 161.2 (recon 155.9 + KL 5.3)  test 159.6 (154.1 + 5.5)  12,345 images/s  4.9 s"
	if got := textOf(l, 10); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	l.Train["loss"], l.Test["test_loss"] = 177.1, 176.1 // β = 4: not the sum
	want = "epoch 3/10  loss 177.1 (recon 155.9, KL 5.3)  test 176.1 (154.1, 5.5)  12,345 images/s  4.9 s"
	if got := textOf(l, 10); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	// A narrow terminal has no room for the speed.
	want = "epoch 3/10  loss 177.1 (recon 155.9, KL 5.3)  test 176.1 (154.1, 5.5)  4.9 s"
	if got := speed.ReplaceAllString(textOf(l, 10), ""); got != want || len(want) > 80 {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	delete(l.Train, "kl")
	l.Test = nil
	if got, want := textOf(l, 10), "epoch 3/10  loss 177.1  12,345 images/s  4.9 s"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	l.Train = map[string]float64{"d_loss": 0.1304, "d_accuracy": 0.962, "g_loss": 3.386, "d_grad_norm": 1, "g_grad_norm": 2}
	l.Test = map[string]float64{"test_d_loss": 0.14}
	if got, want := textOf(l, 10), "epoch 3/10  [D loss 0.130, acc. 96.2 %] [G loss 3.39]  12,345 images/s  4.9 s"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	delete(l.Train, "d_accuracy")
	if got, want := textOf(l, 10), "epoch 3/10  [D loss 0.130] [G loss 3.39]  12,345 images/s  4.9 s"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}

func TestReporter(t *testing.T) {
	set := must(small(130, 40))
	r := newRun(t, config("mlp-vae", set, "hidden", "8"))
	var plain bytes.Buffer
	if _, err := Loop(context.Background(), newJob(t, r, set, 2, &plain)); err != nil {
		t.Fatal(err)
	}
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
	r = newRun(t, r.Config)
	var screen bytes.Buffer
	j := newJob(t, r, set, 2, &screen)
	j.Reporter.terminal = true
	if _, err := Loop(context.Background(), j); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\r", "epoch 1/3  loss", "%", "images/", "epoch 3/3  loss"} {
		if !strings.Contains(screen.String(), part) {
			t.Errorf("the terminal shows %q, want %q in it", screen.String(), part)
		}
	}
}

// Waiting is told when it can be noticed, and what to do about it once.
func TestReporterWaiting(t *testing.T) {
	var out bytes.Buffer
	r, c := NewReporter(&out), &runlog.Config{Epochs: 3}
	r.epoch(c, runlog.Line{Epoch: 1, Waited: 0.5}, 0.3)
	r.epoch(c, runlog.Line{Epoch: 1, Waited: 5}, 0.01)
	if strings.Contains(out.String(), "waited") || strings.Contains(out.String(), "slowly") {
		t.Errorf("%q tells of what nobody notices", out.String())
	}
	r.epoch(c, runlog.Line{Epoch: 2, Waited: 5}, 0.125)
	r.epoch(c, runlog.Line{Epoch: 3, Waited: 5}, 0.125)
	if strings.Count(out.String(), "waited for images 12 %") != 2 || strings.Count(out.String(), "more slowly") != 1 {
		t.Errorf("%q", out.String())
	}
}
