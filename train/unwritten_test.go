package train_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A picture, a report or an event file that cannot be written does not end a training. It is told once for each kind, and
// recorded with the process.
func TestUnwritten(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	for name, taken := range map[string]struct {
		file, folder string
		warnings     []string
	}{
		"images and events are files": {runlog.ImagesDir + " " + runlog.EventsDir, "", []string{"TensorBoard gets no more of this run", "is left out"}},
		"the report is a folder":      {"", runlog.ReportFile, []string{"the report is left out"}},
		"a part of events is a file":  {runlog.EventsDir + "/train", "", []string{"TensorBoard gets no more of this run"}},
		"a picture is a folder":       {"", runlog.ImagesDir + "/samples.png", []string{"the picture samples is left out"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := runtest.Config("mlp-vae", set, "hidden", "8")
			c.Pictures, c.Epochs = 0, 1
			r := runtest.NewRun(t, c)
			for _, file := range strings.Fields(taken.file) {
				runtest.Must(0, os.MkdirAll(filepath.Dir(r.Path(file)), 0o777))
				runtest.Must(0, os.WriteFile(r.Path(file), nil, 0o666))
			}
			if taken.folder != "" {
				runtest.Must(0, os.MkdirAll(r.Path(taken.folder), 0o777))
			}
			var out bytes.Buffer
			res, err := train.Loop(context.Background(), newJob(t, r, set, 2, &out))
			if err != nil || res.Epochs != c.Epochs {
				t.Fatalf("%d epochs, %v", res.Epochs, err)
			}
			if lines := runtest.Must(r.Lines()); len(runlog.Epochs(lines)) != c.Epochs {
				t.Errorf("the log has %d epochs", len(runlog.Epochs(lines)))
			}
			recorded := runtest.Must(r.Processes())[0].Warnings
			for _, want := range taken.warnings {
				if n := strings.Count(out.String(), want); n != 1 {
					t.Errorf("%q is told %d times, want once:\n%s", want, n, &out)
				}
				if n := strings.Count(strings.Join(recorded, "\n"), want); n != 1 {
					t.Errorf("%q is recorded %d times, want once: %q", want, n, recorded)
				}
			}
			if n := strings.Count(out.String(), "warning "); n != len(taken.warnings) {
				t.Errorf("%d warnings, want %d:\n%s", n, len(taken.warnings), &out)
			}
		})
	}
}

// A run whose folder is removed, moved or replaced while it is trained ends with an error, and nothing is written to what
// took its place.
func TestFolderGone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its folders cannot be removed while files in them are open")
	}
	set := runtest.Must(runtest.Small(130, 40))
	for name, remove := range map[string]func(dir string) error{
		"removed": os.RemoveAll,
		"moved":   func(dir string) error { return os.Rename(dir, dir+"-moved") },
		"replaced": func(dir string) error {
			return errors.Join(os.Rename(dir, dir+"-moved"), os.Mkdir(dir, 0o777))
		},
	} {
		c := runtest.Config("mlp-vae", set, "hidden", "8")
		c.Pictures, c.Epochs = 0, 2
		r := runtest.NewRun(t, c)
		var out bytes.Buffer
		j := newJob(t, r, set, 2, &out)
		j.Observers = append(j.Observers, &remover{remove: func() error { return remove(r.Dir) }})
		_, err := train.Loop(context.Background(), j)
		if !errors.Is(err, train.ErrGone) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want that the folder is gone, on one line", name, err)
		}
		if left, err := os.ReadDir(r.Dir); err == nil && len(left) > 0 {
			t.Errorf("%s: %v was written after", name, left)
		}
	}
}

// A remover removes the folder of the run after its first epoch.
type remover struct {
	train.Base
	remove func() error
}

func (o *remover) Epoch(_ context.Context, v *train.View, _ runlog.Line) error {
	if v.Epoch() == 1 {
		return o.remove()
	}
	return nil
}
