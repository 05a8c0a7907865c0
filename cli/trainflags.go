package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// methodFlags are the flags that say how a model is optimised, beside its recipe.
type methodFlags struct {
	optimizer optim.Settings
	patience  int
	init      string
	shift     int
}

// addFlags declares the flags.
func (m *methodFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&m.optimizer.Rule, "optimizer", "", "`rule` of the updates: "+strings.Join(optim.Names(), ", ")+" (default the recipe's, an Adam)")
	f.Float64Var(&m.optimizer.WeightDecay, "weight-decay", 0, "with --optimizer: decay of the weights, decoupled from the gradient with adamw, an L2 `penalty` with the others (default 0.01 with adamw, else 0)")
	f.Float64Var(&m.optimizer.Momentum, "momentum", 0, "momentum, as 0.9, of --optimizer sgd or rmsprop")
	f.IntVar(&m.shift, "shift", 0, "move each training image by up to so many `pixels`, up or down and left or right, another way in each epoch: for small sets")
	f.StringVar(&m.init, "init", "", "start from the weights of a `run`, a checkpoint or a .safetensors file, of a model of the same shape: fine-tuning")
	f.IntVar(&m.patience, "patience", 0, "stop after so many `epochs` in a row without a better loss of the validation part, or of the test part if there is none; 0 trains to the end")
	f.Float64Var(&m.optimizer.Clip, "clip", 0, "largest `norm` of the gradient of an update: a larger gradient is scaled down to it; 0 means no limit")
}

// apply sets the fields of config whose flags the user gave.
func (m *methodFlags) apply(c *cobra.Command, config *runlog.Config) {
	given := c.Flags().Changed
	if given("shift") {
		config.Shift = m.shift
	}
	if given("patience") {
		config.Patience = m.patience
	}
	o := &config.Optimizer
	if given("optimizer") && o.Rule != m.optimizer.Rule {
		clip := o.Clip
		*o = optim.UsualSettings(m.optimizer.Rule)
		o.Clip = clip
	}
	if given("weight-decay") {
		o.WeightDecay = m.optimizer.WeightDecay
	}
	if given("momentum") {
		o.Momentum = m.optimizer.Momentum
	}
	if given("clip") {
		o.Clip = m.optimizer.Clip
	}
}

// initialise sets where the initial weights of a new run come from, which must fit its model.
func (m *methodFlags) initialise(config *runlog.Config, built *model.Model) error {
	if m.init == "" {
		return nil
	}
	path, err := resolveRun(m.init)
	if err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	config.Init, err = train.NewInit(m.init, path, built)
	return err
}

// checkAdam returns an error if the user gave an option of a model's Adam, and another rule is in its place.
func checkAdam(options *modelFlags, o optim.Settings) error {
	for _, name := range []string{"beta1", "beta2"} {
		if options.isSet(name) && o.Rule != "" && o.Rule != "adam" && o.Rule != "adamw" {
			return fmt.Errorf("--%s is for --optimizer adam or adamw: %s has no such average; leave it out, or choose one of these", name, o.Rule)
		}
	}
	return nil
}

// openMoved opens the data of a run that is resumed, wherever they are now, and puts their place into config.
func (a *app) openMoved(c *cobra.Command, run *runlog.Run, config *runlog.Config, opt data.Options) (*data.Set, error) {
	place := config.Data.Source
	moved := c.Flags().Changed("data")
	if !moved {
		place = config.Data.Place(run.Dir)
	}
	set, err := a.Data.Open(c.Context(), place, opt)
	if err != nil {
		if _, gone := os.Stat(place); !moved && config.Data.Path != "" && gone != nil {
			err = fmt.Errorf("the data of %s are no longer at %s: name where they are now by --data", run.Dir, config.Data.Path)
		}
		return nil, err
	}
	if set.Digest != config.Data.Digest {
		return nil, fmt.Errorf("%s: %s is not what the run was trained on (SHA-256 %.12s, want %.12s): restore the files, name another place of them by --data, or train a new run%s", run.Dir, place, set.Digest, config.Data.Digest, newFormats(set))
	}
	config.Data.Path = set.Path
	if moved {
		config.Data.Name = set.Name
	}
	return set, nil
}
