package train_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

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
