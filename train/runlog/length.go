package runlog

import "github.com/imago-ml/imago/internal/english"

// The length of a run is its Epochs or its Steps. A run by steps ends after the last
// of them, also within an epoch: that part of an epoch is then evaluated, drawn and
// saved as an epoch is, and training goes on from there if the run gets more steps. In
// a run by steps with intervals, an epoch in which no interval ends has no line.

// BySteps reports whether the run's length is given in steps.
func (c *Config) BySteps() bool { return c.Steps > 0 }

// StepsPerEpoch returns the number of steps of an epoch, of which the last may have a
// short batch; 0 if the data are not known.
func (c *Config) StepsPerEpoch() int64 {
	if c.Data.Unknown() {
		return 0
	}
	size := int64(min(c.Batch, c.Data.Train))
	return (int64(c.Data.Train) + size - 1) / size
}

// TotalEpochs returns the number of epochs of the run. The last one may be partial.
func (c *Config) TotalEpochs() int {
	if !c.BySteps() {
		return c.Epochs
	}
	per := max(c.StepsPerEpoch(), 1)
	return int((int64(c.Steps) + per - 1) / per)
}

// TotalImages returns how many images the run trains on in all.
func (c *Config) TotalImages() int64 {
	n := int64(c.Data.Train)
	if !c.BySteps() {
		return int64(c.Epochs) * n
	}
	per := max(c.StepsPerEpoch(), 1)
	whole, rest := int64(c.Steps)/per, int64(c.Steps)%per
	return whole*n + rest*int64(c.Batch) // only the last batch of an epoch may be short
}

// Length returns the length in words: 10 epochs, or 20,000 steps.
func (c *Config) Length() string {
	if c.BySteps() {
		return english.Plural(c.Steps, "step")
	}
	return english.Plural(c.Epochs, "epoch")
}

// LengthField returns the name of the field that gives the length, Epochs or Steps,
// and its value.
func (c *Config) LengthField() (name string, value int) {
	if c.BySteps() {
		return "Steps", c.Steps
	}
	return "Epochs", c.Epochs
}

// DueEvery reports whether work that is done every so many epochs is due at the end
// of an epoch, which is at step. In a run by steps with intervals, every counts
// intervals, and the work is due if such an interval ended within the epoch.
func (c *Config) DueEvery(every, epoch int, step int64) bool {
	if !c.BySteps() || c.LogSteps == 0 {
		return epoch%every == 0
	}
	n := int64(c.LogSteps) * int64(every)
	return step/n > int64(epoch-1)*c.StepsPerEpoch()/n
}

// IsLast reports whether l is the last line of the run.
func (c *Config) IsLast(l *Line) bool {
	if l.Stopped {
		return true
	}
	if c.BySteps() {
		return l.Step >= int64(c.Steps)
	}
	return l.Epoch >= c.Epochs
}

// EndsInterval reports whether l ends an interval: of LogSteps steps, or an epoch of a
// run without such intervals. The line of the run's end is one, too, unless an interval
// line has the same step.
func (c *Config) EndsInterval(l *Line) bool {
	return c.LogSteps == 0 || l.Kind == IntervalLine || c.IsLast(l) && l.Step%int64(c.LogSteps) != 0
}
