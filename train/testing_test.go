package train_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/train/terminal"
	"github.com/imago-ml/imago/viz"
	"github.com/imago-ml/imago/viz/gallery"
)

// The tests train small models on a few drawn digits, on the real backend.

func newJob(t testing.TB, r *runlog.Run, set *data.Set, threads int, out io.Writer) train.Job {
	t.Helper()
	be := cpu.New(threads)
	t.Cleanup(func() { be.Close() })
	return jobOn(r, set, be, out)
}

// jobOn returns the job of a run with the observers of the command line; out is nil for
// no lines.
func jobOn(r *runlog.Run, set *data.Set, be backend.Backend, out io.Writer) train.Job {
	j := train.Job{Run: r, Model: runtest.Must(r.Config.Build(runtest.Registry())), Data: set, Backend: be}
	if out != nil {
		j.Observers = append(j.Observers, terminal.New(out, nil))
	}
	commands := func(s *gallery.Snapshot) []viz.KV {
		r := s.View().Run()
		return []viz.KV{{Key: "Go on", Value: "continue " + r.Dir + " after " + r.Config.Length()}}
	}
	j.Observers = append(j.Observers, gallery.New(gallery.Options{Commands: commands, Share: -1}))
	return j
}

// trained runs a run to its end.
func trained(t testing.TB, r *runlog.Run, set *data.Set, threads int) train.Result {
	t.Helper()
	res, err := train.Loop(context.Background(), newJob(t, r, set, threads, nil))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func digestOf(t testing.TB, dir string) (checkpoint, log string) {
	t.Helper()
	c, l, err := runtest.Digest(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, l
}

// interrupted goes on with a run until so many images are read, and returns how it ended.
func interrupted(t testing.TB, r *runlog.Run, set *data.Set, be backend.Backend, reads int64) *train.InterruptedError {
	t.Helper()
	var count atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := train.Loop(ctx, jobOn(runtest.Must(runlog.Open(r.Dir, r.Config.Recipe)), runtest.Trapped(set, func(int) error {
		if count.Add(1) == reads {
			cancel()
		}
		return nil
	}), be, nil))
	var stopped *train.InterruptedError
	if !errors.Is(err, train.ErrInterrupted) || !errors.As(err, &stopped) {
		t.Fatalf("interrupted: %v", err)
	}
	return stopped
}
