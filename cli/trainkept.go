package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// keptFlags are the flags that a resumed run keeps, but for those of its model, and what a configuration has of each.
var keptFlags = []struct {
	name string
	of   func(c *runlog.Config) any
}{
	{"size", func(c *runlog.Config) any { return c.Data.Size }},
	{"crop", func(c *runlog.Config) any { return c.Data.Crop }},
	{"gray", func(c *runlog.Config) any { return c.Data.Gray }},
	{"test-fraction", func(c *runlog.Config) any { return c.Data.TestFraction }},
	{"validation", func(c *runlog.Config) any { return c.Data.ValidationFraction }},
	{"without", func(c *runlog.Config) any { return strings.Join(c.Data.Without, ",") }},
	{"limit", func(c *runlog.Config) any { return c.Data.Limit }},
	{"skip-bad", func(c *runlog.Config) any { return c.Data.SkipBad }},
	{"label", func(c *runlog.Config) any { return c.Data.Label }},
	{"header", func(c *runlog.Config) any { return c.Data.Header }},
	{"columns", func(c *runlog.Config) any { return strings.Join(c.Data.Reading.Columns, ",") }},
	{"drop", func(c *runlog.Config) any { return strings.Join(c.Data.Drop, ",") }},
	{"fill", func(c *runlog.Config) any { return c.Data.Fill }},
	{"scale", func(c *runlog.Config) any { return c.Data.Scale }},
	{"pixels", func(c *runlog.Config) any { return c.Data.Pixels }},
	{"range", func(c *runlog.Config) any { return c.Data.Range }},
	{"table", func(c *runlog.Config) any { return c.Data.As }},
	{"images", func(c *runlog.Config) any { return c.Data.As }},
	{"batch", func(c *runlog.Config) any { return c.Batch }},
	{"seed", func(c *runlog.Config) any { return c.Seed }},
	{"flip", func(c *runlog.Config) any { return c.Flip }},
	{"shift", func(c *runlog.Config) any { return c.Shift }},
	{"optimizer", func(c *runlog.Config) any { return c.Optimizer.Rule }},
	{"weight-decay", func(c *runlog.Config) any { return c.Optimizer.WeightDecay }},
	{"momentum", func(c *runlog.Config) any { return c.Optimizer.Momentum }},
	{"clip", func(c *runlog.Config) any { return c.Optimizer.Clip }},
}

// checkKept returns an error that names the first flag which would change what a resumed run keeps; was is its
// configuration and now that with the flags.
func checkKept(c *cobra.Command, was, now *runlog.Config) error {
	for _, k := range keptFlags {
		f := c.Flags().Lookup(k.name)
		if f == nil || !f.Changed || k.of(was) == k.of(now) {
			continue
		}
		return fixedError("--"+k.name+" "+strings.Trim(f.Value.String(), "[]"), "--"+k.name, k.of(was))
	}
	return nil
}

// fixedError returns the error for a flag, as it was given, that a resumed run keeps: value is what the run has.
func fixedError(given, flag string, value any) error {
	has := fmt.Sprintf("with %s %v", flag, value)
	switch value {
	case "", 0, 0.0, false:
		has = "without " + flag
	}
	return fmt.Errorf("%s: the run is trained %s, and a resumed run keeps that: leave %s out, or train a new run", given, has, flag)
}

// changedModel returns the model's configuration of a run with the options that the user gave, which must not change
// it.
func (a *app) changedModel(config runlog.Config, options *modelFlags) (json.RawMessage, error) {
	k, err := a.Models.Kind(config.Kind)
	if err != nil {
		return nil, err
	}
	cfg, err := k.Decode(config.Model)
	if err != nil {
		return nil, err
	}
	var was []string
	for _, f := range model.Flags(cfg) {
		was = append(was, f.String())
	}
	if err := options.apply(config.Recipe, cfg); err != nil {
		return nil, err
	}
	for i, f := range model.Flags(cfg) {
		if f.String() != was[i] {
			return nil, fixedError("--"+f.Name+" "+f.String(), "--"+f.Name, was[i])
		}
	}
	return config.Model, nil // the same bytes as in the file
}
