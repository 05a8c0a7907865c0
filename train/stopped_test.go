package train_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// An evaluation that was stopped is made anew, and its line stands once in the log
// though the step is the checkpoint's.
func TestStoppedEvaluation(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("mlp-vae", set, "hidden", "8")
	whole, r := runtest.NewRun(t, c), runtest.NewRun(t, c)
	trained(t, whole, set, 2)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	other := *set
	other.Test.Items = runtest.Trap{Items: set.Test.Items, OnRead: func(int) error { cancel(); return context.Canceled }}
	_, err := train.Loop(ctx, newJob(t, r, &other, 1, nil))
	var stopped *train.InterruptedError
	if !errors.As(err, &stopped) || stopped.Epoch != 0 || stopped.Step != 3 {
		t.Fatalf("interrupted: %v", err)
	}
	// As if it had then been killed between its line and its checkpoint.
	f := runtest.Must(os.OpenFile(r.Path(runlog.MetricsFile), os.O_APPEND|os.O_WRONLY, 0))
	fmt.Fprintln(f, `{"kind":"epoch","epoch":1,"step":3,"images":130,"train":{"loss":1}}`)
	f.Close()
	trained(t, r, set, 2)
	want, wantLog := digestOf(t, whole.Dir)
	if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
		t.Errorf("%s, want %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
	}
}

// TestInterruptedStart checks that a run whose step is still being compiled ends soon after an interrupt, and begins when
// it is resumed.
func TestInterruptedStart(t *testing.T) {
	set := runtest.Must(runtest.Small(20, 10))
	r := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "8"))
	j := newJob(t, r, set, 1, nil)
	slow := *j.Model
	slow.Phases = slices.Clone(j.Model.Phases)
	build := slow.Phases[0].Step
	slow.Phases[0].Step = func(batch int) (*graph.Func, error) {
		time.Sleep(2 * time.Second)
		return build(batch)
	}
	j.Model = &slow
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	start := time.Now()
	_, err := train.Loop(ctx, j)
	var stopped *train.InterruptedError
	if !errors.As(err, &stopped) || stopped.Saved() != "train: interrupted before the first step" {
		t.Errorf("interrupted: %v", err)
	}
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	time.Sleep(3 * time.Second) // the lock of the run is given back when the step is compiled
	trained(t, r, set, 1)
}
