package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/train/runlog"
)

// loggedRun returns a run of two epochs without a model.
func loggedRun(name, loss string, values ...float64) Run {
	r := Run{Name: name, Config: runlog.Config{Recipe: "r", Model: json.RawMessage(`{"loss":"` + loss + `"}`), Epochs: 2}}
	for i, v := range values {
		r.Log = append(r.Log, runlog.Line{Kind: runlog.EpochLine, Epoch: i + 1, Test: map[string]float64{"test_loss": v, "test_kl": v}, Best: i == 0})
	}
	return r
}

// TestNumbers checks which value of a run is shown and which is marked as the best.
func TestNumbers(t *testing.T) {
	runs := []Run{loggedRun("a", "bce", 5, 7), loggedRun("b", "bce", 4, 6)}
	runs[0].Records = []eval.Record{{Name: "test_mse", Value: 0.5, Better: "lower"}}
	for _, tt := range []struct {
		name string
		want []string
	}{{"test_loss", []string{"5", "4 ★"}}, {"test_kl", []string{"5", "4"}}, {"test_mse", []string{"0.5", "–"}}} {
		found := false
		for _, row := range numbers(runs).Rows {
			if row[0] == tt.name {
				found = true
				if strings.Join(row[1:], "|") != strings.Join(tt.want, "|") {
					t.Errorf("%s: %v, want %v", tt.name, row[1:], tt.want)
				}
			}
		}
		if !found {
			t.Errorf("no row %s", tt.name)
		}
	}
	runs[1] = loggedRun("b", "mse", 4, 6)
	if rows := numbers(runs).Rows; strings.Contains(rows[0][2], "★") {
		t.Errorf("%v: losses of bce and mse are compared", rows[0])
	}
	if rows := differences(runs).Rows; len(rows) != 1 || strings.Join(rows[0], " ") != "model.loss bce mse" {
		t.Errorf("differences %v, want model.loss alone", rows)
	}
}

// TestOverviewWithoutModels checks that runs without a checkpoint are on the page, and how many runs it takes.
func TestOverviewWithoutModels(t *testing.T) {
	var page bytes.Buffer
	runs := []Run{loggedRun("a", "bce", 5, 7), loggedRun("b", "bce", 4, 6)}
	if err := Overview(context.Background(), &page, runs, ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 runs", "test_loss", "4 ★"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if err := Overview(context.Background(), &page, runs[:1], ""); err == nil {
		t.Error("no error for one run")
	}
}
