package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// configFlag declares --config.
func configFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "config", "", "`file` with the configuration of a run, as --dry-run prints it and a run has in run.json, or a run: the new run has it, but for what other flags change")
}

// maxConfigBytes bounds the size of a configuration before it is read.
const maxConfigBytes = 1 << 20

// readConfig reads the configuration that --config names into t.base, and returns the arguments with its recipe.
func (a *app) readConfig(c *cobra.Command, t *trainFlags, args []string) ([]string, error) {
	path, err := resolveRun(t.config)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	info, err := disk.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	read := os.ReadFile
	if info.IsDir() {
		run := disk.At(path)
		if info, err = run.Stat(runlog.ConfigFile); err != nil {
			return nil, fmt.Errorf("--config %s: not the folder of a run: %w", t.config, err)
		}
		path = run.Path(runlog.ConfigFile)
		read = func(string) ([]byte, error) { return run.ReadFile(runlog.ConfigFile, maxConfigBytes) }
	}
	if info.Size() > maxConfigBytes {
		return nil, fmt.Errorf("--config %s: %d bytes: want a configuration as --dry-run prints it, of %d or fewer", t.config, info.Size(), maxConfigBytes)
	}
	b, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	base, err := runlog.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("--config %s: %w", path, err)
	}
	if len(args) > 0 && args[0] != base.Recipe {
		return nil, usagef(c, "--config %s is of recipe %s, not of %s: leave the recipe out, or --config", t.config, base.Recipe, args[0])
	}
	if len(args) == 0 {
		args = []string{base.Recipe}
	}
	t.base, t.configPath = &base, path
	return args, nil
}

// configureRun returns a recipe and its configuration with the options that the user gave: that of --config if it is
// given, else the recipe's own.
func (a *app) configureRun(t *trainFlags, recipe string) (model.Recipe, model.Config, error) {
	if t.base == nil {
		return a.configure(recipe, t.options)
	}
	rec, err := a.Models.Recipe(recipe)
	if err != nil {
		return rec, nil, err
	}
	k, err := a.Models.Kind(t.base.Kind)
	if err != nil {
		return rec, nil, err
	}
	if k.Name != rec.Kind {
		return rec, nil, fmt.Errorf("--config %s: recipe %s is of kind %s, and the file has %s", t.config, rec.Name, rec.Kind, k.Name)
	}
	cfg, err := k.Decode(t.base.Model)
	if err != nil {
		return rec, nil, fmt.Errorf("--config %s: %w", t.config, err)
	}
	return rec, cfg, t.options.apply(rec.Name, cfg)
}

// dataOf returns the data of a new run: those of --config if it is given, with the flags that the user gave.
func (t *trainFlags) dataOf(c *cobra.Command) runlog.Data {
	from := runlog.Data{Source: t.data}
	if t.base != nil {
		from = t.base.Data
		from.Source = from.Place(filepath.Dir(t.configPath))
	}
	t.applyData(c, &from)
	return from
}

// checkNumbers returns the faults of the configuration of a new run that can be found before the data are opened.
func (t *trainFlags) checkNumbers(c *cobra.Command, rec model.Recipe, cfg model.Config, source string, opt data.Options) error {
	probe, err := t.newConfig(c, rec, cfg, &data.Set{}, source, opt)
	if err != nil {
		return err
	}
	probe.Data.Item.Shape, probe.Data.Train = []int{1, 1, 1}, 1
	return train.Validate(&probe)
}

// newConfig returns the configuration of a new run: that of the recipe, or of --config if it is given, with the flags
// that the user gave.
func (t *trainFlags) newConfig(c *cobra.Command, rec model.Recipe, cfg model.Config, set *data.Set, source string, opt data.Options) (runlog.Config, error) {
	config, err := runlog.NewConfig(rec, cfg, set, source, opt)
	if err != nil {
		return config, err
	}
	if t.base == nil {
		t.apply(c, &config, &rec.Train)
		return config, nil
	}
	like := *t.base
	like.Imago, like.Go, like.Model, like.Data = config.Imago, config.Go, json.RawMessage(config.Model), config.Data
	t.apply(c, &like, nil)
	return like, nil
}
