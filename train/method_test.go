package train_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train/runlog"
)

// A run with another optimiser, interrupted and resumed, ends as one that was not, also
// with a rule that has no slots to save.
func TestOptimizers(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	be := cpu.New(2)
	defer be.Close()
	seen := map[string]string{}
	for _, recipe := range []string{"mlp-vae", "dense-gan"} {
		for _, o := range []optim.Settings{
			{Rule: "sgd", Clip: 10},
			{Rule: "sgd", Momentum: 0.9, WeightDecay: 1e-3, Clip: 10},
			{Rule: "rmsprop"},
			optim.UsualSettings("adamw"),
			{},
		} {
			name := fmt.Sprint(recipe, " ", o)
			c := runtest.Config(recipe, set, "hidden", "16")
			c.Epochs, c.Optimizer = 2, o
			whole := runtest.NewRun(t, c)
			trained(t, whole, set, 2)
			want, wantLog := digestOf(t, whole.Dir)
			r := runtest.NewRun(t, c)
			interrupted(t, r, set, be, 70)
			trained(t, runtest.Must(runlog.Open(r.Dir, recipe)), set, 1)
			if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
				t.Errorf("%s: %s, want %s\n%s\nwant\n%s", name, got, want, gotLog, wantLog)
			}
			if other, ok := seen[want]; ok {
				t.Errorf("%s and %s end with the same weights", name, other)
			}
			seen[want] = name
		}
	}
	// An optimiser that is named as the model's own changes nothing.
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	a := runtest.NewRun(t, c)
	c.Optimizer.Rule = "adam"
	b := runtest.NewRun(t, c)
	trained(t, a, set, 1)
	trained(t, b, set, 2)
	if runtest.WeightsOf(t, a) != runtest.WeightsOf(t, b) {
		t.Error("adam is not the optimiser of mlp-vae")
	}
	c.Optimizer.Rule = "sgd"
	if err := b.Change(c); err == nil || !strings.Contains(err.Error(), "keeps its recipe") {
		t.Errorf("another optimiser of a run that goes on: %v", err)
	}
}
