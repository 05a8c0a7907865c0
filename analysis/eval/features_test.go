package eval

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// quarters returns a labelled set of images with one bright quarter.
func quarters(t *testing.T, n int) *data.Set {
	t.Helper()
	set := &data.Set{Name: "quarters", Digest: "quarters", Classes: []string{"a", "b", "c", "d"}}
	part := func(key rng.Key) data.Split {
		noise := make([]float32, n*quarterSize)
		key.Uniform(noise)
		p := data.Split{}
		pix := make([]uint8, len(noise))
		for i := range n {
			p.Labels = append(p.Labels, int32(i%4))
			for k, v := range quarter(i % 4) {
				pix[i*quarterSize+k] = uint8(math.Round(255 * float64(v+0.1*noise[i*quarterSize+k])))
			}
		}
		m, err := data.NewInMemory(pix, n, pixels.Item(quarterSide, quarterSide, 1))
		if err != nil {
			t.Fatal(err)
		}
		p.Items = m
		return p
	}
	set.Train, set.Test = part(rng.New(1)), part(rng.New(2))
	return set
}

// TestConditional checks that images which agree with their labels are recognised and close
// to the test images, and that images of other labels are not recognised, though as a set
// they are as close.
func TestConditional(t *testing.T) {
	set := quarters(t, 200)
	in := model.Input{Item: pixels.Item(quarterSide, quarterSide, 1), Labels: 4}
	task := Task{Protocol: DefaultProtocol(), Set: set, Seed: 1, Only: []string{"fid_", "recognised"}}
	task.Generated = 500 // there are 200
	var metrics []string
	task.Progress = func(metric string, done, total int) { metrics = append(metrics, metric) }
	be := cpu.New(1)
	defer be.Close()
	task.Net = netOf(t, set, be)
	net, err := task.Net(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []bool{false, true} {
		e := ofToy(t, stamp{wrong: wrong}, in)
		s, missing, err := e.Measure(context.Background(), task)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]Score{}
		for _, x := range s {
			got[strings.TrimPrefix(x.Metric.Name, "test_")] = x
		}
		tag := feature.Tag(set)
		fid, train, right := got["fid_"+tag+"_200"], got["fid_"+tag+"_200_train"], got["recognised_"+tag+"_500"]
		if len(s) != 3 || len(missing) != 8 {
			t.Fatalf("scores %v, missing %v", s.Map(), missing)
		}
		if !(train.Value < 1) || !(fid.Value < 3*train.Value+1) || fid.Images != 200 || !strings.Contains(fid.Note, "imago-cnn-1") || !strings.Contains(fid.Note, net.Weights[:8]) {
			t.Errorf("wrong %v: FID %+v, of training images %v", wrong, fid, train.Value)
		}
		if want := map[bool]float64{false: 1, true: 0}[wrong]; right.Value != want {
			t.Errorf("wrong %v: %v recognised, want %v", wrong, right.Value, want)
		}
	}
	if len(metrics) == 0 {
		t.Error("no progress was reported")
	}
	// Without a net there are no such metrics, and it is said why.
	e := ofToy(t, stamp{}, in)
	task.Net = nil
	s, missing, err := e.Measure(context.Background(), task)
	if err != nil || len(s) != 0 || len(missing) != 11 || missing[0].Why != "there is no feature net" {
		t.Errorf("without a net: %v, %v, %v", s, missing, err)
	}
}

