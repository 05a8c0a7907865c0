// Package eval evaluates trained models by metrics whose names are their protocols.
//
// The name of a metric says how it is measured: the sample counts, the split and the
// feature net are in it, and everything random has a key. So two numbers of one name
// can be compared. An Evaluator measures a model as often as it is asked to:
//
//	e, err := eval.New(session)
//	scores, err := e.Evaluate(ctx, images, seed) // what is measured after every epoch
//	scores, absent, err := e.Measure(ctx, eval.Task{Protocol: eval.DefaultProtocol(), Set: set, Net: open})
//
// A metric that a model cannot have, as an autoencoder has no likelihood, is returned
// as Absent with the reason. Generated images are compared with test images by the
// features of a classifier (package feature).
//
// To add a metric, write its measure function in a file of its own and add one row to
// the table in metrics.go. Command line, records, help and tests read that table. What
// several metrics need, as features of generated images, is a method of evaluation
// that computes it once.
//
// The package knows no concrete model and no run.
package eval

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// N images, H×W×C pixels, Z latent units, F features, K labels, k samples, in every
// comment of this package.

// An Evaluator measures the model of a session, such as one whose parameters are being
// trained. It is safe for concurrent use.
type Evaluator struct {
	model   *model.Model
	img     medium.Item
	be      backend.Backend
	session *latent.Session
	terms   *exec.Func // the model's own metrics: model.Model.Eval
}

// New returns an Evaluator of the session's model. It compiles the functions of the
// metrics of every epoch, and fails if the model cannot be evaluated.
func New(s *latent.Session) (*Evaluator, error) {
	e := &Evaluator{model: s.Model(), img: s.Item(), be: s.Runner().Backend(), session: s, terms: s.Func(s.Model().Eval)}
	p, err := e.terms.Program(latent.BatchSize(e.img))
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	if !p.Takes(model.InputX) || !p.Takes(model.InputWeight) {
		return nil, fmt.Errorf("eval: the model's %s takes %v: want x and weight among them", p.Name(), p.Inputs())
	}
	return e, nil
}

// A Score is a metric and its value, which is finite.
type Score struct {
	Metric Metric
	Value  float64
	StdErr float64       // standard error of Value over the images it is a mean of; 0 = it has none
	Units  []float64     // values of each latent unit, if the metric is a mean over units, or of each mode
	Images int           // number of test images
	Note   string        // the part of the protocol that depends on model and data; may be ""
	Took   time.Duration // to measure, less what an earlier metric computed too
}

// Scores are the metrics that a model has, in the order of the table.
type Scores []Score

// Get returns the value of the metric of that name; ok is false if the model does not
// have it.
func (s Scores) Get(name string) (value float64, ok bool) {
	for _, x := range s {
		if x.Metric.Name == name {
			return x.Value, true
		}
	}
	return 0, false
}

// Map returns the values by the names of the metrics.
func (s Scores) Map() map[string]float64 {
	m := make(map[string]float64, len(s))
	for _, x := range s {
		m[x.Metric.Name] = x.Value
	}
	return m
}

// Units returns the values of each latent unit or mode, by the names of the metrics that
// have such values.
func (s Scores) Units() map[string][]float64 {
	m := map[string][]float64{}
	for _, x := range s {
		if x.Units != nil {
			m[x.Metric.Name] = x.Units
		}
	}
	return m
}

// A Task says what is measured, and on which data.
type Task struct {
	Protocol
	Set *data.Set // evaluated on its test images; codes and feature nets are fitted to its training images
	// Undivided says that the test images of Set are its training images: what compares the
	// two is absent.
	Undivided bool
	Seed      uint64   // of all random numbers
	Only      []string // metrics of these names, or whose name has one of these in it; nil = all

	// Net returns the feature net of a set, Set or Set.Channels. It is called when a
	// metric needs it; nil = there is none. Of an error that is ErrNoNet, its text is the
	// reason why the metrics are absent.
	Net func(ctx context.Context, set *data.Set) (*feature.Net, error)
	// Known returns the score of a metric that need not be measured; may be nil.
	Known func(m Metric) (Score, bool)
	// Measured is called with each score that was measured, before the next metric is; may
	// be nil. Its error ends the task.
	Measured func(s Score) error
	// Progress is called with how far a metric is; it may be nil.
	Progress func(metric string, done, total int)
}

