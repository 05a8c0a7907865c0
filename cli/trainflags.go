package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train/runlog"
)

// methodFlags are the flags that say how a model is optimised, beside its recipe.
type methodFlags struct {
	optimizer optim.Settings
	patience  int
}

// addFlags declares the flags.
func (m *methodFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&m.optimizer.Rule, "optimizer", "", "`rule` of the updates: "+strings.Join(optim.Names(), ", ")+" (default the recipe's, an Adam)")
	f.Float64Var(&m.optimizer.WeightDecay, "weight-decay", 0, "with --optimizer: decay of the weights, decoupled from the gradient with adamw, an L2 `penalty` with the others (default 0.01 with adamw, else 0)")
	f.Float64Var(&m.optimizer.Momentum, "momentum", 0, "momentum, as 0.9, of --optimizer sgd or rmsprop")
	f.IntVar(&m.patience, "patience", 0, "stop after so many `epochs` in a row without a better loss of the validation part, or of the test part if there is none; 0 trains to the end")
	f.Float64Var(&m.optimizer.Clip, "clip", 0, "largest `norm` of the gradient of an update: a larger gradient is scaled down to it; 0 means no limit")
}

// apply sets the fields of config whose flags the user gave.
func (m *methodFlags) apply(c *cobra.Command, config *runlog.Config) {
	given := c.Flags().Changed
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