// TestClassCodes checks that a model which ignores its label is recognised if codes are drawn from
// the density of those of the class, and is not if they are drawn from N(0, I).
func TestClassCodes(t *testing.T) {
	set := quarters(t, 200)
	task := Task{Protocol: DefaultProtocol(), Set: set, Seed: 1, Only: []string{"fid_", "recognised"}}
	be := cpu.New(1)
	defer be.Close()
	task.Net = netOf(t, set, be)
	s, _, err := ofToy(t, deaf{}, model.Input{Item: pixels.Item(quarterSide, quarterSide, 1), Labels: 4}).Measure(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, x := range s {
		got[strings.TrimPrefix(x.Metric.Name, "test_")] = x.Value
	}
	tag := feature.Tag(set)
	for _, fit := range []string{"_classes", "_classes_tied32"} {
		if own, fitted := got["recognised_"+tag+"_1000"], got["recognised_"+tag+"_1000"+fit]; !(own < 0.5 && fitted > 0.99) {
			t.Errorf("%v recognised with codes of N(0, I), %v with %s: want less than 0.5 and more than 0.99 of %v", own, fitted, fit, got)
		}
		if own, fitted := got["fid_"+tag+"_200"], got["fid_"+tag+"_200"+fit]; !(fitted < own/10) {
			t.Errorf("FID %v with codes of N(0, I), %v with %s", own, fitted, fit)
		}
	}
}

// TestDensities checks what is drawn from the densities of codes: from a Gaussian that ignores
// the covariance of the units, and from mixtures that do not.
func TestDensities(t *testing.T) {
	const n = 4000
	e := make([]float32, 2*n)
	rng.New(1).Normal(e)
	codes := make([]float32, 2*n) // z₁ = 3 + 2a, z₂ = −1 + 2a + 0.2b
	for i := range n {
		codes[2*i], codes[2*i+1] = 3+2*e[2*i], -1+2*e[2*i]+0.2*e[2*i+1]
	}
	for _, tt := range []struct {
		name        string
		fit         func(context.Context, []float32, int, rng.Key) (density, error)
		correlation float64
	}{{"gaussian", gaussian, 0}, {"mixture", mixtureOf(1), 2 / math.Sqrt(4.04)}} {
		draw, err := tt.fit(context.Background(), codes, 2, rng.New(2))
		if err != nil {
			t.Fatal(err)
		}
		z, err := draw(rng.New(3), n, nil)
		if err != nil || len(z) != 2*n {
			t.Fatalf("%d values, %v", len(z), err)
		}
		var a, b, ab mean
		for i := range n {
			a.add(float64(z[2*i]))
			b.add(float64(z[2*i+1]))
			ab.add(float64(z[2*i]-3) * float64(z[2*i+1]+1))
		}
		if !(math.Abs(a.value()-3) <= 0.2) || !(math.Abs(b.value()+1) <= 0.2) || !(math.Abs(a.variance()-4) <= 0.4) || !(math.Abs(b.variance()-4.04) <= 0.4) {
			t.Errorf("%s: means %v and %v, variances %v and %v; want 3, −1, 4, 4.04", tt.name, a.value(), b.value(), a.variance(), b.variance())
		}
		if r := ab.value() / math.Sqrt(a.variance()*b.variance()); !(math.Abs(r-tt.correlation) <= 0.06) {
			t.Errorf("%s: correlation %v, want %v", tt.name, r, tt.correlation)
		}
	}
}

// TestNoDensity checks that codes to which no density can be fitted are a reason, not an error.
func TestNoDensity(t *testing.T) {
	e, _, _, _ := newEvaluator(t, vae.MLPVAE)
	set := setOf(t, 5, small)
	s := e.newEvaluation(set.Test.Items, 1)
	s.task = &Task{Set: set}
	src, err := fromCodes(mixtureOf(6))(context.Background(), s)
	if err != nil || !strings.Contains(src.absent, "6 components for 5 points") {
		t.Errorf("six components of five codes: %q, %v", src.absent, err)
	}
}

// TestMeasureErrors checks tasks that are not valid.
func TestMeasureErrors(t *testing.T) {
	e := ofToy(t, linear{measure: model.Density}, model.Input{Item: toyImage})
	set := setOf(t, 5, toyImage)
	for name, tt := range map[string]struct {
		task Task
		want string
	}{
		"no samples":     {Task{Protocol: Protocol{Generated: 2}, Set: set}, "1 or more"},
		"no set":         {Task{Protocol: DefaultProtocol()}, "no test images"},
		"unknown metric": {Task{Protocol: DefaultProtocol(), Set: set, Only: []string{"mse", "inception"}}, `no metric with "inception" in its name; have test_loss, `},
		"other images":   {Task{Protocol: DefaultProtocol(), Set: setOf(t, 5, small)}, "6x5x1, want 2x2x1"},
	} {
		if _, _, err := e.Measure(context.Background(), tt.task); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for word, want := range map[string]int{"test_elbo": 1, "elbo": 2} { // a whole name, and a part of two
		if some, err := selectMetrics(Metrics(), []string{word}); err != nil || len(some) != want {
			t.Errorf("%s chooses %d metrics, %v; want %d", word, len(some), err, want)
		}
	}
	// Fewer images are another protocol, and so another name.
	p := DefaultProtocol()
	p.Images = 3
	s := measured(t, e, Task{Protocol: p, Set: set, Only: []string{"elbo"}})
	if len(s) != 2 || s[0].Metric.Name != "test3_elbo" || s[0].Images != 3 {
		t.Errorf("of three images: %+v", s)
	}
}
