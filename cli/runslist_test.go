package cli

import (
	"strings"
	"testing"

	"github.com/imago-ml/imago/train/runlog"
)

// TestSortRuns checks that the best run comes first, by a metric of which more is better too, measured in training or by
// imago eval, and that runs without it come last.
func TestSortRuns(t *testing.T) {
	for by, want := range map[string]string{"test_loss": "b a c", "test_recall_cnn1_50": "a b c", "validation_psnr": "a b c"} {
		runs := []runSummary{{Name: "c"}, {Name: "b", Metrics: map[string]float64{by: 1}}, {Name: "a", Metrics: map[string]float64{by: 2}}}
		if err := sortRuns(runs, by, false); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range runs {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("by %s: %s, want %s", by, got, want)
		}
	}
}

// TestDifferences checks that configurations differ that are equal as float64.
func TestDifferences(t *testing.T) {
	a := runlog.Config{Recipe: "r", Model: []byte(`{}`), Seed: 1<<63 + 1}
	b := a
	b.Seed++
	if got, want := differences(a, b), "seed is 9223372036854775809 there and 9223372036854775810 here"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := differences(a, a); got != "" {
		t.Errorf("%q of equal ones", got)
	}
}