// ErrNoNet marks the absence of a feature net that a caller does not want. Test with
// errors.Is.
var ErrNoNet = errors.New("without a feature net")

// An Absent is a metric that a model does not have, and the reason.
type Absent struct {
	Metric Metric
	Why    string
}

// Evaluate returns the metrics that are measured after every epoch, on images, which are
// a data.Labeller if the model takes labels. Everything random is drawn at
// rng.New(seed).Split("eval"), so the same parameters and seed give the same scores. A
// value that is not finite is a *NonFiniteError.
func (e *Evaluator) Evaluate(ctx context.Context, images data.Items, seed uint64) (Scores, error) {
	if images == nil || images.Len() == 0 {
		return nil, fmt.Errorf("eval: there are no test images: hold some out")
	}
	var wanted []Metric
	for _, m := range Metrics() {
		if m.EachEpoch {
			wanted = append(wanted, m)
		}
	}
	scores, _, err := e.newEvaluation(images, seed).measure(ctx, wanted)
	return scores, err
}

// Measure returns the metrics of a task, and those of them that the model does not have.
// Random numbers are drawn as in Evaluate. It fails if the task is not valid or a value is
// not finite; scores that were measured before an error are returned with it.
func (e *Evaluator) Measure(ctx context.Context, t Task) (Scores, []Absent, error) {
	s, err := e.startTask(&t)
	if err != nil {
		return nil, nil, err
	}
	wanted, err := t.Wanted()
	if err != nil {
		return nil, nil, err
	}
	return s.measure(ctx, wanted)
}

// Wanted returns the metrics of a task in the order in which they are measured. It fails if
// no metric has one of the words of Only in its name.
func (t *Task) Wanted() ([]Metric, error) {
	return selectMetrics(t.On(t.Set).Metrics(), t.Only)
}

// startTask returns the evaluation of a task, and applies the task's protocol to its set.
func (e *Evaluator) startTask(t *Task) (*evaluation, error) {
	switch {
	case t.NLLSamples < 1 || t.NLLImages < 0 || t.Generated < 2 || t.Images < 0:
		return nil, fmt.Errorf("eval: %d importance samples for each of %d images, %d generated images, %d test images: want 1 or more, 0 (all) or more, 2 or more, 0 (all) or more", t.NLLSamples, t.NLLImages, t.Generated, t.Images)
	case t.Set == nil || t.Set.Test.Len() == 0:
		return nil, fmt.Errorf("eval: there are no test images: hold some out")
	}
	t.Protocol = t.On(t.Set)
	test := t.Set.Labelled(t.Set.Test)
	if t.Images > 0 {
		var err error
		if test, err = imageRange(test, 0, t.Images); err != nil {
			return nil, fmt.Errorf("eval: %w", err)
		}
	}
	s := e.newEvaluation(test, t.Seed)
	s.task = t
	return s, nil
}

// selectMetrics returns the metrics whose name contains one of the words. A word that is
// the whole name of a metric selects that one only.
func selectMetrics(all []Metric, words []string) ([]Metric, error) {
	if words == nil {
		return all, nil
	}
	var some []Metric
	used := make([]bool, len(words))
	names := map[string]bool{}
	for _, m := range all {
		names[m.Name] = true
	}
	for _, m := range all {
		in := false
		for i, w := range words {
			if w != "" && (m.Name == w || !names[w] && strings.Contains(m.Name, w)) {
				in, used[i] = true, true
			}
		}
		if in {
			some = append(some, m)
		}
	}
	for i, w := range words {
		if !used[i] {
			var have []string
			for _, m := range all {
				have = append(have, m.Name)
			}
			return nil, fmt.Errorf("eval: no metric with %q in its name; have %s", w, strings.Join(have, ", "))
		}
	}
	return some, nil
}

// newEvaluation returns an evaluation on images, with nothing computed yet.
func (e *Evaluator) newEvaluation(images data.Items, seed uint64) *evaluation {
	return &evaluation{Evaluator: e, images: images, key: rng.New(seed).Split("eval")}
}
