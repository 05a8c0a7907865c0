package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A run monitors one metric: its best checkpoint is the one where the metric is best,
// early stopping counts the epochs since then, and the schedule plateau follows it. It is
// the loss of the validation part, or of the test part if there is none. For a model
// without such a loss it is the first metric of Config.Measure, of the same part.

// The prefixes of the names of metrics, by the part of the set that they are of.
const (
	testPrefix       = "test_"
	validationPrefix = "validation_"
)

// A watch is what a run has seen of the metric that it monitors. It is saved with a
// checkpoint.
type watch struct {
	Waited  int                `json:"waited"` // epochs since the best one
	Plateau optim.PlateauState `json:"plateau,omitzero"`
}

// An outcome is how an epoch compares with those before, and what follows from it.
type outcome struct {
	best  bool
	score ckpt.Score
	watch watch
	stops bool // the run ends
}

// part returns the images of the metric that the run monitors, and the prefix of their metrics.
func part(set *data.Set) (data.Split, string) {
	if set.Validation.Len() > 0 {
		return set.Validation, validationPrefix
	}
	return set.Test, testPrefix
}

// monitored returns the name of the metric that the run monitors.
func (t *trainer) monitored() string {
	if t.at.Best != nil {
		return t.at.Best.Metric
	}
	_, prefix := part(t.Data)
	return prefix + model.Loss
}

// compare compares the line of an epoch of the last phase with the best so far. It changes
// nothing: an epoch whose line is not written is compared again.
func (t *trainer) compare(l *runlog.Line) outcome {
	v := outcome{watch: t.sums.Watch}
	_, prefix := part(t.Data)
	metrics := l.Test
	if prefix == validationPrefix {
		metrics = l.Validation
	}
	name, larger := prefix+model.Loss, false
	value, ok := metrics[name]
	if !ok && t.phase.Last && t.evaluation != nil {
		m := t.evaluation.metrics[0]
		name, larger = t.evaluation.logName(m.Name), m.Up
		value, ok = metrics[name]
	}
	if !ok {
		return v
	}
	v.score = ckpt.Score{Metric: name, Value: value, Step: t.at.Step}
	best := t.at.Best
	v.best = best == nil || best.Metric != name || value != best.Value && value > best.Value == larger
	switch {
	case v.best:
		v.watch.Waited = 0
	case !l.Partial: // else more of the epoch may follow, which is then compared
		v.watch.Waited++
	}
	if p := t.step.schedule.Plateau(); p != nil && !l.Partial {
		if larger {
			value = -value
		}
		v.watch.Plateau = p.Next(v.watch.Plateau, value)
	}
	v.stops = t.config.Patience > 0 && v.watch.Waited >= t.config.Patience
	return v
}

// accept makes an outcome part of the state of the run.
func (t *trainer) accept(v outcome) {
	if v.best {
		t.at.Best = &v.score
	}
	t.sums.Watch = v.watch
	t.step.plateau = v.watch.Plateau
}

// stoppedEarly reports whether the run has ended by Config.Patience. It ends where an
// epoch has.
func (t *trainer) stoppedEarly() bool {
	return t.config.Patience > 0 && t.sums.Watch.Waited >= t.config.Patience && (t.at.EpochImages == 0 || t.sums.Evaluated)
}

// StoppedEarly returns why the run has ended before its length; "" if it has not.
func (v *View) StoppedEarly() string {
	t := v.t
	if !t.stoppedEarly() || t.trained() {
		return ""
	}
	best := t.at.Best
	text := fmt.Sprintf("%s has not improved for %s: the best was %.4f", best.Metric, english.Plural(t.sums.Watch.Waited, "epoch"), best.Value)
	i := slices.IndexFunc(t.lines, func(l runlog.Line) bool { return l.Kind == runlog.EpochLine && l.Step == best.Step })
	if i >= 0 {
		text += fmt.Sprintf(", after epoch %d", t.lines[i].Epoch)
	}
	return text
}

// ChosenByTest returns what of the run goes by its test images, as it has no validation
// part: early stopping, or the schedule; "" if nothing does.
func (v *View) ChosenByTest() string {
	if _, prefix := part(v.t.Data); prefix == validationPrefix {
		return ""
	}
	var what []string
	if v.t.config.Patience > 0 {
		what = append(what, "early stopping")
	}
	if v.t.step.schedule.Plateau() != nil {
		what = append(what, "the learning rate")
	}
	return strings.Join(what, " and ")
}

// checkMonitored returns an error if early stopping or the schedule of a run has no metric to
// go by.
func checkMonitored(c *runlog.Config, m *model.Model) error {
	schedule, err := optim.ParseSchedule(c.Schedule)
	if err != nil {
		return err
	}
	what := option.Errorf("{Patience} %d", c.Patience)
	if c.Patience == 0 {
		if schedule.Plateau() == nil {
			return nil
		}
		what = option.Errorf("{Schedule} %s", c.Schedule)
	}
	if c.Data.Validation == 0 && c.Data.Test == 0 {
		return option.Errorf("train: %w: there is neither a validation nor a test part to go by: hold one out by {Validation} 0.1", what)
	}
	if len(c.Measure.Metrics) > 0 {
		return nil
	}
	f, err := m.Eval(2)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if !slices.ContainsFunc(f.Outputs, func(o graph.Output) bool { return o.Name == model.Loss+model.SumSuffix }) {
		return option.Errorf("train: %w: this model has no loss by which epochs are compared: measure something to go by, as {Measure} fid", what)
	}
	return nil
}

// Check returns an error if a run cannot be trained as c says: a batch that the model
// does not take, or data that do not suit. Call it before the folder of the run is made.
func Check(c *runlog.Config, m *model.Model, set *data.Set) error {
	if err := CheckData(m, set); err != nil {
		return err
	}
	for _, p := range m.Phases {
		if _, err := p.Step(min(c.Batch, set.Train.Len())); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	if err := checkAugmentation(c, set.Item()); err != nil {
		return err
	}
	return checkMonitored(c, m)
}
