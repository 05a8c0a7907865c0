package eval

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imago-ml/imago/models/model"
)

// TestStopped checks that scores come one after another, that those before an error are kept in the
// file, and that a second evaluation measures only what is missing and has the same values.
func TestStopped(t *testing.T) {
	set := setOf(t, 40, toyImage)
	e := ofToy(t, linear{measure: model.Density}, model.Input{Item: toyImage})
	name := filepath.Join(t.TempDir(), "eval.json")
	of := Provenance{Weights: "ab", DataDigest: "cd", Seed: 3, Checkpoint: "here"}
	task := Task{Protocol: Protocol{NLLSamples: 50, NLLImages: 10, Generated: 4}, Set: set, Seed: 3, Only: []string{"elbo", "nll"}}
	all := measured(t, e, task)

	ctx, stop := context.WithCancel(context.Background())
	task.Measured = func(s Score) error {
		if s.Metric.Name == "test_elbo_bits_per_dim" { // the next one takes samples
			stop()
		}
		return WriteRecords(name, Scores{s}.Records(of))
	}
	some, _, err := e.Measure(ctx, task)
	if !errors.Is(err, context.Canceled) || len(some) != 2 {
		t.Fatalf("stopped after two scores: %v, %v", some.Map(), err)
	}
	records, err := ReadRecords(name)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}

	var anew []string
	task.Known, task.Measured = Known(records, of), func(s Score) error {
		anew = append(anew, s.Metric.Name)
		return nil
	}
	if got := measured(t, e, task); !slices.Equal(anew, []string{"test_nll_is_50_on_10"}) || len(got) != len(all) {
		t.Errorf("%v were measured after %v, want the likelihood only", anew, some.Map())
	} else {
		for i, s := range got {
			if s.Metric.Name != all[i].Metric.Name || s.Value != all[i].Value || s.StdErr != all[i].StdErr || s.Images != all[i].Images {
				t.Errorf("%+v, and %+v in one go", s, all[i])
			}
		}
	}
	for _, change := range []func(*Provenance){
		func(p *Provenance) { p.Weights = "other" }, func(p *Provenance) { p.Weights = "" }, func(p *Provenance) { p.Seed = 4 },
		func(p *Provenance) { p.DataDigest = "other" }, func(p *Provenance) { p.Imago = "v9" },
	} {
		other := of
		change(&other)
		if s, ok := Known(records, other)(all[0].Metric); ok {
			t.Errorf("the score %+v of %+v is known of %+v", s, of, other)
		}
	}
	moved := of
	moved.Checkpoint = "there"
	if _, ok := Known(records, moved)(all[0].Metric); !ok {
		t.Error("in another folder the score is not known")
	}
	full := errors.New("the disk is full")
	task.Known, task.Measured = nil, func(Score) error { return full }
	if some, _, err := e.Measure(context.Background(), task); !errors.Is(err, full) || len(some) != 1 {
		t.Errorf("%v, %v", some.Map(), err)
	}
}

// TestLikelihoodOfSomeImages checks that the estimate on images drawn at random is near to that on
// all, that the name has their number, and that the seed chooses them.
func TestLikelihoodOfSomeImages(t *testing.T) {
	set := setOf(t, 200, toyImage)
	e := ofToy(t, linear{measure: model.Density}, model.Input{Item: toyImage})
	score := func(images int, seed uint64) Score {
		s := measured(t, e, Task{Protocol: Protocol{NLLSamples: 100, NLLImages: images, Generated: 4}, Set: set, Seed: seed, Only: []string{"nll"}})
		return s[0]
	}
	all, some, other := score(0, 1), score(60, 1), score(60, 2)
	if all.Metric.Name != "test_nll_is_100" || some.Metric.Name != "test_nll_is_100_on_60" || all.Images != 200 || some.Images != 60 {
		t.Errorf("%s of %d images, %s of %d", all.Metric.Name, all.Images, some.Metric.Name, some.Images)
	}
	if again := score(200, 1); again.Metric.Name != all.Metric.Name || again.Value != all.Value {
		t.Errorf("on all of 200 images %s is %v, want %s of %v", again.Metric.Name, again.Value, all.Metric.Name, all.Value)
	}
	if some.Value == other.Value {
		t.Errorf("two seeds gave the images of one, %v", some.Value)
	}
	for _, s := range []Score{some, other} {
		if d := math.Abs(s.Value - all.Value); !(d <= 4*s.StdErr) || !(s.StdErr > all.StdErr) {
			t.Errorf("%v ± %v, and %v ± %v on all images", s.Value, s.StdErr, all.Value, all.StdErr)
		}
	}
}
