package train_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/gif"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A run by intervals of steps has the published line and the sheets of one noise and
// of fresh noise after each, and an animation of the first; interrupted and resumed it
// has the same.
func TestIntervals(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	for _, recipe := range []string{"dense-gan", "mlp-cvae"} {
		t.Run(recipe, func(t *testing.T) {
			if testing.Short() && recipe != "dense-gan" {
				t.Skip("one suffices for the race detector, under which pictures take long")
			}
			c := runtest.Stepping(recipe, 8)
			c.LogSteps, c.Pictures = 3, 0
			whole, r := runtest.NewRun(t, c), runtest.NewRun(t, c)
			var out bytes.Buffer
			if _, err := train.Loop(context.Background(), newJob(t, whole, set, 2, &out)); err != nil {
				t.Fatal(err)
			}
			line := `(?m)^%d \[D loss: [0-9.]+, acc\.: [0-9.]+%%\] \[G loss: [0-9.]+\]$`
			if recipe != "dense-gan" {
				line = `(?m)^step %d  loss [0-9.]+ \(recon [0-9.]+ \+ KL [0-9.]+\)$`
			}
			for step, want := range map[int]bool{3: true, 6: true, 8: false} {
				if regexp.MustCompile(fmt.Sprintf(line, step)).MatchString(out.String()) != want {
					t.Errorf("a line of step %d: want %v in\n%s", step, want, out.String())
				}
			}
			if strings.Contains(out.String(), "epoch 1/3") || !strings.Contains(out.String(), "epoch 3/3, cut at step 8  ") {
				t.Errorf("want of the epochs the last one's line alone in\n%s", out.String())
			}
			be := cpu.New(1)
			defer be.Close()
			for _, reads := range []int64{100, 70, 140, 100} {
				interrupted(t, r, set, be, reads)
			}
			trained(t, r, set, 1)
			want, wantLog := digestOf(t, whole.Dir)
			if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
				t.Errorf("%s, want %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
			}
			for _, name := range []string{"fixed-step-000000.png", "fixed-step-000003.png", "fixed-step-000006.png", "fixed-step-000008.png",
				"fresh-step-000003.png", "fixed.png", "fresh.png", "fixed.gif"} {
				a, errA := os.ReadFile(whole.Path("images/" + name))
				b, errB := os.ReadFile(r.Path("images/" + name))
				if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
					t.Errorf("%s: %v, or it differs", name, err)
				}
			}
			if names := runtest.Must(filepath.Glob(whole.Path("images/frames/*"))); len(names) > 0 {
				t.Errorf("frames of epochs too: %v", names)
			}
			g := runtest.Must(gif.DecodeAll(bytes.NewReader(runtest.Must(os.ReadFile(r.Path("images/fixed.gif"))))))
			if len(g.Image) != 4 {
				t.Errorf("%d frames, want 4", len(g.Image))
			}
			fixed, fresh := runtest.Pictures(t, r)["fixed.png"], runtest.Must(os.ReadFile(r.Path("images/fresh.png")))
			if fixed.Bounds().Dx() < 400 || bytes.Equal(fresh, runtest.Must(os.ReadFile(r.Path("images/fixed.png")))) {
				t.Error("a sheet of fresh noise is that of the fixed one, or is small")
			}
			if page := string(runtest.Must(os.ReadFile(r.Path(runlog.ReportFile)))); !strings.Contains(page, "data:image/gif") || !strings.Contains(page, "step 3") {
				t.Error("the report does not show how the images came about")
			}
		})
	}
}

// Of the epochs of a run by steps those have a line and pictures in which an interval
// ends, and the last; interrupted and resumed it is the same.
func TestEpochsPassedOver(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30)) // three steps an epoch
	c := runtest.Stepping("dense-gan", 20)
	be := cpu.New(1)
	defer be.Close()
	for every, evaluated := range map[int]string{7: "[3 5 7]", 0: "[1 2 3 4 5 6 7]"} {
		c.LogSteps, c.Pictures, c.Checkpoints = every, 2, runlog.Checkpoints{Steps: 3} // at the end of each epoch
		if testing.Short() {                                                           // for the race detector, under which pictures take most of the time
			c.Pictures = -1
		}
		whole, cut := runtest.NewRun(t, c), runtest.NewRun(t, c)
		trained(t, whole, set, 1)
		interrupted(t, cut, set, be, 620) // in the fifth epoch
		trained(t, cut, set, 1)
		want, wantLog := digestOf(t, whole.Dir)
		if got, gotLog := digestOf(t, cut.Dir); got != want || gotLog != wantLog {
			t.Errorf("every %d: %s, want %s\n%s\nwant\n%s", every, got, want, gotLog, wantLog)
		}
		var epochs []int
		for _, l := range runlog.Epochs(runtest.Must(runlog.ReadLog(whole.Dir))) {
			epochs = append(epochs, l.Epoch)
			if len(l.Test) == 0 {
				t.Errorf("every %d: epoch %d is not evaluated", every, l.Epoch)
			}
		}
		if fmt.Sprint(epochs) != evaluated {
			t.Errorf("every %d: epochs %v are evaluated, want %s", every, epochs, evaluated)
		}
		if saved := runtest.Must(filepath.Glob(whole.Path("checkpoints/step-*"))); len(saved) != 7 {
			t.Errorf("every %d: %d checkpoints, want 7, one each epoch: %v", every, len(saved), saved)
		}
		for epoch, drawn := range map[int]bool{2: every == 0, 3: false, 4: every == 0, 5: every > 0, 6: every == 0, 7: true} {
			drawn = drawn && c.Pictures > 0
			if _, err := os.Stat(whole.Path(fmt.Sprintf("images/samples-epoch-%04d.png", epoch))); (err == nil) != drawn {
				t.Errorf("every %d: epoch %d: %v; drawn should be %v", every, epoch, err, drawn)
			}
		}
	}
}

// An interval's line holds the last step's values beside the means of all.
func TestIntervalLine(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	values := func(every int) (ls []runlog.Line) {
		c := runtest.Stepping("dense-gan", 6)
		c.LogSteps = every
		r := runtest.NewRun(t, c)
		trained(t, r, set, 2)
		for _, l := range runtest.Must(runlog.ReadLog(r.Dir)) {
			if l.Kind == runlog.IntervalLine {
				ls = append(ls, l)
			}
		}
		return ls
	}
	each, third := values(1), values(3)
	if len(each) != 6 || len(third) != 2 {
		t.Fatalf("%d and %d lines, want 6 and 2", len(each), len(third))
	}
	for k, l := range third {
		sum, images := 0.0, 0.0
		for i, n := range []float64{64, 64, 22} {
			sum += n * each[3*k+i].LastStep["d_loss"]
			images += n
		}
		if l.LastStep["d_loss"] != each[3*k+2].LastStep["d_loss"] || !(math.Abs(l.Train["d_loss"]-sum/images) < 1e-12) || l.Step != int64(3*k+3) {
			t.Errorf("%+v, want the last of %+v and their mean %v", l, each[3*k:3*k+3], sum/images)
		}
	}
}
