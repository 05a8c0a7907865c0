// Package eval judges trained models by metrics whose names are their protocols.
//
// A metric is a row of the table in this file: its name says how it is measured
// down to the draws, so two numbers of one name can be compared. An Evaluator
// compiles what the metrics need once and measures a state as often as asked.
//
// The package knows no concrete model, no run and no file.
package eval

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/rng"
)

// A Metric is a number that judges a model on images it was not trained on.
type Metric struct {
	Name  string // the whole protocol: change the protocol, change the name
	Unit  string // "nats/image"
	Up    bool   // larger is better
	About string // the protocol in words

	// measure gives the value, and whether the model has such a number at all.
	measure func(ctx context.Context, s *subject) (value float64, ok bool, err error)
}

// The metrics, in the order in which they are shown. A new one is a file and a row.
var metrics = []Metric{
	{"test_loss", "nats/image", false, "what is minimised in training, " + oneSample, term(model.Loss)},
	{"test_reconstruction", "nats/image", false, "−ln p(x|z) or the distance in its place, " + oneSample, term(model.Reconstruction)},
	{"test_kl", "nats/image", false, "KL(q(z|x) ‖ p(z)), unweighted, in closed form where the model has one, " + oneSample, term(model.KL)},
	{"test_d_loss", "nats/image", false, "what the discriminator pays for a test image and for a made one beside it, halved, " + madeBeside, term(model.DLoss)},
	{"test_d_accuracy", "share", true, "share of test images and of made ones that the discriminator tells apart, " + madeBeside, term(model.DAccuracy)},
	{"test_g_loss", "nats/image", false, "what the generator pays for a made image, " + madeBeside, term(model.GLoss)},
}

// TestLoss is the name of the metric by which checkpoints are compared.
const TestLoss = "test_loss"

// Metrics are the rows of the table.
func Metrics() []Metric { return append([]Metric(nil), metrics...) }

// A Score is a metric and its value. Scores are finite.
type Score struct {
	Metric Metric
	Value  float64
}

// Scores are the metrics that a model has, in the order of the table.
type Scores []Score

// Get is the value of the metric of that name, and whether it is there.
func (s Scores) Get(name string) (value float64, ok bool) {
	for _, x := range s {
		if x.Metric.Name == name {
			return x.Value, true
		}
	}
	return 0, false
}

// Map is the scores by name.
func (s Scores) Map() map[string]float64 {
	m := make(map[string]float64, len(s))
	for _, x := range s {
		m[x.Metric.Name] = x.Value
	}
	return m
}

// A subject is one state of a model and the images it is judged by. What several
// metrics need is measured once.
type subject struct {
	*Evaluator
	images data.Images
	key    rng.Key
	means  map[string]float64 // of onePass, nil before
}

// Evaluate measures all metrics of the table on images, which are a data.Labeller if
// the model takes labels. Everything drawn is drawn
// at rng.New(seed).Split("eval"), so the same state and seed give the same scores.
func (e *Evaluator) Evaluate(ctx context.Context, images data.Images, seed uint64) (Scores, error) {
	if images == nil || images.Len() == 0 {
		return nil, fmt.Errorf("eval: there are no test images: hold some out")
	}
	s := &subject{Evaluator: e, images: images, key: rng.New(seed).Split("eval")}
	var scores Scores
	for _, m := range metrics {
		v, ok, err := m.measure(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("eval: %s: %w", m.Name, err)
		}
		if ok {
			scores = append(scores, Score{m, v})
		}
	}
	return scores, nil
}
