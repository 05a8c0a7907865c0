package runlog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// stepping returns a run of so many steps of three an epoch: 64 + 64 + 22 images.
func stepping(steps int) Config {
	c := config("mlp-vae", small(150, 30))
	c.Epochs, c.Steps = 0, steps
	return c
}

func TestLength(t *testing.T) {
	for _, tt := range []struct {
		epochs, steps int
		wantEpochs    int
		images        int64
		length, field string
	}{
		{3, 0, 3, 450, "3 epochs", "Epochs 3"},
		{0, 1, 1, 64, "1 step", "Steps 1"},
		{0, 3, 1, 150, "3 steps", "Steps 3"},
		{0, 5, 2, 278, "5 steps", "Steps 5"},
	} {
		c := stepping(tt.steps)
		c.Epochs = tt.epochs
		field, value := c.LengthField()
		if c.TotalEpochs() != tt.wantEpochs || c.TotalImages() != tt.images || c.Length() != tt.length || fmt.Sprint(field, " ", value) != tt.field || c.Validate() != nil {
			t.Errorf("%+v: %d epochs, %d images, %s, %s %d, %v", tt, c.TotalEpochs(), c.TotalImages(), c.Length(), field, value, c.Validate())
		}
	}
	for want, lengths := range map[string][2]int{"Epochs 0": {}, "Epochs 3 and Steps 5": {3, 5}, "Steps -1": {0, -1}, "Epochs -1": {-1, 5}} {
		c := stepping(1)
		c.Epochs, c.Steps = lengths[0], lengths[1]
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v gave %v, want %q", lengths, err, want)
		}
	}
	set := small(150, 30)
	rec := must(registry().Recipe("mlp-vae"))
	rec.Train.Steps = 70
	d := config("mlp-vae", set).Data
	c := must(NewConfig(rec, must(registry().Config(rec)), set, "digits", d.Options()))
	if c.Steps != 70 || c.Epochs != 0 {
		t.Errorf("a recipe of 70 steps gives %d epochs and %d steps", c.Epochs, c.Steps)
	}
}

// A run must leave an epoch, or a step of one, for the last phase.
func TestPhases(t *testing.T) {
	step := func(int) (*graph.Func, error) { return nil, nil }
	m := &model.Model{Phases: []model.Phase{{Name: "one", Epochs: 1, Step: step}, {Name: "two", Epochs: 1, Step: step}, {Name: "three", Step: step}}}
	six, seven := stepping(6), stepping(7)
	if _, err := six.Phases(m); err == nil || !strings.Contains(err.Error(), "Steps 6, 2 epochs, leaves no epoch for the last phase") || !strings.Contains(err.Error(), "want Steps 7 or more") {
		t.Errorf("two phases of an epoch and six steps: %v", err)
	}
	phases, err := seven.Phases(m)
	if err != nil {
		t.Fatal(err)
	}
	for epoch, want := range []string{"one", "two", "three", "three"} {
		if p := PhaseAt(phases, epoch); p.Name != want || p.Last != (want == "three") {
			t.Errorf("epoch %d is of phase %+v, want %s", epoch+1, p, want)
		}
	}
	one := &model.Model{Phases: m.Phases[2:]}
	if p := must(seven.Phases(one)); len(p) != 1 || p[0].Name != "" || p[0].End != 3 {
		t.Errorf("a single phase gave %+v", p)
	}
	m.Phases[0].Epochs = 0
	if _, err := seven.Phases(m); err == nil || !strings.Contains(err.Error(), `"one"`) {
		t.Errorf("a first phase without epochs: %v", err)
	}
}
