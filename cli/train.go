package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// trainFlags are the flags of train.
type trainFlags struct {
	data, dataDir     string
	noCache           bool
	size, crop        int
	label             string
	gray              bool
	flip              bool
	testFraction      float64
	without           []string
	epochs, steps     int
	logSteps          int
	measure           runlog.Measure
	batch             int
	lr                float64
	schedule          string
	seed              uint64
	threads           int
	name, out         string
	resume            string
	keep              int
	checkpointSeconds float64
	checkpointSteps   int64
	picturesEvery     int
	dryRun            bool
	options           *modelFlags
}

// train trains a recipe on a set of images, or goes on with a run.
func (a *app) train() *cobra.Command {
	var t trainFlags
	c := &cobra.Command{
		Use:   "train <recipe>",
		Short: "Train a recipe on a set of images",
		Long: `train makes a folder for the run in --out, trains, and leaves checkpoints, a log, pictures and a report in it. Ctrl-C
saves and stops; --resume goes on as if nothing had happened, and with more --epochs or --steps than before also a run that
is done.

The data set is one known by name (imago data list) or the path of a folder or zip of PNG and JPEG images, an IDX file,
an NPZ file, or a table of numbers (CSV, or an NPZ file of rows). Options of the model that are not given are the recipe's.`,
		Example: `  imago train cnn-vae --data mnist
  imago train mlp-vae --data fashion-mnist --latent 10 --loss bce --epochs 20 --seed 7
  imago train cnn-vae --data photos/ --size 64 --name holidays
  imago train cnn-vae --data mnist --epochs 40 --schedule cosine
  imago train dense-gan --data mnist --steps 20000
  imago train cnn-vae --resume
  imago train --resume runs/holidays --epochs 100`,
		Args: argCount(0, 2, "a recipe"),
	}
	t.addFlags(c)
	f := c.Flags()
	f.StringSliceVar(&t.without, "without", nil, "leave out the images of these `classes`, or that have these attributes, as 3 or 3,8")
	f.StringVar(&t.name, "name", "", "`name` of the run (default RECIPE-SET-NNN)")
	f.StringVar(&t.out, "out", runsDir, "`folder` to make the run in")
	f.StringVar(&t.resume, "resume", "", "go on with a `run`: a path, a name, or by itself the latest of the recipe")
	f.Lookup("resume").NoOptDefVal = latestName
	f.IntVar(&t.keep, "keep", 3, "`number` of checkpoints to keep besides the best; 0 keeps all")
	f.Float64Var(&t.checkpointSeconds, "checkpoint-every", 60, "`seconds` between checkpoints, besides one each epoch, or where an interval of --log-steps of a run by steps has ended in it; 0 is these only")
	f.Int64Var(&t.checkpointSteps, "checkpoint-steps", 0, "`steps` between checkpoints, besides those; 0 is those only")
	f.IntVar(&t.logSteps, "log-steps", 0, "`steps` between lines of the terminal and sheets of images of one noise and of fresh noise; 0 is each epoch (default the recipe's, of a run by steps)")
	f.StringSliceVar(&t.measure.Metrics, "measure", nil, "measure while it trains: for each of these `words` the first metric of imago eval with it in its name, as fid,kid")
	f.IntVar(&t.measure.Every, "measure-every", 5, "`epochs`, or intervals of --log-steps of a run by steps, between two measurements, besides one at the end")
	f.IntVar(&t.measure.Images, "measure-images", 2000, "`number` of images to make, and test images to compare them with, of a measurement")
	f.IntVar(&t.picturesEvery, "pictures-every", 5, "`epochs`, or intervals of --log-steps of a run by steps, between pictures; 0 draws them at the end only, -1 never")
	f.BoolVarP(&t.dryRun, "dry-run", "n", false, "print the resolved configuration as JSON and stop")
	t.options = a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := atLeast("threads", t.threads, 0); err != nil {
			return usage(c, err)
		}
		if c.Flags().Changed("epochs") && t.steps != 0 {
			return usagef(c, "--epochs %d and --steps %d: want one of them, which says how long the run is", t.epochs, t.steps)
		}
		if t.resume == "" && len(t.measure.Metrics) == 0 && (c.Flags().Changed("measure-every") || c.Flags().Changed("measure-images")) {
			return usagef(c, "--measure-every and --measure-images say how --measure is done, and it is not given")
		}
		if t.resume != "" {
			return a.resumeRun(c, &t, args)
		}
		if len(args) != 1 {
			return usagef(c, "train wants one recipe; have %s", recipeNames(&a.Models))
		}
		return a.newRun(c, &t, args[0])
	}
	return c
}

