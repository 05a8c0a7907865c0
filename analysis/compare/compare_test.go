package compare

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

func TestSteps(t *testing.T) {
	// (0,0) → (0,1) → (0,4) → (0,5): steps of 1, 3, 1.
	longest, mean := steps([]float32{0, 0, 0, 1, 0, 4, 0, 5}, 2)
	if longest != 3 || !(math.Abs(mean-5.0/3) <= 1e-12) {
		t.Errorf("longest %v, mean %v; want 3, 5/3", longest, mean)
	}
	if r := ratio(steps([]float32{2, 2, 2}, 1)); r != 1 {
		t.Errorf("a path that goes nowhere jumps %v times its mean step", r)
	}
}

func TestPairsOf(t *testing.T) {
	labels := make([]int32, 50)
	for i := range labels {
		labels[i] = int32(i % 3)
	}
	all := pairsOf(rng.New(1), 50, 70, labels)
	if len(all) != 70 {
		t.Fatalf("%d pairs, want 70", len(all))
	}
	for _, p := range all {
		if labels[p[0]] == labels[p[1]] {
			t.Errorf("images %v are of one class", p)
		}
	}
	if free := pairsOf(rng.New(1), 50, 30, nil); len(free) != 30 || free[0][0] == free[0][1] {
		t.Errorf("without labels: %v", free)
	}
	if one := pairsOf(rng.New(1), 9, 30, make([]int32, 9)); len(one) != 1 || one[0] != [2]int32{0, 1} {
		t.Errorf("of one class: %v", one)
	}
}

// TestSampleQuality checks points on a line: a test image is 1 from the nearest training image,
// and at most 2.
func TestSampleQuality(t *testing.T) {
	v := &distanceSpace{dims: 1, train: []float32{0, 10}, mean: 1, outlierDistance: 2}
	h, err := v.sampleQuality(context.Background(), []float32{1, 9, 5, -4, 12})
	if err != nil || !(math.Abs(h.Nearest-13.0/5) <= 1e-12) || !(math.Abs(h.Relative-13.0/5) <= 1e-12) || !(math.Abs(h.Outliers-0.4) <= 1e-12) || !math.IsNaN(h.FID) {
		t.Errorf("%+v, %v; want a mean distance of 13/5, and 2 of 5 outliers", h, err)
	}
	v.mean = 0
	if h, _ = v.sampleQuality(context.Background(), []float32{1}); !math.IsNaN(h.Relative) {
		t.Errorf("%v times no distance", h.Relative)
	}
}

// side returns an untrained model with given measurements.
func side(t *testing.T, name string, kind func() (model.Kind, model.Recipe), beta float64, scores map[string]float64, log ...float64) Measurements {
	t.Helper()
	k, _ := kind()
	in := model.Input{Item: pixels.Item(4, 4, 1)}
	m, err := k.Default().New(in)
	if err != nil {
		t.Fatal(err)
	}
	be := cpu.New(1)
	t.Cleanup(func() { be.Close() })
	s := Measurements{PriorSamples: SampleQuality{FID: nan}, Side: Side{Name: name, Session: latent.New(m, in, exec.New(be, nil)), Beta: beta}, Spread: 8}
	for i, v := range log {
		s.Log = append(s.Log, runlog.Line{Kind: runlog.EpochLine, Epoch: i + 1, Test: map[string]float64{eval.MeanSigma: v}, UnitKL: []float64{v, 2 * v}})
	}
	for _, x := range eval.Metrics() {
		if v, ok := scores[x.Name]; ok {
			score := eval.Score{Metric: x, Value: v}
			if x.Name == eval.KLPerUnit {
				score.Units = []float64{2, 0.5}
			}
			s.Scores = append(s.Scores, score)
		}
	}
	return s
}

