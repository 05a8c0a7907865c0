package gallery

import (
	"context"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

func newJob(t testing.TB, r *runlog.Run, set *data.Set, threads int) train.Job {
	t.Helper()
	be := cpu.New(threads)
	t.Cleanup(func() { be.Close() })
	commands := func(s *Snapshot) []viz.KV {
		next := []viz.KV{{Key: "Go on", Value: "continue " + s.View().Run().Dir}}
		for command, has := range map[string]bool{"imago sample": s.HasPrior(), "imago manifold": s.HasPlane(), "imago scatter": s.HasEncoder()} {
			if has {
				next = append(next, viz.KV{Key: "Do", Value: command})
			}
		}
		return next
	}
	return train.Job{Run: r, Model: runtest.Must(r.Config.Build(runtest.Registry())), Data: set, Backend: be, Observers: []train.Observer{New(Options{Commands: commands, Share: -1})}}
}

// trained runs a run to its end.
func trained(t testing.TB, r *runlog.Run, set *data.Set, threads int) train.Result {
	t.Helper()
	res, err := train.Loop(context.Background(), newJob(t, r, set, threads))
	if err != nil {
		t.Fatal(err)
	}
	return res
}
