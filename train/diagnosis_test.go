package train_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A KL of weight 100 collapses, and the run reports it: on the terminal, in the log and
// in the report, once.
func TestCollapseIsReported(t *testing.T) {
	set := runtest.Must(runtest.Small(600, 60))
	c := runtest.Config("mlp-vae", set, "hidden", "32", "beta", "100")
	c.Epochs, c.Batch, c.Pictures = 4, 10, 0
	r := runtest.NewRun(t, c)
	var out bytes.Buffer
	res, err := train.Loop(context.Background(), newJob(t, r, set, 2, &out))
	if err != nil {
		t.Fatal(err)
	}
	var found []model.Warning
	for _, l := range runtest.Must(runlog.ReadLog(r.Dir)) {
		found = append(found, l.Warnings...)
	}
	collapse := slices.IndexFunc(found, func(w model.Warning) bool { return w.Name == "collapse" })
	if collapse < 0 {
		t.Fatalf("found %+v in\n%s", found, out.String())
	}
	t.Log(found)
	text := found[collapse].Message(nil)
	if strings.Count(out.String(), "warning    "+text) != 1 || !strings.Contains(text, "less Beta (100 now)") {
		t.Errorf("%q is not in\n%s", text, out.String())
	}
	if page := string(runtest.Must(os.ReadFile(res.Report))); !strings.Contains(page, "posterior collapse") {
		t.Error("the report does not show it")
	}
}

// A dense GAN with a rate that is far too high collapses, and the run reports it while it
// trains, with its report; with the advice followed, a lower rate, it does not. Such
// runs are chaotic: at these rates it was so of each of five seeds.
func TestModeCollapseIsReported(t *testing.T) {
	if testing.Short() {
		t.Skip("two trainings of 2,100 steps")
	}
	set := runtest.Must(runtest.Small(1280, 40))
	warnings := func(lr float64) (names []string, out, page string) {
		c := runtest.Config("dense-gan", set, "hidden", "64", "latent", "20")
		c.Epochs, c.Steps, c.Batch, c.LR, c.Pictures, c.LogSteps = 0, 2100, 32, lr, 0, 525
		r := runtest.NewRun(t, c)
		var b bytes.Buffer
		res, err := train.Loop(context.Background(), newJob(t, r, set, 1, &b))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range runtest.Must(runlog.ReadLog(r.Dir)) {
			for _, w := range l.Warnings {
				names = append(names, w.Name)
				if strings.Count(b.String(), "warning    "+w.Message(nil)) != 1 {
					t.Errorf("%q is not reported once in\n%s", w.Text, b.String())
				}
			}
			if l.Kind == runlog.IntervalLine {
				t.Log(lr, l.Kind, l.Step, l.Train, l.Generated)
			}
		}
		return names, b.String(), string(runtest.Must(os.ReadFile(res.Report)))
	}
	names, out, page := warnings(0.03)
	if !slices.Contains(names, "mode-collapse") || !strings.Contains(out, "mode collapse: ") || !strings.Contains(out, "less LR (0.03 now)") || !strings.Contains(page, "mode collapse: ") {
		t.Errorf("a rate of 0.03: warnings %v in\n%s", names, out)
	}
	if names, out, page = warnings(0.01); len(names) > 0 || strings.Contains(page, "mode collapse") {
		t.Errorf("a rate of 0.01: warnings %v in\n%s", names, out)
	}
}
