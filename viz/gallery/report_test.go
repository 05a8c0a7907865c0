package gallery

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// A stopper interrupts training, or fails, after a step.
type stopper struct {
	train.Base
	step int64
	stop func()
}

func (o stopper) Step(v *train.View, _ train.Step) {
	if v.Step() == o.step {
		o.stop()
	}
}

// The report says how the run stands, who made it, and what its numbers mean; of a run
// that was interrupted too, and of one from before that was recorded.
func TestReport(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	set.Warn("3 files could not be read")
	c := runtest.Config("mlp-vae", set, "hidden", "8", "latent", "3")
	c.Pictures, c.Epochs = 0, 2
	r := runtest.NewRun(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j := newJob(t, r, set, 1)
	j.Command = []string{"imago", "train", "mlp-vae", "--data", "few digits"}
	j.Observers = append(j.Observers, stopper{step: 4, stop: cancel})
	if _, err := train.Loop(ctx, j); !errors.Is(err, train.ErrInterrupted) {
		t.Fatal(err)
	}
	wants := func(parts ...string) {
		t.Helper()
		page := html.UnescapeString(string(runtest.Must(os.ReadFile(r.Path(runlog.ReportFile)))))
		for _, p := range parts {
			want := !strings.HasPrefix(p, "!")
			if strings.Contains(page, strings.TrimPrefix(p, "!")) != want {
				t.Errorf("the report has %q: %v, want %v", p, !want, want)
			}
		}
	}
	wants("Interrupted at step 4 of epoch 2 and saved, of 2 epochs.", "130 training and 40 test images", "1 thread", "of training",
		"imago train mlp-vae --data 'few digits'", "bit for bit", `"#word-1">loss on test images`, "test_loss", "Smaller is better.", "3 files could not be read.", "Epochs</th>")
	trained(t, r, set, 2)
	wants("Complete: 2 epochs. The loss on test images ", "nats per image after epoch 2", "resumed once", ">2 threads, ", "interrupted</td>", "complete</td>", "!bit for bit", "!Interrupted at")

	if all := runtest.Must(runlog.Processes(r.Dir)); len(all) != 2 || all[0].Step != 4 || all[0].Ended != runlog.Interrupted || all[1].From != 4 || all[1].Step != 6 || all[1].Ended != runlog.Complete {
		t.Errorf("processes %+v", all)
	}
	if err := os.Remove(r.Path(runlog.ProcessesFile)); err != nil {
		t.Fatal(err)
	}
	trained(t, r, set, 2)
	wants("Complete: 2 epochs.", "!of training</li>", "!linux/")
}

// The report of a run that has failed says why.
func TestReportOfAFailure(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("mlp-vae", set, "hidden", "8")
	c.LR, c.Pictures = 1e30, 0
	r := runtest.NewRun(t, c)
	var bad *train.DivergedError
	if _, err := train.Loop(context.Background(), newJob(t, r, set, 1)); !errors.As(err, &bad) {
		t.Fatal(err)
	}
	page := string(runtest.Must(os.ReadFile(r.Path(runlog.ReportFile))))
	if !strings.Contains(page, "The training failed: ") || !strings.Contains(page, "try a lower learning rate") || strings.Contains(page, ">Training</h2>") {
		t.Error("the report does not say why the run failed, or has a section without a curve")
	}
}

// A run of one epoch has curves of its steps, test values among them.
func TestCurvesOfOneEpoch(t *testing.T) {
	c := runtest.Config("mlp-vae", runtest.Must(runtest.Small(130, 40)))
	line := func(kind string, epoch int, step int64) runlog.Line {
		l := runlog.Line{Kind: kind, Epoch: epoch, Step: step, Train: map[string]float64{"loss": 1}}
		if kind == runlog.EpochLine {
			l.Test = map[string]float64{"test_loss": 2, "validation_loss": 3}
		}
		return l
	}
	lines := []runlog.Line{line(runlog.StepLine, 1, 100), line(runlog.StepLine, 1, 200), line(runlog.StepLine, 1, 300), line(runlog.EpochLine, 1, 350)}
	for epochs, want := range map[int]string{
		1: "step: train [100 200 300], test [350], validation [350]",
		9: "epoch: train [1 2 3 4 5 6 7 8 9], test [1 2 3 4 5 6 7 8 9], validation [1 2 3 4 5 6 7 8 9]",
	} {
		all := lines
		for e := 2; e <= epochs; e++ {
			all = append(all, line(runlog.EpochLine, e, int64(350*e)))
		}
		p := curvePanels(&c, runtest.Must(runtest.Small(130, 40)).Item(), nil, &runlog.Thin{Lines: all, Kinds: map[string]runlog.Share{runlog.StepLine: {Every: 2, Of: 10}}})[0]
		var series []string
		for _, s := range p.Series {
			series = append(series, fmt.Sprint(s.Name, " ", s.X))
		}
		if noted := p.Note == "one in 2 of 10 points"; noted != (epochs == 1) {
			t.Errorf("%d epochs: note %q, want one where steps are drawn", epochs, p.Note)
		}
		if got := p.XLabel + ": " + strings.Join(series, ", "); got != want {
			t.Errorf("%d epochs: %s, want %s", epochs, got, want)
		}
	}
	if left := reportCharts([]viz.Panel{{Series: []viz.Series{{Y: []float64{1}}}}, {Series: []viz.Series{{Y: []float64{1}}, {Y: []float64{1, 2}}}}}); len(left) != 1 {
		t.Errorf("%d charts, want the one with a curve", len(left))
	}
}

func TestWordsOfReport(t *testing.T) {
	it := runtest.Must(runtest.Small(130, 40)).Item()
	for name, want := range map[string]string{
		"test_loss": "loss on test images", "validation_kl": "KL divergence on validation images", "test_fid_cnn1-7b09b6ba_10000": "FID on test images",
		"test_recall_x_5": "recall on test images", "modes_x": "modes", "spread": "spread",
	} {
		if got := inWords(it, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for seconds, want := range map[float64]string{0.25: "0.2 s", 41: "41 s", 59.7: "1 min", 200: "3 min 20 s", 7500: "2 h 5 min", 7200: "2 h", 200_000: "2 days 7 h"} {
		if got := duration(seconds); got != want {
			t.Errorf("%v s are %q, want %q", seconds, got, want)
		}
	}
	if got := shellLine([]string{"imago", "train", "--data", "my photos/", "it's", ""}); got != `imago train --data 'my photos/' 'it'\''s' ''` {
		t.Error(got)
	}
	if got := sentence("éa (b)."); got != "Éa (b)." {
		t.Error(got)
	}
	p := runlog.Process{Started: time.Now(), Platform: "linux/amd64", Threads: 1}
	if got := machine(p); got != "1 thread, linux/amd64" {
		t.Error(got)
	}
}

// A report of very many epochs and warnings lists some, and says how many there are.
func TestReportOfManyLines(t *testing.T) {
	lines := make([]runlog.Line, 3*maxRows)
	for i := range lines {
		lines[i] = runlog.Line{Kind: runlog.EpochLine, Epoch: i + 1, Warnings: []model.Warning{{}}}
	}
	table := epochTable(lines, len(lines), nil, "images/s")
	if n := len(table.Rows); n != maxRows || table.Rows[n-1][0] != "6000" || table.Title != "Epochs: 2,000 of 6,000" {
		t.Errorf("%q has %d rows, the last %v", table.Title, n, table.Rows[n-1])
	}
	warnings := New(Options{}).warnings(&runlog.Thin{Lines: lines}).Warnings
	if n := len(warnings); n != maxRows+1 || warnings[n-1] != "4,000 more warnings, in metrics.jsonl." {
		t.Errorf("%d warnings, the last %q", n, warnings[n-1])
	}
}
