package train

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/train/runlog"
)

// An augmentation changes training images at random, each in each epoch in another way. To
// add one, give it a stream of random numbers of its own, so that the others draw as before.
type augmentation struct {
	mirror        medium.Mirror  // nil = no flips
	shifter       medium.Shifter // nil = no shifts
	delayer       medium.Delayer // nil = no shifts along columns alone
	most          int            // pixels of a shift
	flips, shifts rng.Key
}

// newAugmentation returns the augmentation of a feed.
func newAugmentation(c feedConfig, item medium.Item) augmentation {
	a := augmentation{most: c.shift, flips: rng.New(c.seed).Split("flip"), shifts: rng.New(c.seed).Split("shift")}
	if c.flip {
		a.mirror, _ = item.Medium.(medium.Mirror)
	}
	if c.shift > 0 {
		a.shifter, _ = item.Medium.(medium.Shifter)
		a.delayer, _ = item.Medium.(medium.Delayer)
	}
	return a
}

// apply changes one image in place. own returns the key of the image in its epoch, of a
// stream.
func (a *augmentation) apply(item medium.Item, values []float32, own func(stream rng.Key) rng.Key) {
	if a.mirror != nil && own(a.flips).Float64() < 0.5 {
		a.mirror.MirrorLeftRight(item, values)
	}
	// draw returns a whole number from -most to most, each as likely as another.
	draw := func(axis string) int {
		return int(own(a.shifts).Split(axis).Float64()*float64(2*a.most+1)) - a.most
	}
	switch {
	case a.shifter != nil:
		a.shifter.Shift(item, values, draw("rows"), draw("columns"))
	case a.delayer != nil:
		a.delayer.Delay(item, values, draw("columns"))
	}
}

// checkAugmentation returns an error if items cannot be augmented as c says.
func checkAugmentation(c *runlog.Config, item medium.Item) error {
	if _, ok := item.Medium.(medium.Mirror); c.Flip && !ok {
		return option.Errorf("train: {Flip}: items of medium %s have no left and right", item.Medium.Name())
	}
	_, shifts := item.Medium.(medium.Shifter)
	if _, delays := item.Medium.(medium.Delayer); c.Shift > 0 && !shifts && !delays {
		return option.Errorf("train: {Shift} %d: items of medium %s have no rows and columns to be moved by", c.Shift, item.Medium.Name())
	}
	return nil
}
