package train_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

func TestPhasesOfARunBySteps(t *testing.T) {
	six, seven := runtest.Stepping("staged", 6), runtest.Stepping("staged", 7)
	if _, err := six.Build(runtest.Registry()); err == nil || !strings.Contains(err.Error(), "Steps 6, 2 epochs, leaves no epoch for the last phase") || !strings.Contains(err.Error(), "want Steps 7 or more") {
		t.Errorf("two phases of an epoch and six steps: %v", err)
	}
	if _, err := seven.Build(runtest.Registry()); err != nil {
		t.Error(err)
	}
}

// A run by steps ends after the last of them, in the midst of an epoch, which is
// evaluated, saved and drawn as far as it went; interrupted anywhere and resumed it ends
// the same, and given more steps or epochs it goes on from there, to the same weights
// as if it had had them from the start.
func TestSteps(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	pictures := 0
	if testing.Short() { // for the race detector, under which pictures take most of the time
		pictures = -1
	}
	for _, recipe := range []string{"mlp-vae", "dense-gan", "staged"} {
		t.Run(recipe, func(t *testing.T) {
			c := runtest.Stepping(recipe, 8)
			c.Pictures, c.Schedule = pictures, "cosine"
			whole := runtest.NewRun(t, c)
			var out bytes.Buffer
			res, err := train.Loop(context.Background(), newJob(t, whole, set, 2, &out))
			if err != nil {
				t.Fatal(err)
			}
			if res.Steps != 8 || res.Epochs != 2 || res.Images != 428 || !res.Last.Partial || res.Last.Epoch != 3 || res.Last.Step != 8 || res.Last.Images != 428 || (res.Report == "") != (pictures < 0) {
				t.Errorf("%+v", res)
			}
			for _, part := range []string{"training   8 steps, batch 64", "epoch 1/3", "epoch 3/3", ", cut at step 8  "} {
				if !strings.Contains(out.String(), part) {
					t.Errorf("%q is not in\n%s", part, out.String())
				}
			}
			if pictures == 0 {
				if page := string(runtest.Must(os.ReadFile(res.Report))); !strings.Contains(page, "continue "+whole.Dir+" after 8 steps") {
					t.Error("the report does not say how to go on")
				}
			}
			want, wantLog := digestOf(t, whole.Dir)
			r := runtest.NewRun(t, c)
			be := cpu.New(2)
			defer be.Close()
			for _, reads := range []int64{1, 70, 140, 100} {
				interrupted(t, r, set, be, reads)
			}
			trained(t, r, set, 1)
			if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
				t.Errorf("%s, want %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
			}
			// Done: once more it only draws.
			if res := trained(t, r, set, 1); res.Steps != 8 || !res.Last.Partial {
				t.Errorf("a run that was done gave %+v", res)
			}
			if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
				t.Errorf("done: %s, want %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
			}
		})
	}
}

// More steps, and then more epochs, than a run has done.
func TestMoreSteps(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	for _, recipe := range []string{"mlp-vae", "dense-gan"} {
		c := runtest.Stepping(recipe, 10)
		c.Checkpoints.Keep = 0
		whole := runtest.NewRun(t, c)
		trained(t, whole, set, 2)
		c.Steps = 4
		r := runtest.NewRun(t, c)
		trained(t, r, set, 2)
		again := func(change func(c *runlog.Config)) train.Result {
			t.Helper()
			change(&c)
			if err := r.Change(c); err != nil {
				t.Fatal(err)
			}
			return trained(t, r, set, 2)
		}
		if res := again(func(c *runlog.Config) { c.Steps = 8 }); res.Steps != 8 || res.Epochs != 2 {
			t.Errorf("%+v", res)
		}
		again(func(c *runlog.Config) { c.Steps = 10 })
		// The log has a line more for each place where it stood; the others are the same.
		var lines []runlog.Line
		for _, l := range runtest.Must(runlog.ReadLog(r.Dir)) {
			if !l.Partial || l.Step == 10 {
				lines = append(lines, l)
			}
		}
		text := func(ls []runlog.Line) string {
			s := ""
			for _, l := range ls {
				l.ImagesPerSec, l.Waited, l.Seconds, l.Best = 0, 0, 0, false
				s += fmt.Sprintf("%+v\n", l)
			}
			return s
		}
		if got, want := text(lines), text(runtest.Must(runlog.ReadLog(whole.Dir))); got != want || len(runlog.Epochs(lines)) != 4 {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		same := func(a, b *runlog.Run) {
			t.Helper()
			x, y := runtest.WeightsOf(t, a), runtest.WeightsOf(t, b)
			if x != y {
				t.Error("the weights differ")
			}
		}
		same(r, whole)
		if recipe == "dense-gan" { // the best of another may be where it stood
			c.Steps = 3
			r := runtest.NewRun(t, c)
			c.Steps = 2
			parts := runtest.NewRun(t, c)
			trained(t, r, set, 1)
			trained(t, parts, set, 1)
			c.Steps = 3
			if err := parts.Change(c); err != nil {
				t.Fatal(err)
			}
			if res := trained(t, parts, set, 1); res.Last.Partial {
				t.Errorf("a whole epoch is cut: %+v", res.Last)
			}
			got, _ := digestOf(t, parts.Dir)
			if want, _ := digestOf(t, r.Dir); got != want {
				t.Errorf("an epoch in two parts: %s, want %s", got, want)
			}
			c.Steps = 10
		}
		if err := r.Change(func() runlog.Config { d := c; d.Steps = 9; return d }()); err == nil || !strings.Contains(err.Error(), "Steps 9: it has done 10 already") {
			t.Errorf("fewer steps than are done: %v", err)
		}
		if res := again(func(c *runlog.Config) { c.Steps, c.Epochs = 0, 4 }); res.Epochs != 4 || res.Last.Partial || res.Steps != 12 {
			t.Errorf("%+v", res)
		}
		d := runtest.Config(recipe, set, "hidden", "16")
		d.Epochs = 4
		epochs := runtest.NewRun(t, d)
		trained(t, epochs, set, 2)
		same(r, epochs)
	}
}

// TestRefusedStaysAsItWas checks that a run whose checkpoint is refused keeps the configuration it had, though it was to
// go on with another.
func TestRefusedStaysAsItWas(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	r := runtest.NewRun(t, runtest.Stepping("mlp-vae", 4))
	trained(t, r, set, 2)
	states := runtest.Must(filepath.Glob(filepath.Join(r.Dir, "checkpoints", "*", "state.json")))
	for _, name := range states {
		b := runtest.Must(os.ReadFile(name))
		if err := os.WriteFile(name, bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 99`), 1), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	before := runtest.Must(os.ReadFile(r.Path(runlog.ConfigFile)))
	c := r.Config
	c.Steps = 8
	if err := r.Change(c); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Loop(context.Background(), newJob(t, r, set, 2, nil)); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("%v, want the newer format as the reason", err)
	}
	if after := runtest.Must(os.ReadFile(r.Path(runlog.ConfigFile))); len(states) == 0 || !bytes.Equal(before, after) {
		t.Errorf("of %d checkpoints none can be read, and %s was changed", len(states), runlog.ConfigFile)
	}
}
