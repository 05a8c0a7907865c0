package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/keep"
)

// When the newest checkpoint cannot be read at the end of a training, nothing of an earlier one is saved with the run as
// if it were of the last.
func TestKeepOnlyOfTheBest(t *testing.T) {
	set := runtest.Must(runtest.Small(60, 20))
	run := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "8"))
	be := cpu.New(1)
	defer be.Close()
	var stderr bytes.Buffer
	a := newApp(&bytes.Buffer{}, &stderr)
	m, err := run.Config.Build(&a.Models)
	if err != nil {
		t.Fatal(err)
	}
	result, err := train.Loop(t.Context(), train.Job{Run: run, Model: m, Data: set, Backend: be})
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(result.Checkpoint, ckpt.StateFile)
	if err := os.Truncate(state, 10); err != nil {
		t.Fatal(err)
	}
	a.keepWith(t.Context(), run, be, set, keep.Progress{Items: result.Images, Steps: result.Steps})
	if !strings.Contains(stderr.String(), "warning: no detector or codes are saved") || !strings.Contains(stderr.String(), state) {
		t.Errorf("%q, want a warning that names %s", &stderr, state)
	}
	if _, err := os.Stat(run.Path(keep.UnitsFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the ranking of an earlier checkpoint is saved: %v", err)
	}
}

// The codes that are saved with a run stand in for data that are missing, not for data that the system fails to read.
func TestKeptCodesOfMissingData(t *testing.T) {
	set := runtest.Must(runtest.Small(60, 20))
	run := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "8"))
	be := cpu.New(1)
	defer be.Close()
	a := newApp(&bytes.Buffer{}, &bytes.Buffer{})
	m, err := run.Config.Build(&a.Models)
	if err != nil {
		t.Fatal(err)
	}
	result, err := train.Loop(t.Context(), train.Job{Run: run, Model: m, Data: set, Backend: be})
	if err != nil {
		t.Fatal(err)
	}
	a.keepWith(t.Context(), run, be, set, keep.Progress{Items: result.Images, Steps: result.Steps})
	opened, err := train.OpenModel(run.Dir, &a.Models, be)
	if err != nil {
		t.Fatal(err)
	}
	of := &trainedModel{Session: opened.Session, name: run.Dir, config: &opened.Config, isRun: true}
	if a.keptCodes(of, &setFlags{}, fs.ErrNotExist) == nil {
		t.Error("no codes in place of missing data")
	}
	if a.keptCodes(of, &setFlags{}, syscall.EMFILE) != nil {
		t.Error("codes in place of data that the system fails to read")
	}
}