// addFlags adds those that say what is trained on which images, and how.
func (t *trainFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.data, "data", "digits", "`set` of images, by name or path")
	dataDirFlag(c, &t.dataDir)
	noCacheFlag(c, &t.noCache)
	f.IntVar(&t.size, "size", 0, "crop and resize images to squares of so many `pixels` a side; 0 leaves them")
	f.IntVar(&t.crop, "crop", 0, "before that, cut the square of so many `pixels` a side out of the middle; 0 is the largest (celeba: 148)")
	f.StringVar(&t.label, "label", "", "`column` of a table that is the class of its row, a name or a number from 1; - for none (default one named label, class or target)")
	f.BoolVar(&t.gray, "gray", false, "make the images grey")
	f.BoolVar(&t.flip, "flip", false, "exchange left and right of each training image half of the times: faces, not digits")
	f.Float64Var(&t.testFraction, "test-fraction", 0, "`part` of the images held out where the set has no test part (default 0.1)")
	f.IntVar(&t.epochs, "epochs", 0, "`number` of times each image is used (default the recipe's)")
	f.IntVar(&t.steps, "steps", 0, "`updates` in all, in place of --epochs; the run ends there (default the recipe's; 0 goes by epochs)")
	f.IntVar(&t.batch, "batch", 0, "`images` a step (default the recipe's)")
	f.Float64Var(&t.lr, "lr", 0, "learning `rate` (default the recipe's)")
	f.StringVar(&t.schedule, "schedule", "", "how the rate changes, a `schedule`: constant, step:EPOCHS:FACTOR, cosine or burda (default the recipe's)")
	f.Uint64Var(&t.seed, "seed", 1, "`seed` of all randomness")
	threadsFlag(c, &t.threads)
}

// newRun trains a recipe from its start. Everything that can be wrong is found before the run's folder is made.
func (a *app) newRun(c *cobra.Command, t *trainFlags, recipe string) error {
	config, m, set, err := a.prepare(c, t, recipe)
	if err != nil {
		return err
	}
	if t.dryRun {
		return a.printConfig(config, m)
	}
	run, err := runlog.Create(t.out, t.name, config)
	if err != nil {
		return err
	}
	return a.runTraining(c, t, run, m, set)
}

// prepare returns the configuration, model and images of a new run.
func (a *app) prepare(c *cobra.Command, t *trainFlags, recipe string) (config runlog.Config, m *model.Model, set *data.Set, err error) {
	rec, cfg, err := a.configure(recipe, t.options)
	if err != nil {
		return config, nil, nil, usage(c, err)
	}
	opt := data.Options{DataDir: t.dataDir, NoCache: t.noCache, Size: t.size, Crop: t.crop, Gray: t.gray, TestFraction: t.testFraction, Without: t.without, Label: t.label, Progress: a.err}
	if err := opt.Validate(); err != nil {
		return config, nil, nil, usage(c, err)
	}
	// The numbers are checked before the data set is fetched.
	probe, err := runlog.NewConfig(rec, cfg, &data.Set{}, t.data, opt)
	if err != nil {
		return config, nil, nil, err
	}
	probe.Data.Item.Shape, probe.Data.Train = []int{1, 1, 1}, 1
	t.apply(c, &probe, &rec.Train)
	if err := train.Validate(&probe); err != nil {
		return config, nil, nil, usage(c, err)
	}
	if set, err = a.Data.Open(c.Context(), t.data, opt); err != nil {
		return config, nil, nil, err
	}
	if config, err = runlog.NewConfig(rec, cfg, set, t.data, opt); err != nil {
		return config, nil, nil, err
	}
	t.apply(c, &config, &rec.Train)
	if m, err = config.Build(&a.Models); err != nil {
		return config, nil, nil, err
	}
	return config, m, set, train.Suits(m, set)
}

