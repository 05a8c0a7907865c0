package train

import (
	"fmt"

	"github.com/imago-ml/imago/train/runlog"
)

// unit returns what the run is long of: epochs or steps.
func unit(c *runlog.Config) string {
	if c.BySteps() {
		return "steps"
	}
	return "epochs"
}

// further returns the option with which a run that is done goes on, for twice as long.
func further(c *runlog.Config) string {
	return fmt.Sprintf("--%s %d", unit(c), 2*max(c.Epochs, c.Steps))
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
	return t.trained() && (t.at.EpochImages == 0 || t.sums.Judged || t.at.Epoch >= t.Run.Config.TotalEpochs())
}

// passOver goes on to the next epoch where nobody waits for a word on this one.
func (t *trainer) passOver() bool {
	c := &t.Run.Config
	if t.trained() || t.at.Epoch+1 == t.stage.End || c.DueEvery(1, t.at.Epoch+1, t.at.Step) {
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
