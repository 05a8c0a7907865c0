package runlog

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// A Phase is a phase of the model and its epochs in a run. Its schedule and its
// warm-ups count its own epochs.
type Phase struct {
	model.Phase      // Name is "" of the only phase
	Index       int  // from 0
	First, End  int  // it has the epochs First … End−1 of the run, from 0
	Last        bool // test losses are compared within the last phase only
}

// Phases divides the epochs of the run among the phases of the model. It fails if no
// epoch is left for the last one.
func (c *Config) Phases(m *model.Model) ([]Phase, error) {
	epochs := c.TotalEpochs()
	if len(m.Phases) == 0 {
		return nil, errors.New("runlog: the model has no phase of training")
	}
	var phases []Phase
	var before []string
	end := 0
	for i, p := range m.Phases {
		last := i == len(m.Phases)-1
		if p.Name == "" && len(m.Phases) > 1 || p.Step == nil || last != (p.Epochs == 0) || p.Epochs < 0 {
			return nil, fmt.Errorf("runlog: phase %d of the model, %q, has %d epochs: want a name, a step, and 1 epoch or more, or 0 of the last phase alone", i+1, p.Name, p.Epochs)
		}
		phases = append(phases, Phase{Phase: p, Index: i, First: end, End: end + p.Epochs, Last: last})
		end += p.Epochs
		if !last {
			before = append(before, fmt.Sprintf("%s takes %s", p.Name, english.Plural(p.Epochs, "epoch")))
			continue
		}
		if epochs <= end {
			return nil, c.tooShort(p.Name, before, end)
		}
		phases[i].End = epochs
	}
	if len(phases) == 1 {
		phases[0].Name = "" // no other has to be distinguished from it
	}
	return phases, nil
}

// tooShort returns the error of a run whose last phase has no epoch left, after end
// epochs of the phases before.
func (c *Config) tooShort(last string, before []string, end int) error {
	others := strings.Join(before, ", ")
	if c.BySteps() {
		return option.Errorf("runlog: {Steps} %d, %s, leaves no epoch for the last phase, %s: %s; want {Steps} %d or more, or shorter phases",
			c.Steps, english.Plural(c.TotalEpochs(), "epoch"), last, others, int64(end)*c.StepsPerEpoch()+1)
	}
	return option.Errorf("runlog: {Epochs} %d leaves no epoch for the last phase, %s: %s; want {Epochs} %d or more, or shorter phases",
		c.TotalEpochs(), last, others, end+1)
}

// PhaseAt returns the phase of an epoch, from 0; after the end of the run, the last.
func PhaseAt(phases []Phase, epoch int) Phase {
	for _, p := range phases {
		if epoch < p.End {
			return p
		}
	}
	return phases[len(phases)-1]
}