// apply puts the flags that were given in a config; recipe is nil of a run that goes on.
func (t *trainFlags) apply(c *cobra.Command, config *runlog.Config, recipe *model.Training) {
	f := c.Flags()
	given := func(name string) bool { return f.Changed(name) }
	fresh := recipe != nil
	switch {
	case given("epochs"):
		config.Epochs, config.Steps = t.epochs, 0
	case t.steps != 0:
		config.Epochs, config.Steps = 0, t.steps
	case given("steps") && fresh:
		config.Epochs, config.Steps = recipe.Epochs, 0
	case given("steps"): // whoever means so says how many epochs
		config.Steps = 0
	}
	switch {
	case given("log-steps"):
		config.LogSteps = t.logSteps
	case fresh && config.Steps == 0: // those of the recipe suit its steps
		config.LogSteps = 0
	}
	if given("measure") {
		config.Measure.Metrics = t.measure.Metrics
	}
	if m := &config.Measure; len(m.Metrics) > 0 {
		if given("measure-every") || m.Every == 0 {
			m.Every = t.measure.Every
		}
		if given("measure-images") || m.Images == 0 {
			m.Images = t.measure.Images
		}
	} else {
		*m = runlog.Measure{}
	}
	if given("batch") {
		config.Batch = t.batch
	}
	if given("lr") {
		config.LR = t.lr
	}
	if given("schedule") {
		config.Schedule = t.schedule
	}
	if fresh || given("seed") {
		config.Seed = t.seed
	}
	if fresh || given("flip") {
		config.Flip = t.flip
	}
	if fresh || given("keep") {
		config.Checkpoints.Keep = t.keep
	}
	if fresh || given("checkpoint-every") {
		config.Checkpoints.Seconds = t.checkpointSeconds
	}
	if fresh || given("checkpoint-steps") {
		config.Checkpoints.Steps = t.checkpointSteps
	}
	if fresh || given("pictures-every") {
		config.Pictures = t.picturesEvery
	}
}

// resumeRun goes on with a run. What the flags say must be what the run was made with, but for what may change.
func (a *app) resumeRun(c *cobra.Command, t *trainFlags, args []string) error {
	recipe, dir, err := a.runToResume(c, t, args)
	if err != nil {
		return err
	}
	run, err := runlog.Open(dir, recipe)
	if err != nil {
		return err
	}
	config := run.Config
	t.apply(c, &config, nil)
	if config.Model, err = a.changedModel(config, t.options); err != nil {
		return usage(c, err)
	}
	f := c.Flags()
	for name, set := range map[string]func(){
		"data":          func() { config.Data.Source = t.data },
		"size":          func() { config.Data.Size = t.size },
		"crop":          func() { config.Data.Crop = t.crop },
		"gray":          func() { config.Data.Gray = t.gray },
		"test-fraction": func() { config.Data.TestFraction = t.testFraction },
		"without":       func() { config.Data.Without = t.without },
		"label":         func() { config.Data.Label = t.label },
	} {
		if f.Changed(name) {
			set()
		}
	}
	if f.Changed("name") && t.name != "" {
		return usagef(c, "--name %q: a run that goes on keeps its name", t.name)
	}
	if err := train.Validate(&config); err != nil {
		return usage(c, err)
	}
	m, err := config.Build(&a.Models)
	if err != nil {
		return err
	}
	if t.dryRun {
		return a.printConfig(config, m)
	}
	opt := config.Data.Options()
	opt.DataDir, opt.NoCache, opt.Progress = t.dataDir, t.noCache, a.err
	set, err := a.Data.Open(c.Context(), config.Data.Source, opt)
	if err != nil {
		return err
	}
	if set.Digest != config.Data.Digest {
		return fmt.Errorf("%s: %s is not what the run was trained on (SHA-256 %.12s, want %.12s): put the files back, or train anew", run.Dir, config.Data.Source, set.Digest, config.Data.Digest)
	}
	if err := run.Change(config); err != nil {
		return err
	}
	return a.runTraining(c, t, run, m, set)
}

