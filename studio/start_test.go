package studio

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// TestMinutes reckons how long a recipe takes by the speed of an earlier run, whatever the number of its items and epochs was; not by
// that of items of another shape, nor of another model.
func TestMinutes(t *testing.T) {
	var models model.Registry
	catalog.Models(&models)
	s, err := New(Options{Folder: t.TempDir(), Models: &models, Backend: func() backend.Backend { return cpu.New(1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rec, err := models.Recipe("mlp-vae")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := models.Config(rec)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.minutes(rec, 6000, []int{28, 28, 1}); got != nil {
		t.Errorf("without runs: %v minutes", *got)
	}
	run := &runlog.Run{Config: runlog.Config{Recipe: rec.Name, Model: raw, Epochs: 2}}
	run.Config.Data.Item.Shape = []int{28, 28, 1}
	s.add("run").run = run
	r := s.runs["run"]
	r.lastEpoch, r.epochImages, r.epochSeconds = &runlog.Line{Seconds: 3}, 600, 6 // 100 items a second
	for _, items := range []int{6000, 60000} {
		want := float64(rec.Train.Epochs*items) / 100 / 60
		if got := s.minutes(rec, items, []int{28, 28, 1}); got == nil || math.Abs(*got-want) > 1e-9 {
			t.Errorf("%d items: %v minutes, want %g", items, got, want)
		}
	}
	if got := s.minutes(rec, 6000, []int{64, 64, 3}); got != nil {
		t.Errorf("items of another shape: %v minutes", *got)
	}
	run.Config.Model = []byte("{}")
	if got := s.minutes(rec, 6000, []int{28, 28, 1}); got != nil {
		t.Errorf("another model: %v minutes", *got)
	}
}

// TestUploadAgain looks at a file anew that was uploaded again.
func TestUploadAgain(t *testing.T) {
	folder := t.TempDir()
	c := openPage(t, folder)
	rows := []byte("a,b\n1,2\n3,4\n5,6\n7,8\n")
	items := func() int {
		c.want(200, "POST", "/api/data/upload?name=t.csv", rows)
		var l look
		c.read(lookAt(c, filepath.Join(folder, ownFolder, uploadsFolder, "t.csv")), &l)
		return l.Train + l.Test
	}
	if n := items(); n != 4 {
		t.Errorf("%d items, want 4", n)
	}
	rows = append(rows, "9,1\n2,2\n"...)
	if n := items(); n != 6 {
		t.Errorf("of the file that was uploaded again %d items, want 6", n)
	}
}

// TestUndoOnPages lets all pages know of a run that was brought back, and of one that was renamed.
func TestUndoOnPages(t *testing.T) {
	folder := t.TempDir()
	trained(t, folder, "one", "mlp-vae", 1)
	c := openPage(t, folder)
	var rows []RunSummary
	c.read("/api/runs", &rows)
	awaitRun := func(events <-chan map[string]any, id string) {
		t.Helper()
		for {
			if run := await(t, events, "run")["run"].(map[string]any); run["id"] == id {
				return
			}
		}
	}
	var undo struct{ Undo string }
	if err := json.Unmarshal(c.want(200, "DELETE", "/api/runs/one", nil), &undo); err != nil {
		t.Fatal(err)
	}
	events := c.listen("")
	c.want(200, "POST", "/api/undo/"+undo.Undo, nil)
	awaitRun(events, "one")
	c.want(200, "PUT", "/api/runs/one", map[string]any{"name": "two"})
	if e := await(t, events, "removed"); e["id"] != "one" {
		t.Errorf("%v is removed, want one", e)
	}
	awaitRun(events, "two")
}
