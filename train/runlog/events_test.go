package runlog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Training, test and validation have the same tags in folders of their own; a resumed run
// opens a file in each that is there.
func TestEventsOfParts(t *testing.T) {
	r := newRun(t, config("mlp-vae", small(20, 10)))
	text := func(folder string) string {
		var all []byte
		for _, name := range must(filepath.Glob(filepath.Join(r.Path(EventsDir), folder, "events.out.tfevents.*"))) {
			all = append(all, must(os.ReadFile(name))...)
		}
		return string(all)
	}
	w := must(NewWriter(r, Position{}, true))
	l := Line{Kind: EpochLine, Epoch: 1, Step: 5, Train: map[string]float64{"loss": 3}, Test: map[string]float64{"test_loss": 2}}
	if err := w.Append(l); err != nil {
		t.Fatal(err)
	}
	w.Histogram(5, "codes", []float32{1, 2})
	w.Ended(false)
	if err := w.EventsFault(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{"train": "epoch/loss", "test": "epoch/loss", ".": "_hparams_/session_start_info"} {
		if !strings.Contains(text(folder), want) {
			t.Errorf("%s lacks %s", folder, want)
		}
	}
	if got := text("."); !strings.Contains(got, "codes") || !strings.Contains(got, "_hparams_/session_end_info") || !strings.Contains(got, "model/latent") || strings.Contains(got, "epoch/loss") {
		t.Error("the folder itself has the hyperparameters and histograms, and no number of a part")
	}
	if text("validation") != "" {
		t.Error("there are events of a validation part that the run does not have")
	}
	w = must(NewWriter(r, Position{Epoch: 1, Step: 5}, true))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{".", "train", "test"} {
		if n := len(must(filepath.Glob(filepath.Join(r.Path(EventsDir), folder, "events.out.tfevents.*")))); n != 2 {
			t.Errorf("%s has %d files, want that of each process", folder, n)
		}
	}
}