// TestSummary checks that the text follows the numbers.
func TestSummary(t *testing.T) {
	point := side(t, "point", vae.MLPAE, nan, map[string]float64{eval.ActiveUnits: 2, "test_mse": 0.01})
	scores := map[string]float64{eval.ActiveUnits: 2, eval.MeanSigma: 0.004, eval.KLPerUnit: 1.25, "test_mse": 0.02}
	for _, tt := range []struct {
		name     string
		side     Measurements
		has, not []string
	}{
		{"off", side(t, "cloud", vae.MLPVAE, 0, scores, 0.5, 0.1, 0.004),
			[]string{"σ was 0.5 after the first epoch and 0.004 after epoch 3", "The KL is off", "2000 times smaller", "has become an autoencoder"}, nil},
		{"not yet", side(t, "cloud", vae.MLPVAE, 0, map[string]float64{eval.MeanSigma: 0.9, eval.KLPerUnit: 1, eval.ActiveUnits: 1, "test_mse": 0.02}),
			[]string{"so far σ has not gone to zero"}, []string{"become an autoencoder", "after the first epoch"}},
		{"on", side(t, "cloud", vae.MLPVAE, 1, scores), []string{"The KL, weighted 1, is the cost of information"}, []string{"is off"}},
		{"other", side(t, "cloud", vae.MLPVAE, nan, scores), []string{"cloud encodes an image as a Gaussian"}, []string{"The KL"}},
	} {
		tt.side.GaussianSamples.Outliers, point.GaussianSamples.Outliers = 0.1, 0.6
		c := Comparison{item: pixels.Item(4, 4, 1), Sides: [2]Measurements{point, tt.side}}
		text := c.Summary()
		for _, want := range append(tt.has, "point is an autoencoder", "the codes of point have more gaps", "only the middle of the codes of point, whose standard deviation is 8 times as large") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q lacks %q", tt.name, text, want)
			}
		}
		for _, bad := range append(tt.not, "NaN", "Inf", "%!") {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q has %q", tt.name, text, bad)
			}
		}
	}
	cloud := side(t, "cloud", vae.MLPVAE, 1, scores)
	cloud.PriorSamples.FID, cloud.GaussianSamples.Outliers = 200, 0.25
	var rows []string
	for _, r := range (&Comparison{item: pixels.Item(4, 4, 1), Sides: [2]Measurements{point, cloud}}).Headline() {
		rows = append(rows, strings.Join(r, "|"))
	}
	got := strings.Join(rows, "\n")
	for _, want := range []string{
		"|point|cloud|", "mean σ of q(z|x)|–|0.004|", "KL|–|2.5|nats", "KL of the unit with the most|–|2|nats", "KL of the unit with the least|–|0.5|nats",
		"mean squared error of reconstructions|0.01|0.02|", "FID of images from N(0, I)|–|200|", "outliers among images from the fitted Gaussian|60|25|% (of test images: 5)", "latent units|2|2|",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
	even := Comparison{item: pixels.Item(4, 4, 1), Sides: [2]Measurements{point, point}}
	if text := even.Summary(); !strings.Contains(text, "about as many gaps") {
		t.Errorf("of two equals: %q", text)
	}
}

func TestUnitPanel(t *testing.T) {
	line := func(epoch, units int) runlog.Line {
		l := runlog.Line{Kind: runlog.EpochLine, Epoch: epoch}
		for u := range units {
			l.UnitKL = append(l.UnitKL, float64(u*epoch))
		}
		return l
	}
	p, ok := unitPanel([]runlog.Line{line(1, 3), line(2, 3), {Kind: runlog.StepLine}}, viz.ClassColor(0), "nats per image")
	if !ok || len(p.Series) != 3 || p.Series[2].Name != "z[2]" || p.Series[2].Y[1] != 4 {
		t.Errorf("of three units: %+v", p.Series)
	}
	p, ok = unitPanel([]runlog.Line{line(1, 101), line(2, 101)}, viz.ClassColor(0), "nats per image")
	if !ok || len(p.Series) != 5 || p.Series[0].Y[1] != 200 || p.Series[2].Y[0] != 50 || p.Series[4].Y[1] != 0 {
		t.Errorf("of many units: %+v", p.Series)
	}
	if _, ok := unitPanel([]runlog.Line{line(1, 0)}, viz.ClassColor(0), "nats per image"); ok {
		t.Error("a log without units has a panel")
	}
}
