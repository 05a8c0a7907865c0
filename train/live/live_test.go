package live_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/live"
	"github.com/imago-ml/imago/train/runlog"
)

// A slow observer makes a run last long enough to be watched.
type slow struct {
	train.Base
	each func(v *train.View)
}

func (s slow) Step(v *train.View, _ train.Step) { s.each(v) }

// trained trains a run of 150 digits, and returns it.
func trained(t *testing.T, observers ...train.Observer) *runlog.Run {
	t.Helper()
	set := runtest.Must(runtest.Small(150, 30))
	run := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "16"))
	m := runtest.Must(run.Config.Build(runtest.Registry()))
	be := cpu.New(1)
	defer be.Close()
	if _, err := train.Loop(context.Background(), train.Job{Run: run, Model: m, Data: set, Backend: be, Observers: observers}); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestLive(t *testing.T) {
	quiet := trained(t, live.New())
	var seen int64
	watch := slow{each: func(v *train.View) {
		dir := v.Run().Dir
		if err := os.MkdirAll(filepath.Join(dir, live.Folder), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, live.Watch), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		state, err := ckpt.WeightsState(v.Run().Folder().Sub(live.Folder), ckpt.WeightsFile)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			t.Errorf("a reader finds a part of the weights: %v", err)
		}
		seen = state.Step
		be := cpu.New(1)
		defer be.Close()
		m, err := train.OpenModel(filepath.Join(dir, live.Weights), runtest.Registry(), be)
		if err != nil || m.Step > v.Step() || m.Config.Recipe != "mlp-vae" {
			t.Errorf("the weights of step %d: %+v, %v", seen, m, err)
		}
	}}
	watched := trained(t, watch, live.New())
	if seen == 0 {
		t.Error("no weights were written while somebody watched")
	}
	if _, err := os.Stat(filepath.Join(watched.Dir, live.Folder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder stays after the end: %v", err)
	}
	if a, b := runtest.WeightsOf(t, quiet), runtest.WeightsOf(t, watched); a != b {
		t.Errorf("watched weights differ: %s, unwatched %s", b, a)
	}
}

// TestUnwatched checks that nothing is written for a file that is old, or for nobody.
func TestUnwatched(t *testing.T) {
	trained(t, slow{each: func(v *train.View) {
		dir := v.Run().Dir
		if err := os.MkdirAll(filepath.Join(dir, live.Folder), 0o777); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, live.Watch)
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Minute)
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond)
		if _, err := os.Stat(filepath.Join(dir, live.Weights)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("weights for nobody: %v", err)
		}
	}}, live.New())
}
