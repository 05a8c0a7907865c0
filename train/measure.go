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
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/train/runlog"
)

// weightSamples is the number of importance samples for each image of a likelihood that
// is measured while a run trains.
const weightSamples = 100

// protocol returns that of a periodic evaluation.
func protocol(m runlog.Measure) eval.Protocol {
	return eval.Protocol{NLLSamples: weightSamples, Generated: m.Images, Images: m.Images}
}

// metricsOf returns the metrics that m names under a protocol, in the order of its words.
func metricsOf(m runlog.Measure, p eval.Protocol) ([]eval.Metric, error) {
	var some []eval.Metric
	all := slices.DeleteFunc(p.Metrics(), func(x eval.Metric) bool { return x.EachEpoch })
	for _, word := range m.Metrics {
		i := slices.IndexFunc(all, func(x eval.Metric) bool { return word != "" && strings.Contains(x.Name, word) })
		if i < 0 {
			var have []string
			for _, x := range all {
				have = append(have, x.Name)
			}
			return nil, option.Errorf("train: {Measure}: no metric with %q in its name; have %s", word, strings.Join(have, ", "))
		}
		some = append(some, all[i])
	}
	return some, nil
}

// Validate reports every fault of the configuration of a run, one a line: those of
// c.Validate, and a word of Measure that is in the name of no metric.
func Validate(c *runlog.Config) error {
	_, err := metricsOf(c.Measure, protocol(c.Measure))
	return errors.Join(c.Validate(), err)
}

// An evaluation is the Observer that measures what Config.Measure names.
type evaluation struct {
	Base
	config   runlog.Measure
	set      *data.Set // its test part is that of the metric that the run monitors
	prefix   string    // of the metrics of that part
	seed     uint64
	metrics  []eval.Metric
	network  func(ctx context.Context, set *data.Set) (*feature.Net, error)
	reported bool // the metrics that the model does not have
}

// newEvaluation returns nil if nothing is to be measured.
func newEvaluation(j Job) (*evaluation, error) {
	m := j.Run.Config.Measure
	set := *j.Data
	images, prefix := part(j.Data)
	set.Test = images
	if len(m.Metrics) == 0 || images.Len() == 0 {
		return nil, nil
	}
	metrics, err := metricsOf(m, protocol(m).On(&set))
	if err != nil {
		return nil, err
	}
	e := &evaluation{config: m, set: &set, prefix: prefix, seed: j.Run.Config.Seed, metrics: metrics}
	if open := j.FeatureNet; open != nil { // once for each set
		nets := map[*data.Set]*feature.Net{}
		e.network = func(ctx context.Context, set *data.Set) (*feature.Net, error) {
			if n := nets[set]; n != nil {
				return n, nil
			}
			n, err := open(ctx, set)
			nets[set] = n
			return n, err
		}
	}
	return e, nil
}

// logName returns the name of a metric in the log: that of package eval, or one that says
// that it is of the validation part.
func (e *evaluation) logName(metric string) string {
	if e.prefix == testPrefix {
		return metric
	}
	return validationPrefix + strings.TrimPrefix(metric, testPrefix)
}

// Measure adds the metrics to the line of an epoch in which they are due.
func (e *evaluation) Measure(ctx context.Context, v *View, line *runlog.Line) error {
	c := &v.Run().Config
	if !v.Phase().Last || !c.IsLast(line) && !c.DueEvery(e.config.Every, line.Epoch, line.Step) {
		return nil
	}
	var names []string
	for _, m := range e.metrics {
		names = append(names, m.Name)
	}
	scores, missing, err := v.Evaluator().Measure(ctx, eval.Task{Protocol: protocol(e.config), Set: e.set, Seed: e.seed, Only: names, Net: e.network})
	if err != nil {
		return err
	}
	to := &line.Test
	if e.prefix == validationPrefix {
		to = &line.Validation
	}
	if *to == nil {
		*to = map[string]float64{}
	}
	var values []string
	for _, s := range scores {
		name := e.logName(s.Metric.Name)
		(*to)[name] = s.Value
		if strings.HasPrefix(s.Metric.Name, "modes_") && len(s.Units) == len(c.Data.Labels) {
			line.Modes = s.Units
		}
		values = append(values, fmt.Sprintf("%s %.4g", name, s.Value))
	}
	if len(values) > 0 {
		v.Notify("measured", fmt.Sprintf("step %s: %s", english.Thousands(float64(line.Step)), strings.Join(values, ", ")))
	}
	if !e.reported {
		for _, x := range missing {
			v.Notify("warning", fmt.Sprintf("%s is not measured: %s", x.Metric.Name, x.Why))
		}
		e.reported = true
	}
	return nil
}