// runToResume says which run is meant, and of which recipe it must be, "" for any. The run may follow --resume as an
// argument of its own: a flag whose value can be left out would want it after an equals sign.
func (a *app) runToResume(c *cobra.Command, t *trainFlags, args []string) (recipe, dir string, err error) {
	name := t.resume
	if len(args) > 0 {
		if _, err := a.Models.Recipe(args[0]); err == nil {
			recipe, args = args[0], args[1:]
		} else if name != latestName || len(args) > 1 {
			return "", "", usage(c, err)
		}
	}
	if len(args) > 0 {
		if name != latestName {
			return "", "", usagef(c, "both --resume %q and %q: want one run", name, args[0])
		}
		name = args[0]
	}
	if name == latestName {
		dir, err = latestRun(t.out, recipe)
	} else {
		dir, err = resolveRun(name)
	}
	return recipe, dir, err
}

// changedModel returns the model's configuration of a run with the options given.
func (a *app) changedModel(config runlog.Config, options *modelFlags) (json.RawMessage, error) {
	k, err := a.Models.Kind(config.Kind)
	if err != nil {
		return nil, err
	}
	cfg, err := k.Decode(config.Model)
	if err != nil {
		return nil, err
	}
	was, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	if err := options.apply(config.Recipe, cfg); err != nil {
		return nil, err
	}
	now, err := json.Marshal(cfg)
	if err != nil || string(now) == string(was) {
		return config.Model, err // as it is written, to the byte
	}
	return nil, fmt.Errorf("a run that goes on keeps its model, %s, and the options make it %s", was, now)
}

// printConfig returns --dry-run: the configuration to standard output, the objective beside it.
func (a *app) printConfig(config runlog.Config, m *model.Model) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(config); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.err, "objective:", m.Objective)
	return err
}

// runTraining trains and says what came of it.
func (a *app) runTraining(c *cobra.Command, t *trainFlags, run *runlog.Run, m *model.Model, set *data.Set) error {
	be := a.backend(t.threads)
	defer be.Close()
	net := func(ctx context.Context, of *data.Set) (*feature.Net, error) {
		p := newProgress(a.err)
		defer p.end()
		return feature.Open(ctx, of, be, feature.Options{
			NoCache:  t.noCache,
			Progress: func(step, of int) { p.set("training the feature net", step, of, "step") },
			Warn:     func(text string) { a.warn("%s", text) },
		})
	}
	r, err := train.Loop(c.Context(), train.Job{Run: run, Model: m, Data: set, Backend: be, Reporter: train.NewReporter(a.out), Net: net})
	if stopped := (*train.InterruptedError)(nil); errors.As(err, &stopped) {
		return fmt.Errorf("%s: go on with imago train %s --resume %s", stopped.Saved(), stopped.Recipe, stopped.Run)
	}
	if err != nil {
		return err
	}
	a.printTrained(run, r)
	return nil
}

// printTrained says how long it took and where things are.
func (a *app) printTrained(run *runlog.Run, r train.Result) {
	done := plural(r.Epochs, "epoch")
	if r.Last.Partial {
		done += " and a part of the next"
	}
	fmt.Fprintf(a.out, "done       %s, %s in all; %.1f s\n", done, plural(int(r.Steps), "step"), r.Seconds)
	if r.Report != "" {
		fmt.Fprintf(a.out, "report     %s\n", r.Report)
	}
}

func recipeNames(r *model.Registry) string {
	var names []string
	for _, rec := range r.Recipes() {
		names = append(names, rec.Name)
	}
	return strings.Join(names, ", ")
}
