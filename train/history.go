package train

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// diagnose returns what the diagnostics of the model newly find after a line of the
// last phase, of an epoch or an interval.
func (t *trainer) diagnose(ctx context.Context, line runlog.Line) ([]model.Warning, error) {
	if t.Model.Diagnostics == nil {
		return nil, nil
	}
	h := newHistory(t.config, append(t.lines, line))
	h.Latent = t.session.Latent()
	numbers := t.Data.Item().Element != medium.Tokens // of which a variance means something
	if numbers && h.EpochEnded && t.Model.Reconstruct != nil && t.Data.Test.Len() > 0 {
		if t.reference == nil {
			r, err := newReference(ctx, t.Data)
			if err != nil {
				return nil, err
			}
			t.reference = r
		}
		reconstructions, err := t.session.Reconstruct(ctx, t.reference.images)
		if err != nil {
			return nil, err
		}
		h.ExplainedVariance, h.Entropy = t.reference.explained(reconstructions), t.reference.entropy
	}
	found := t.Model.Diagnostics.Diagnose(h)
	for i := range found {
		found[i].Text = medium.Reword(t.Data.Item(), found[i].Text)
	}
	return found, nil
}

// newHistory returns the history of a run whose last line, of an epoch or an interval,
// is diagnosed.
func newHistory(c *runlog.Config, lines []runlog.Line) *model.History {
	last := &lines[len(lines)-1]
	h := &model.History{
		EpochEnded: last.Kind != runlog.IntervalLine, IntervalEnded: c.EndsInterval(last), Final: c.IsLast(last), Reported: map[string]bool{},
		Training: model.Training{Epochs: c.Epochs, Steps: c.Steps, LogSteps: c.LogSteps, Batch: c.Batch, LearningRate: c.LR, Schedule: c.Schedule},
		Items:    c.Data.Train, Classes: c.Data.Labels, Values: c.Data.Item.Size(),
		ExplainedVariance: math.NaN(), Entropy: math.NaN(),
	}
	for i := range lines {
		l := &lines[i]
		for _, w := range l.Warnings {
			h.Reported[w.Name] = true
		}
		if l.Phase != last.Phase {
			continue
		}
		r := newRecord(l)
		if c.EndsInterval(l) {
			h.Intervals = append(h.Intervals, r)
		}
		if l.Kind != runlog.IntervalLine {
			h.Epochs = append(h.Epochs, r)
		}
	}
	return h
}

// newRecord returns the metrics of a line.
func newRecord(l *runlog.Line) model.Record {
	r := model.Record{
		Epoch: l.Epoch, Step: l.Step, Train: l.Train, Test: map[string]float64{}, UnitKL: l.UnitKL, Modes: l.Modes, LearningRate: l.LR,
		Diversity: model.Diversity{Images: diversityImages, Spread: model.Metric(l.Generated, Spread), Nearest: model.Metric(l.Generated, Nearest)},
	}
	for name, v := range l.Test {
		if metric, ok := strings.CutPrefix(name, "test_"); ok {
			r.Test[metric] = v
		}
	}
	return r
}

// referenceImages is the number of test images with which reconstructions are compared.
const referenceImages = 256

// A reference is test images and their variance, with which reconstructions are
// compared.
type reference struct {
	images   data.Items // the first few test images
	x        []float32  // (n,H,W,C) of them
	variance float64    // Σ (x − their mean image)²
	entropy  float64    // Σ −x ln x − (1−x) ln(1−x) of an image, nats
}

func newReference(ctx context.Context, set *data.Set) (*reference, error) {
	n := min(referenceImages, set.Test.Len())
	first, index := make([]int, n), make([]int32, n)
	for i := range n {
		first[i], index[i] = i, int32(i)
	}
	images, err := data.Subset(set.Labelled(set.Test), first)
	if err != nil {
		return nil, fmt.Errorf("reference images: %w", err)
	}
	size := images.Item().Size()
	r := &reference{images: images, x: make([]float32, n*size)}
	if err := data.Floats(ctx, images, index, r.x); err != nil {
		return nil, err
	}
	mean := make([]float64, size)
	for i, v := range r.x {
		mean[i%len(mean)] += float64(v) / float64(n)
	}
	for i, v := range r.x {
		x := float64(v)
		r.variance += (x - mean[i%len(mean)]) * (x - mean[i%len(mean)])
		if x > 0 && x < 1 {
			r.entropy -= (x*math.Log(x) + (1-x)*math.Log(1-x)) / float64(n)
		}
	}
	return r, nil
}

// explained returns the share of the variance of the images that reconstructions
// explain: 1 if they are equal to the images, 0 if they are no better than the mean.
func (r *reference) explained(reconstructions []float32) float64 {
	residual := 0.0
	for i, v := range reconstructions {
		d := float64(v) - float64(r.x[i])
		residual += d * d
	}
	return 1 - residual/r.variance
}
