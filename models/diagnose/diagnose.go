// Package diagnose has the rules by which a training run is diagnosed that several
// families of models share: rules of any loss that is minimised, and of any posterior
// q(z|x).
//
// A Rule looks at the history of a run and returns a warning, or nil. Rules are a
// model.Diagnostics:
//
//	m.Diagnostics = diagnose.Rules{
//		{Name: "large-loss", Check: func(h *model.History) *model.Warning {
//			if loss := model.Metric(diagnose.Last(h).Train, model.Loss); loss > 1000 {
//				return &model.Warning{Text: fmt.Sprintf("the loss is %.4g", loss), Remedies: diagnose.LearningRate(h).Less()}
//			}
//			return nil
//		}},
//	}
//
// An Option is a field of a configuration with its value. Its methods return the
// remedies that change it, none of an Option without a name: rules need not ask whether
// a model has an option.
//
// Comparisons with NaN are false, so a rule about a metric that a model does not have
// finds nothing. The package knows no concrete model and no training loop.
package diagnose

import (
	"cmp"
	"fmt"

	"github.com/imago-ml/imago/models/model"
)

// A Rule finds one thing that goes wrong.
type Rule struct {
	Name     string // of its warning
	Interval bool   // it is checked at the end of an interval, not of an epoch
	// Check returns the warning, whose name it need not set, or nil.
	Check func(h *model.History) *model.Warning
}

// Rules are checked in order.
type Rules []Rule

// Diagnose returns the warnings of the rules that apply and were not reported before.
func (rules Rules) Diagnose(h *model.History) []model.Warning {
	var found []model.Warning
	for _, r := range rules {
		if h.Reported[r.Name] || r.Interval && !h.IntervalEnded || !r.Interval && !h.EpochEnded {
			continue
		}
		if w := r.Check(h); w != nil {
			w.Name = r.Name
			found = append(found, *w)
		}
	}
	return found
}

// LeastSteps is the number of steps before which nothing is said of what a model has
// learned.
const LeastSteps = 200

// Warning returns a warning with a formatted text, and remedies.
func Warning(remedies []model.Remedy, format string, args ...any) *model.Warning {
	return &model.Warning{Text: fmt.Sprintf(format, args...), Remedies: remedies}
}

// Last returns the last epoch of the history.
func Last(h *model.History) model.Record { return h.Epochs[len(h.Epochs)-1] }

// Test returns a metric of the test images after the last epoch.
func Test(h *model.History, name string) float64 { return model.Metric(Last(h).Test, name) }

// Warming reports whether the weight of a term still rises in the first warmup epochs:
// losses cannot be compared then.
func Warming(h *model.History, warmup float64) bool { return float64(len(h.Epochs)) <= warmup }

// Settled reports whether it is late enough to judge: so many epochs are done, or the
// whole run, the warm-up is over, and there were LeastSteps steps.
func Settled(h *model.History, epochs int, warmup float64) bool {
	return (len(h.Epochs) >= epochs || h.Final) && Last(h).Step >= LeastSteps && !Warming(h, warmup)
}

// HoldsTwice reports whether something held after each of the last two epochs, or after
// the only one of the run.
func HoldsTwice(h *model.History, warmup float64, holds func(r model.Record) bool) bool {
	for _, r := range h.Epochs[max(0, len(h.Epochs)-2):] {
		if !holds(r) {
			return false
		}
	}
	return Settled(h, 2, warmup)
}

// An Option is a field of a configuration and its value, such as Beta and 4. The zero
// Option stands for one that a configuration does not have.
type Option struct {
	Field string
	Value any
}

// Less returns the remedy of a smaller value.
func (o Option) Less() []model.Remedy { return o.remedy(model.Less, "") }

// Fewer returns the remedy of a smaller number of things.
func (o Option) Fewer() []model.Remedy { return o.remedy(model.Fewer, "") }

// More returns the remedy of a larger value.
func (o Option) More() []model.Remedy { return o.remedy(model.More, "") }

// Another returns the remedy of another value.
func (o Option) Another() []model.Remedy { return o.remedy(model.Another, "") }

// Set returns the remedy of a value; note says what it does, or is "".
func (o Option) Set(value, note string) []model.Remedy {
	r := o.remedy(model.SetTo, value)
	for i := range r {
		r[i].Note = note
	}
	return r
}

func (o Option) remedy(c model.Change, value string) []model.Remedy {
	if o.Field == "" {
		return nil
	}
	return []model.Remedy{{Change: c, Option: o.Field, Value: value, Now: fmt.Sprint(o.Value)}}
}

// LearningRate returns the option LR of a run.
func LearningRate(h *model.History) Option { return Option{"LR", h.Training.LearningRate} }

// Schedule returns the option Schedule of a run.
func Schedule(h *model.History) Option {
	return Option{"Schedule", cmp.Or(h.Training.Schedule, "constant")}
}

// Length returns the option that gives the length of a run, Epochs or Steps.
func Length(h *model.History) Option {
	if h.Training.Steps > 0 {
		return Option{"Steps", h.Training.Steps}
	}
	return Option{"Epochs", h.Training.Epochs}
}
