package train_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A run in phases logs each, compares the test loss of the last alone, and counts
// the epochs and the rates of each anew.
func TestPhases(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30)) // 64 + 64 + 22
	c := runtest.Config("staged", set, "hidden", "16", "warm", "2")
	c.Epochs, c.Schedule = 5, "step:1:0.5"
	r := runtest.NewRun(t, c)
	var out bytes.Buffer
	res, err := train.Loop(context.Background(), newJob(t, r, set, 2, &out))
	if err != nil {
		t.Fatal(err)
	}
	half := func(e float64) float64 { return (64*e + 64*(e+64./150) + 22*(e+128./150)) / 150 / 2 }
	for i, want := range []struct {
		stage string
		lr    float64
		half  float64
		test  bool
	}{{"warm", 1e-3, half(0), false}, {"warm", 5e-4, half(1), false}, {"short", 1e-3, 0, false}, {"whole", 1e-3, 0, true}, {"whole", 5e-4, 0, true}} {
		l := runlog.Epochs(runtest.Must(runlog.ReadLog(r.Dir)))[i]
		_, hasLoss := l.Test[eval.TestLoss]
		_, hasKL := l.Test["test_kl"]
		_, hasNorm := l.Train["grad_norm"]
		if l.Phase != want.stage || l.LR != want.lr || !(math.Abs(l.Train["half"]-want.half) < 1e-6) || hasLoss != want.test || !hasKL || hasNorm != (want.half == 0) || l.Best && !want.test {
			t.Errorf("epoch %d is %+v, want %+v", i+1, l, want)
		}
		if text := fmt.Sprintf("epoch %d/5 %s  loss ", i+1, want.stage); !strings.Contains(out.String(), text) {
			t.Errorf("%q is not in\n%s", text, out.String())
		}
	}
	if !strings.Contains(out.String(), "2/3, short: epochs 3 to 3") || res.Epochs != 5 {
		t.Errorf("%+v\n%s", res, out.String())
	}
	if s := runtest.Must(runtest.LoadWeights(res.Best)).State; s.Epoch < 4 {
		t.Errorf("the best is %s, after epoch %d", res.Best, s.Epoch)
	}
}

// A run that is stopped in an Init, or between an Init and the first step, runs it
// once.
func TestResumeAtInit(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	c := runtest.Config("staged", set, "hidden", "16")
	whole := runtest.NewRun(t, c)
	trained(t, whole, set, 2)
	want, wantLog := digestOf(t, whole.Dir)
	for name, stop := range map[string]func(j *train.Job, cancel func()){
		"within": func(j *train.Job, cancel func()) {
			var reads atomic.Int64
			j.Data = runtest.Trapped(set, func(int) error {
				if reads.Add(1) == 150+100 { // an epoch, and into the Init
					cancel()
				}
				return nil
			})
		},
		"at its end": func(j *train.Job, cancel func()) {
			runtest.OnMove(j.Model, func() error { cancel(); return context.Canceled })
		},
		"after": func(j *train.Job, cancel func()) {
			runtest.OnMove(j.Model, func() error { cancel(); return nil })
		},
	} {
		r := runtest.NewRun(t, c)
		ctx, cancel := context.WithCancel(context.Background())
		j := newJob(t, r, set, 1, nil)
		stop(&j, cancel)
		_, err := train.Loop(ctx, j)
		cancel()
		var stopped *train.InterruptedError
		if !errors.As(err, &stopped) || stopped.Step != 3 || stopped.Epoch != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		trained(t, r, set, 2)
		if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
			t.Errorf("%s: %s, want %s\n%s\nwant\n%s", name, got, want, gotLog, wantLog)
		}
	}
}

// The rate in the log is the one that the step took.
func TestScheduleIsUsed(t *testing.T) {
	set := runtest.Must(runtest.Small(60, 10)) // one step an epoch
	weights := func(schedule string, lr float64) string {
		c := runtest.Config("mlp-vae", set, "hidden", "16")
		c.Epochs, c.LR, c.Schedule = 2, lr, schedule
		r := runtest.NewRun(t, c)
		f := runtest.Must(runtest.LoadWeights(trained(t, r, set, 1).Checkpoint))
		return fmt.Sprint(f.Weights[runtest.Moved].F32())
	}
	if a, b := weights("step:2:0.1", 1e-3), weights("", 1e-3); a != b {
		t.Errorf("before the rate changes: %s, want %s", a, b)
	}
	if a, b := weights("step:1:0.1", 1e-3), weights("", 1e-3); a == b {
		t.Error("a rate that changes after the first epoch made no difference")
	}
}

func TestPhasesThatLeaveNoEpoch(t *testing.T) {
	set := runtest.Must(runtest.Small(60, 10))
	c := runtest.Config("staged", set, "warm", "2")
	c.Epochs = 3
	_, err := c.Build(runtest.Registry())
	if err == nil || err.Error() != "runlog: Epochs 3 leaves no epoch for the last phase, whole: warm takes 2 epochs, short takes 1 epoch; want Epochs 4 or more, or shorter phases" {
		t.Errorf("%v", err)
	}
	c = runtest.Config("staged", set, "warm", "0")
	if _, err := c.Build(runtest.Registry()); err == nil || !strings.Contains(err.Error(), `"warm"`) {
		t.Errorf("a first phase without epochs: %v", err)
	}
}
