package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// stepping returns a run of so many steps of three an epoch: 64 + 64 + 22 images.
func stepping(recipe string, steps int) runlog.Config {
	c := config(recipe, must(small(150, 30)), "hidden", "16", "filters", "2,3")
	c.Epochs, c.Steps = 0, steps
	return c
}

func TestPhasesOfARunBySteps(t *testing.T) {
	six, seven := stepping("staged", 6), stepping("staged", 7)
	if _, err := six.Build(registry()); err == nil || !strings.Contains(err.Error(), "Steps 6, 2 epochs, leaves no epoch for the last phase") || !strings.Contains(err.Error(), "want Steps 7 or more") {
		t.Errorf("two phases of an epoch and six steps: %v", err)
	}
	if _, err := seven.Build(registry()); err != nil {
		t.Error(err)
	}
}

// A run by steps ends after the last of them, in the midst of an epoch, which is
// judged, saved and drawn as far as it went; interrupted anywhere and resumed it ends
// the same, and given more steps or epochs it goes on from there, to the same weights
// as if it had had them from the start.
func TestSteps(t *testing.T) {
	set := must(small(150, 30))
	for _, recipe := range []string{"mlp-vae", "dense-gan", "staged"} {
		t.Run(recipe, func(t *testing.T) {
			c := stepping(recipe, 8)
			c.Pictures, c.Schedule = 0, "cosine"
			whole := newRun(t, c)
			var out bytes.Buffer
			res, err := Loop(context.Background(), newJob(t, whole, set, 2, &out))
			if err != nil {
				t.Fatal(err)
			}
			if res.Steps != 8 || res.Epochs != 2 || res.Images != 428 || !res.Last.Partial || res.Last.Epoch != 3 || res.Last.Step != 8 || res.Last.Images != 428 || res.Report == "" {
				t.Errorf("%+v", res)
			}
			for _, part := range []string{"training   8 steps, batch 64", "epoch 1/3", "epoch 3/3", ", cut at step 8  "} {
				if !strings.Contains(out.String(), part) {
					t.Errorf("%q is not in\n%s", part, out.String())
				}
			}
			if page := string(must(os.ReadFile(res.Report))); !strings.Contains(page, whole.Dir+" --steps 16") {
				t.Error("the report does not say how to go on")
			}
			want, wantLog := digestOf(t, whole.Dir)
			r := newRun(t, c)
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
	set := must(small(150, 30))
	for _, recipe := range []string{"mlp-vae", "dense-gan"} {
		c := stepping(recipe, 10)
		c.Checkpoints.Keep = 0
		whole := newRun(t, c)
		trained(t, whole, set, 2)
		c.Steps = 4
		r := newRun(t, c)
		trained(t, r, set, 2)
		again := func(change func(c *runlog.Config)) Result {
			t.Helper()
			change(&c)
			if err := r.Change(c); err != nil {
				t.Fatal(err)
			}
			return trained(t, must(runlog.Open(r.Dir, recipe)), set, 2)
		}
		if res := again(func(c *runlog.Config) { c.Steps = 8 }); res.Steps != 8 || res.Epochs != 2 {
			t.Errorf("%+v", res)
		}
		again(func(c *runlog.Config) { c.Steps = 10 })
		// The log has a line more for each place where it stood; the others are the same.
		var lines []runlog.Line
		for _, l := range must(runlog.ReadLog(r.Dir)) {
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
		if got, want := text(lines), text(must(runlog.ReadLog(whole.Dir))); got != want || len(runlog.Epochs(lines)) != 4 {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		same := func(a, b *runlog.Run) {
			t.Helper()
			x, y := weightsOf(t, a), weightsOf(t, b)
			if x != y {
				t.Error("the weights differ")
			}
		}
		same(r, whole)
		if recipe == "dense-gan" { // the best of another may be where it stood
			c.Steps = 3
			r := newRun(t, c)
			c.Steps = 2
			parts := newRun(t, c)
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
		d := config(recipe, set, "hidden", "16")
		d.Epochs = 4
		epochs := newRun(t, d)
		trained(t, epochs, set, 2)
		same(r, epochs)
	}
}

// weightsOf returns the newest weights of a run, as text.
func weightsOf(t *testing.T, r *runlog.Run) string {
	t.Helper()
	f, err := ckpt.Latest(r.Path(runlog.CheckpointsDir))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("step %d: %x", f.State.Step, folded(f.Weights))
}

// folded returns the bits of tensors, folded.
func folded(of map[string]*tensor.Tensor) uint64 {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(of)) {
		binary.Write(h, binary.LittleEndian, of[name].F32())
	}
	return h.Sum64()
}
