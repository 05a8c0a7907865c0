package train

import (
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// The history of a run has the epochs of the current phase, its intervals, and the names
// of the warnings of all phases.
func TestHistory(t *testing.T) {
	epochs := runtest.Config("mlp-vae", runtest.Must(runtest.Small(20, 10)))
	steps := epochs
	steps.Epochs, steps.Steps, steps.LogSteps = 0, 9, 2
	line := func(kind, phase string, epoch int, step int64, warnings ...string) runlog.Line {
		l := runlog.Line{Kind: kind, Phase: phase, Epoch: epoch, Step: step, LR: 0.1, Test: map[string]float64{"test_kl": 3, "test_mean_sigma": 0.5, "fid": 9}}
		for _, name := range warnings {
			l.Warnings = append(l.Warnings, model.Warning{Name: name})
		}
		return l
	}
	for _, tt := range []struct {
		what  string
		c     runlog.Config
		lines []runlog.Line
		want  string // epochs, intervals, what has ended, reported
	}{
		{"epochs", epochs, []runlog.Line{line("epoch", "", 1, 1, "a"), line("epoch", "", 2, 2)}, "[1 2] [1 2] true true false map[a:true]"},
		{"phases", epochs, []runlog.Line{line("epoch", "one", 1, 1, "a"), line("epoch", "two", 2, 2)}, "[2] [2] true true false map[a:true]"},
		{"the end", epochs, []runlog.Line{line("epoch", "", 3, 3)}, "[3] [3] true true true map[]"},
		{"an interval", steps, []runlog.Line{line("interval", "", 1, 2), line("epoch", "", 1, 3), line("interval", "", 2, 4)}, "[3] [2 4] false true false map[]"},
		{"an epoch beside intervals", steps, []runlog.Line{line("interval", "", 1, 2), line("epoch", "", 1, 3)}, "[3] [2] true false false map[]"},
		{"an end beside intervals", steps, []runlog.Line{line("interval", "", 1, 8), line("epoch", "", 1, 9)}, "[9] [8 9] true true true map[]"},
	} {
		h := newHistory(&tt.c, tt.lines)
		places := func(rs []model.Record) (all []int64) {
			for _, r := range rs {
				all = append(all, r.Step)
			}
			return all
		}
		if got := fmt.Sprint(places(h.Epochs), places(h.Intervals), h.EpochEnded, h.IntervalEnded, h.Final, h.Reported); got != fmt.Sprint(tt.want) {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}
	l := line("epoch", "", 1, 1)
	r := newRecord(&l)
	if r.Test[model.KL] != 3 || r.Test[model.MeanSigma] != 0.5 || len(r.Test) != 2 || r.LearningRate != 0.1 || !math.IsNaN(r.Diversity.Spread) {
		t.Errorf("%+v", r)
	}
}
