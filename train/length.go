package train

import "fmt"

// A run is as long as its Epochs or its Steps say. One by steps ends after the last of
// them wherever that is: what it has of its last epoch is then judged, drawn and saved
// as an epoch is, and training goes on from there if it is given more. Where it has
// intervals of steps too, an epoch in which none of them ends is passed over.

// perEpoch returns how many steps an epoch takes, the last of which may be short.
func (c *Config) perEpoch() int64 {
	size := int64(min(c.Batch, c.Data.Train))
	return (int64(c.Data.Train) + size - 1) / size
}

// epochs returns how many epochs the run has, the last of which may be cut short.
func (c *Config) epochs() int {
	if c.Steps == 0 {
		return c.Epochs
	}
	per := c.perEpoch()
	return int((int64(c.Steps) + per - 1) / per)
}

// images returns how many images the run trains on in all.
func (c *Config) images() int64 {
	n := int64(c.Data.Train)
	if c.Steps == 0 {
		return int64(c.Epochs) * n
	}
	whole, rest := int64(c.Steps)/c.perEpoch(), int64(c.Steps)%c.perEpoch()
	return whole*n + rest*int64(c.Batch) // the batch that may be short is the last of an epoch
}

// length returns 10 epochs, or 20,000 steps.
func (c *Config) length() string {
	if c.Steps == 0 {
		return plural(c.Epochs, "epoch")
	}
	return plural(c.Steps, "step")
}

// marks says whether an epoch that ends at a step is one of every so many, or of a run
// by steps with intervals has seen the end of one of every so many of these.
func (c *Config) marks(epoch int, step int64, every int) bool {
	if c.Steps == 0 || c.LogSteps == 0 {
		return epoch%every == 0
	}
	n := int64(c.LogSteps) * int64(every)
	return step/n > int64(epoch-1)*c.perEpoch()/n
}

// unit returns what the run is long of: epochs or steps.
func (c *Config) unit() string {
	if c.Steps == 0 {
		return "epochs"
	}
	return "steps"
}

// further returns the option with which a run that is done goes on, for twice as long.
func (c *Config) further() string {
	if c.Steps == 0 {
		return fmt.Sprintf("--epochs %d", 2*c.Epochs)
	}
	return fmt.Sprintf("--steps %d", 2*c.Steps)
}

// ended says whether a line is the last of the run.
func (c *Config) ended(l Line) bool {
	if c.Steps == 0 {
		return l.Epoch >= c.Epochs
	}
	return l.Step >= int64(c.Steps)
}

// trained says whether the last step of the run is done.
func (t *trainer) trained() bool {
	c := &t.Run.Config
	if c.Steps == 0 {
		return t.at.Epoch >= c.Epochs
	}
	return t.at.Step >= int64(c.Steps)
}

// done says whether the run is at its end, and what it has of its last epoch judged.
func (t *trainer) done() bool {
	return t.trained() && (t.at.EpochImages == 0 || t.sums.Judged || t.at.Epoch >= t.Run.Config.epochs())
}

// passOver goes on to the next epoch where nobody waits for a word on this one.
func (t *trainer) passOver() bool {
	c := &t.Run.Config
	if t.trained() || t.at.Epoch+1 == t.stage.end || c.marks(t.at.Epoch+1, t.at.Step, 1) {
		return false
	}
	t.nextEpoch()
	return true
}

func (t *trainer) nextEpoch() {
	t.at.Epoch++
	t.at.EpochImages = 0
	t.sums.Epoch.reset()
}

// epoch returns the number of the epoch last judged, 0 before the first.
func (t *trainer) epoch() int {
	if t.sums.Judged {
		return t.at.Epoch + 1
	}
	return t.at.Epoch
}
