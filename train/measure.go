package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// weightSamples is how many importance samples an image a likelihood has that is
// measured while a run trains.
const weightSamples = 100

func protocol(m runlog.Measure) eval.Protocol {
	return eval.Protocol{NLLSamples: weightSamples, Generated: m.Images, Images: m.Images}
}

// metrics returns those measured on a set, in the order of the words.
func metricsOf(m runlog.Measure, p eval.Protocol) ([]eval.Metric, error) {
	var some []eval.Metric
	all := p.Metrics()
	for _, word := range m.Metrics {
		i := slices.IndexFunc(all, func(x eval.Metric) bool { return word != "" && !x.EachEpoch && strings.Contains(x.Name, word) })
		if i < 0 {
			var have []string
			for _, x := range all {
				if !x.EachEpoch {
					have = append(have, x.Name)
				}
			}
			return nil, option.Errorf("{Measure}: no metric with %q in its name; have %s", word, strings.Join(have, ", "))
		}
		some = append(some, all[i])
	}
	return some, nil
}

// Validate reports every fault of the configuration of a run, one a line: those of
// c.Validate, and words of Measure that are in the name of no metric.
func Validate(c *runlog.Config) error {
	_, err := metricsOf(c.Measure, protocol(c.Measure))
	if err != nil {
		err = fmt.Errorf("train: %w", err)
	}
	return errors.Join(c.Validate(), err)
}

// A gauge measures what Measure says of a run in training.
type gauge struct {
	runlog.Measure
	set     *data.Set
	seed    uint64
	metrics []eval.Metric
	net     func(ctx context.Context, of *data.Set) (*feature.Net, error)
	told    bool // which are not to be had
}

// newGauge returns nil if nothing is to be measured.
func newGauge(j Job) (*gauge, error) {
	m := j.Run.Config.Measure
	if len(m.Metrics) == 0 || j.Data.Test.Len() == 0 {
		return nil, nil
	}
	metrics, err := metricsOf(m, protocol(m).On(j.Data))
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	g := &gauge{Measure: m, set: j.Data, seed: j.Run.Config.Seed, metrics: metrics}
	if open := j.Net; open != nil {
		nets := map[*data.Set]*feature.Net{}
		g.net = func(ctx context.Context, of *data.Set) (*feature.Net, error) {
			if n := nets[of]; n != nil {
				return n, nil
			}
			n, err := open(ctx, of)
			nets[of] = n
			return n, err
		}
	}
	return g, nil
}

// due says whether an epoch is measured.
func (g *gauge) due(c *runlog.Config, l runlog.Line) bool {
	return g != nil && (c.IsLast(&l) || c.DueEvery(g.Every, l.Epoch, l.Step))
}

// measure adds the metrics to those of an epoch.
func (t *trainer) measure(ctx context.Context, line *runlog.Line) error {
	g := t.gauge
	var names []string
	for _, m := range g.metrics {
		names = append(names, m.Name)
	}
	scores, missing, err := t.eval.Measure(ctx, eval.Task{Protocol: protocol(g.Measure), Set: g.set, Seed: g.seed, Only: names, Net: g.net})
	if err != nil {
		return err
	}
	if line.Test == nil {
		line.Test = map[string]float64{}
	}
	var said []string
	for _, s := range scores {
		line.Test[s.Metric.Name] = s.Value
		if strings.HasPrefix(s.Metric.Name, "modes_") && len(s.Units) == len(t.Run.Config.Data.Labels) {
			line.Modes = s.Units
		}
		said = append(said, fmt.Sprintf("%s %.4g", s.Metric.Name, s.Value))
	}
	if len(said) > 0 {
		t.Reporter.Println("measured  ", fmt.Sprintf("step %s: %s", thousands(float64(line.Step)), strings.Join(said, ", ")))
	}
	for _, x := range missing {
		if !g.told {
			t.Reporter.Println("warning   ", fmt.Sprintf("%s is not measured: %s", x.Metric.Name, x.Why))
		}
	}
	g.told = true
	return nil
}

// metrics returns those that the epochs of the run may have.
func (t *trainer) metrics() []eval.Metric {
	all := eval.Metrics()
	if t.gauge != nil {
		all = append(all, t.gauge.metrics...)
	}
	return all
}

// best says whether an epoch is the best so far, by the test loss, or by the first
// metric that is measured if the model has none: an adversarial one.
func (t *trainer) best(l runlog.Line) bool {
	name, up := eval.TestLoss, false
	v, ok := l.Test[name]
	if !ok && t.stage.Last && t.gauge != nil {
		m := t.gauge.metrics[0]
		name, up = m.Name, m.Up
		v, ok = l.Test[name]
	}
	was := t.at.Best
	if !ok || was != nil && was.Metric == name && (v == was.Value || v > was.Value != up) {
		return false
	}
	t.at.Best = &ckpt.Score{Metric: name, Value: v, Step: t.at.Step}
	return true
}
