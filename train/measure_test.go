package train_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// What is measured while a run trains is in its log, its report and on the terminal,
// makes the best checkpoint of a model without a test loss, and changes nothing else.
func TestMeasure(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	c := runtest.Config("dense-gan", set, "hidden", "16")
	c.Epochs, c.Pictures = 5, 0
	plain := runtest.NewRun(t, c)
	trained(t, plain, set, 2)
	c.Measure = runlog.Measure{Metrics: []string{"fid", "mse"}, Every: 2, Images: 20}
	r := runtest.NewRun(t, c)
	var out bytes.Buffer
	j := newJob(t, r, set, 2, &out)
	opened := 0
	j.FeatureNet = func(ctx context.Context, of *data.Set) (*feature.Net, error) {
		opened++
		return feature.Open(ctx, of, j.Backend, feature.Options{NoCache: true})
	}
	res, err := train.Loop(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	name := (eval.Protocol{NLLSamples: 100, Generated: 20, Images: 20}).On(set).Metrics()
	fid := name[slices.IndexFunc(name, func(m eval.Metric) bool { return strings.Contains(m.Name, "fid") })].Name
	best, when := 0.0, int64(0)
	for _, l := range runlog.Epochs(runtest.Must(runlog.ReadLog(r.Dir))) {
		v, ok := l.Test[fid]
		if want := l.Epoch%2 == 0 || l.Epoch == 5; ok != want {
			t.Errorf("epoch %d: %v measured, want %v", l.Epoch, ok, want)
		}
		if ok && (when == 0 || v < best) {
			best, when = v, l.Step
			if !l.Best {
				t.Errorf("epoch %d is the best so far by %s, and not marked", l.Epoch, fid)
			}
		} else if l.Best {
			t.Errorf("epoch %d is marked as the best", l.Epoch)
		}
	}
	if s := runtest.Must(runtest.LoadWeights(res.Checkpoint)).State; opened != 1 || s.Best == nil || s.Best.Metric != fid || s.Best.Value != best || s.Best.Step != when {
		t.Errorf("opened %d times; best %+v, want %v of %s at step %d", opened, s.Best, best, fid, when)
	}
	if strings.Count(out.String(), "measured   step") != 3 || strings.Count(out.String(), "is not measured: the model does not reconstruct") != 1 {
		t.Errorf("%s", out.String())
	}
	if page := string(runtest.Must(os.ReadFile(res.Report))); !strings.Contains(page, fid) {
		t.Error("the report does not show it")
	}
	if runtest.WeightsOf(t, r) != runtest.WeightsOf(t, plain) {
		t.Error("measuring changed the weights")
	}
	if s := runtest.Must(runtest.LoadWeights(trained(t, plain, set, 2).Checkpoint)).State; s.Best != nil {
		t.Errorf("a model without a test loss has a best: %+v", s.Best)
	}
	for want, m := range map[string]runlog.Measure{
		"no metric with \"inception\"":             {Metrics: []string{"inception"}, Every: 1, Images: 9},
		"no metric with \"d_loss\"":                {Metrics: []string{"d_loss"}, Every: 1, Images: 9},
		"MeasureEvery 0 and MeasureImages 9: want": {Metrics: []string{"fid"}, Images: 9},
		"MeasureEvery 1 and MeasureImages 1: want": {Metrics: []string{"fid"}, Every: 1, Images: 1},
	} {
		c.Measure = m
		if err := train.Validate(&c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gave %v", m, err)
		}
	}
}
