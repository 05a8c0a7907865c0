package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
)

// trainFlags are the flags of train; other commands that train have some of them.
type trainFlags struct {
	data, dataDir     string
	noCache           bool
	size, crop        int
	label             string
	reading           readingFlags
	gray              bool
	flip              bool
	testFraction      float64
	validation        float64
	without           []string
	limit             int
	skipBad           bool
	epochs, steps     int
	logSteps          int
	measure           runlog.Measure
	batch             int
	lr                float64
	schedule          string
	method            methodFlags
	seed              uint64
	threads           int
	name, out         string
	resume            string
	config            string         // file of a configuration, or a run
	base              *runlog.Config // what it holds
	configPath        string         // of the file that holds it
	keep              int
	checkpointSeconds float64
	checkpointSteps   int64
	picturesEvery     int
	dryRun            bool
	bare              bool // nothing of the training data is saved with the run
	seedRuns          int
	options           *modelFlags
}

// train returns the command train: it trains a recipe on a data set, or resumes a run.
func (a *app) train() *cobra.Command {
	var t trainFlags
	c := &cobra.Command{
		Use:   "train <recipe>",
		Short: "Train a recipe on a data set",
		Long: `train makes a folder for the run in --out and trains. The folder gets checkpoints, a log, pictures and a report.
Ctrl-C saves and stops. --resume continues a run, with the same result as without the interruption; with more --epochs
or --steps it also continues a complete run. --config makes a new run with the configuration of another, or with one
that --dry-run printed; other flags change it.

The data set is a name of imago data list, or the path of a folder or zip of pictures, recordings (WAV, FLAC) or MIDI
files, an IDX file, an NPZ file, a table of numbers (CSV, or an NPZ file of rows), piano-rolls (JSON), or texts: a text a
line, JSON lines, or with --text a column of a table. Without a recipe, one is chosen that suits the set: its kind,
its size and the number of its items. Options of the model have the values of the recipe unless given.`,
		Example: `  imago train cnn-vae --data mnist
  imago train mlp-vae --data fashion-mnist --latent 10 --loss bce --epochs 20 --seed 7
  imago train --data photos/
  imago train face-vae --data photos/ --size 64 --flip --name holidays
  imago train cnn-vae --data mnist --epochs 40 --schedule cosine
  imago train dense-gan --data mnist --steps 20000
  imago train cnn-vae --resume
  imago train --resume runs/holidays --epochs 100
  imago train mlp-vae --data mnist --epochs 2 --seeds 5
  imago train cnn-vae --data mnist --dry-run > run.json
  imago train --config run.json --lr 0.0003`,
		Args: argCount(0, 2, "a recipe"),
	}
	t.addFlags(c)
	f := c.Flags()
	withoutFlag(c, &t.without)
	f.IntVar(&t.limit, "limit", 0, "train on so many `items` only, as many of each class as there are; 0 means all")
	f.BoolVar(&t.skipBad, "skip-bad", false, "leave out image files that cannot be read, in place of an error")
	f.StringVar(&t.name, "name", "", "`name` of the run (default RECIPE-SET-NNN)")
	runsFlag(c, &t.out)
	f.StringVar(&t.resume, "resume", "", "continue a `run`: a path, a name, or without a value the latest of the recipe")
	f.Lookup("resume").NoOptDefVal = latestName
	configFlag(c, &t.config)
	seedsFlag(c, &t.seedRuns, "`number` of runs that differ in the seed, NAME-seed1 and so on from --seed; the mean and the deviation of every metric are printed and written to NAME-seeds.csv and .json. Given again, the command goes on where it was")
	f.IntVar(&t.keep, "keep", 3, "`number` of checkpoints to keep in addition to the best; 0 keeps all")
	f.Float64Var(&t.checkpointSeconds, "checkpoint-every", 60, "`seconds` between checkpoints, in addition to one at the end of each epoch (of a run by steps: of each epoch in which an interval of --log-steps ends); 0 makes no others")
	f.Int64Var(&t.checkpointSteps, "checkpoint-steps", 0, "`steps` between checkpoints, in addition to those; 0 makes no others")
	f.IntVar(&t.logSteps, "log-steps", 0, "for a run by steps: `steps` between lines in the terminal and sheets of images, of fixed noise and of fresh noise; 0 means each epoch (default the recipe's)")
	t.addMeasureFlags(c)
	f.IntVar(&t.picturesEvery, "pictures-every", 5, "`epochs`, or intervals of --log-steps of a run by steps, between pictures, which by default are drawn less often if they would take more than a tenth of the time; 0 draws them at the end only, -1 never")
	f.BoolVarP(&t.dryRun, "dry-run", "n", false, "print the resolved configuration as JSON and stop")
	t.options = a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if err := atLeast("threads", t.threads, 0); err != nil {
			return usage(c, err)
		}
		if c.Flags().Changed("epochs") && t.steps != 0 {
			return usagef(c, "--epochs %d and --steps %d: want one of them, the length of the run", t.epochs, t.steps)
		}
		if t.resume == "" && len(t.measure.Metrics) == 0 && (c.Flags().Changed("measure-every") || c.Flags().Changed("measure-images")) {
			return usagef(c, "--measure-every and --measure-images say how --measure is done, and it is not given")
		}
		if t.resume != "" && c.Flags().Changed("seeds") {
			return usagef(c, "both --resume and --seeds: give the same command with --seeds again, and it goes on")
		}
		if t.resume != "" && t.config != "" {
			return usagef(c, "both --resume and --config: --resume goes on with a run, --config makes a new one like it")
		}
		if t.resume != "" {
			return a.resumeRun(c, &t, args)
		}
		if t.config != "" {
			if args, err = a.readConfig(c, &t, args); err != nil {
				return err
			}
		}
		recipe := ""
		switch {
		case len(args) == 1:
			recipe = args[0]
		case len(args) == 0 && c.Flags().Changed("data"):
			if recipe, err = a.chooseRecipe(c, &t); err != nil {
				return err
			}
		default:
			return usagef(c, "train wants one recipe; have %s; or --data alone, and one is chosen that suits the set", recipeNames(&a.Models))
		}
		if c.Flags().Changed("seeds") {
			return a.trainSeeds(c, &t, recipe)
		}
		return a.newRun(c, &t, recipe)
	}
	return c
}

// addFlags declares the flags of the data, the optimisation and the seed.
func (t *trainFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.data, "data", "digits", "data `set`, by name or path")
	dataDirFlag(c, &t.dataDir)
	noCacheFlag(c, &t.noCache)
	f.IntVar(&t.size, "size", 0, "crop and resize images to squares of so many `pixels` a side; 0 keeps their size")
	cropFlag(c, &t.crop, "")
	labelColumnFlag(c, &t.label, "", "; - for none (default the column named label, class or target)")
	t.reading.addFlags(c)
	f.BoolVar(&t.gray, "gray", false, "make the images grey")
	f.BoolVar(&t.flip, "flip", false, "flip each training image left to right with probability ½: for faces, not for digits")
	f.Float64Var(&t.testFraction, "test-fraction", 0, "`part` of the images to hold out if the set has no test part (default 0.1)")
	f.Float64Var(&t.validation, "validation", 0, "`part` of the training images, as 0.1, to choose the best checkpoint and the end of training by, apart from the test images")
	f.IntVar(&t.epochs, "epochs", 0, "`number` of times each image is used (default the recipe's)")
	f.IntVar(&t.steps, "steps", 0, "total `number` of optimiser updates, in place of --epochs (default the recipe's; 0 means by epochs)")
	f.IntVar(&t.batch, "batch", 0, "`images` in a step (default the recipe's)")
	f.Float64Var(&t.lr, "lr", 0, "learning `rate` (default the recipe's)")
	f.StringVar(&t.schedule, "schedule", "", "`schedule` of the learning rate: constant, step:EPOCHS:FACTOR, cosine, burda, or plateau:EPOCHS:FACTOR, which follows the loss (default the recipe's)")
	t.method.addFlags(c)
	f.Uint64Var(&t.seed, "seed", 1, "`seed` of all random numbers")
	threadsFlag(c, &t.threads)
}

// withoutFlag declares --without of a command that trains.
func withoutFlag(c *cobra.Command, without *[]string) {
	c.Flags().StringSliceVar(without, "without", nil, "leave out the images of these `classes`, or with these attributes, as 3 or 3,8")
}

// addMeasureFlags declares the flags of metrics that are measured during training.
func (t *trainFlags) addMeasureFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&t.measure.Metrics, "measure", nil, "metrics to measure during training: for each of these `words` the first metric of imago eval that has it in its name, as fid,kid")
	f.IntVar(&t.measure.Every, "measure-every", 5, "`epochs`, or intervals of --log-steps of a run by steps, between measurements, in addition to one at the end")
	f.IntVar(&t.measure.Images, "measure-images", 2000, "`number` of images to generate for a measurement, and of test images to compare them with")
}

// newRun trains a recipe from the beginning. It makes the folder of the run after all checks.
func (a *app) newRun(c *cobra.Command, t *trainFlags, recipe string) error {
	config, m, set, err := a.prepare(c, t, recipe)
	if err != nil {
		return err
	}
	if t.dryRun {
		a.printNotes(set, true)
		a.doubt(&config, set)
		if err := a.printConfig(config, m); err != nil {
			return err
		}
		need, err := trainingMemory(c.Context(), &config, m, set, t.threads)
		if err == nil {
			_, err = fmt.Fprintln(a.err, "memory:", need)
		}
		return err
	}
	run, err := runlog.Create(t.out, t.name, config)
	if err != nil {
		return err
	}
	a.printNotes(set, true)
	a.doubt(&config, set)
	return a.runTraining(c, t, run, m, set)
}

// prepare returns the configuration, model and images of a new run.
func (a *app) prepare(c *cobra.Command, t *trainFlags, recipe string) (config runlog.Config, m *model.Model, set *data.Set, err error) {
	rec, cfg, err := a.configureRun(t, recipe)
	if err != nil {
		return config, nil, nil, usage(c, err)
	}
	from := t.dataOf(c)
	opt, err := t.dataOptions(c)
	if err != nil {
		return config, nil, nil, usage(c, err)
	}
	opt.Progress = a.err
	if err := opt.Validate(); err != nil {
		return config, nil, nil, usage(c, err)
	}
	if err := t.checkNumbers(c, rec, cfg, from.Source, opt); err != nil {
		return config, nil, nil, usage(c, err)
	}
	if set, err = a.Data.Open(c.Context(), from.Source, opt); err != nil {
		return config, nil, nil, err
	}
	a.nameNotes(set)
	if t.base != nil && set.Digest != from.Digest && from.Digest != "" {
		a.warn("%s: %s is not what it was for that run, or other options of the data are given: the new run is of the data as they are", t.config, from.Source)
	}
	if config, err = t.newConfig(c, rec, cfg, set, from.Source, opt); err != nil {
		return config, nil, nil, err
	}
	if err := checkAdam(t.options, config.Optimizer); err != nil {
		return config, nil, nil, usage(c, err)
	}
	if m, err = config.Build(&a.Models); err != nil {
		return config, nil, nil, err
	}
	if err := t.method.initialise(&config, m); err != nil {
		return config, nil, nil, err
	}
	if err := train.Check(&config, m, set); err != nil {
		return config, nil, nil, err
	}
	_, err = trainingMemory(c.Context(), &config, m, set, t.threads)
	return config, m, set, err
}

// dataOptions returns the options of the data set that the flags name.
func (t *trainFlags) dataOptions(c *cobra.Command) (data.Options, error) {
	from := t.dataOf(c)
	if err := t.reading.apply(c, &from.Reading); err != nil {
		return data.Options{}, err
	}
	opt := from.Options()
	opt.DataDir, opt.NoCache, opt.Input = t.dataDir, t.noCache, c.InOrStdin()
	return opt, nil
}

// apply sets the fields of config whose flags the user gave. For a new run, recipe is the training of its recipe and
// flags with a default of their own are set too; for a resumed run recipe is nil.
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
	case given("steps"): // --steps 0: by epochs, which the user must give
		config.Steps = 0
	}
	switch {
	case given("log-steps"):
		config.LogSteps = t.logSteps
	case fresh && config.Steps == 0: // the interval of the recipe is for a run by steps
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
	t.method.apply(c, config)
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

// applyData sets the fields of the data whose flags the user gave.
func (t *trainFlags) applyData(c *cobra.Command, d *runlog.Data) {
	for name, set := range map[string]func(){
		"data":          func() { d.Source = t.data },
		"size":          func() { d.Size = t.size },
		"crop":          func() { d.Crop = t.crop },
		"gray":          func() { d.Gray = t.gray },
		"test-fraction": func() { d.TestFraction = t.testFraction },
		"validation":    func() { d.ValidationFraction = t.validation },
		"without":       func() { d.Without = t.without },
		"limit":         func() { d.Limit = t.limit },
		"skip-bad":      func() { d.SkipBad = t.skipBad },
		"label":         func() { d.Label = t.label },
	} {
		if c.Flags().Changed(name) {
			set()
		}
	}
}

// resumeRun continues a run. Flags must agree with the configuration of the run, except those that may change.
func (a *app) resumeRun(c *cobra.Command, t *trainFlags, args []string) error {
	recipe, dir, err := a.runToResume(c, t, args)
	if err != nil {
		return err
	}
	run, err := runlog.Open(dir, recipe)
	if err != nil {
		return err
	}
	if disk.IsMounted(dir) {
		return usagef(c, "--resume %s: it is a part of imago, and is not trained further: begin a run of your own with its weights, imago train --config %[1]s --init %[1]s", dir)
	}
	config := run.Config
	t.apply(c, &config, nil)
	if config.Model, err = a.changedModel(config, t.options); err != nil {
		return usage(c, err)
	}
	t.applyData(c, &config.Data)
	if t.method.init != "" {
		return usagef(c, "--init %q is for a new run: this one goes on from its checkpoint", t.method.init)
	}
	if err := t.reading.apply(c, &config.Data.Reading); err != nil {
		return usage(c, err)
	}
	if err := checkKept(c, &run.Config, &config); err != nil {
		return usage(c, err)
	}
	if c.Flags().Changed("name") && t.name != "" {
		return usagef(c, "--name %q: a resumed run keeps its name", t.name)
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
	in, err := config.Input(&a.Models)
	if err != nil {
		return err
	}
	opt := config.Data.Options()
	opt.Medium = in.Item.Medium // a table is read as it was
	opt.DataDir, opt.NoCache, opt.Progress = t.dataDir, t.noCache, a.err
	set, err := a.openMoved(c, run, &config, opt)
	if err != nil {
		return err
	}
	if _, err := trainingMemory(c.Context(), &config, m, set, t.threads); err != nil {
		return err
	}
	if err := run.Change(config); err != nil {
		return err
	}
	return a.runTraining(c, t, run, m, set)
}

// newFormats returns a remark for the end of an error that set is not what it was, if files of it are in formats that
// earlier versions of imago left out; else "".
func newFormats(set *data.Set) string {
	n := 0
	for _, p := range []data.Split{set.Train, set.Test} {
		for _, name := range p.Origins.Files {
			if p.Origins.Alone && !data.FirstFormats(name) {
				n++
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s are neither PNG nor JPEG, and earlier versions of imago left them out: a run of such a version wants them out of the folder", english.Plural(n, "file"))
}

// runToResume returns the folder of the run to resume, and the recipe that it must be of, "" for any. The run may
// follow --resume as an argument: the value of a flag that need not have one would have to follow an equals sign.
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

// printConfig does the work of --dry-run: it prints the configuration, and the objective to the error stream.
func (a *app) printConfig(config runlog.Config, m *model.Model) error {
	if err := a.printJSON(config); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.err, "objective:", m.Objective)
	return err
}

// runTraining trains a run and prints the result.
func (a *app) runTraining(c *cobra.Command, t *trainFlags, run *runlog.Run, m *model.Model, set *data.Set) error {
	be := a.backend(t.threads)
	defer be.Close()
	net := func(ctx context.Context, set *data.Set) (*feature.Net, error) {
		p := newProgress(a.err)
		defer p.end()
		return feature.Open(ctx, set, be, a.featureOptions(p, t.noCache))
	}
	share := 0.0
	if c.Flags().Changed("pictures-every") { // the user wants them that often
		share = -1
	}
	r, err := train.Loop(c.Context(), train.Job{Run: run, Model: m, Data: set, Backend: be, Observers: a.observers(share), Command: a.command, FeatureNet: net})
	if stopped := (*train.InterruptedError)(nil); errors.As(err, &stopped) {
		return fmt.Errorf("%s: continue with imago train %s --resume %s", stopped.Saved(), screen.ShellName(stopped.Recipe), screen.ShellName(stopped.Run))
	}
	if err != nil {
		return resumable(err, run)
	}
	if !t.bare {
		a.keepWith(c.Context(), run, be, set, keep.Progress{Items: r.Images, Steps: r.Steps})
	}
	a.printTrained(run, r)
	return nil
}

// featureOptions returns the options of a feature net that shows its training by p.
func (a *app) featureOptions(p *progress, noCache bool) feature.Options {
	return feature.Options{
		NoCache:  noCache,
		Progress: func(step, total int) { p.set("training the feature net", step, total, "step") },
		Warn:     func(text string) { a.warn("%s", text) },
	}
}

// printTrained prints the length of a training, its time and the file of its report.
func (a *app) printTrained(run *runlog.Run, r train.Result) {
	done := english.Plural(r.Epochs, "epoch")
	if r.Last.Partial {
		done += " and a part of the next"
	}
	fmt.Fprintf(a.out, "done       %s, %s in all; %.1f s\n", done, english.Plural(int(r.Steps), "step"), r.Seconds)
	if r.Report != "" {
		fmt.Fprintf(a.out, "report     %s\n", screen.Name(r.Report))
	}
}

// recipeNames returns the names of all recipes, with commas between.
func recipeNames(r *model.Registry) string {
	var names []string
	for _, rec := range r.Recipes() {
		names = append(names, rec.Name)
	}
	return strings.Join(names, ", ")
}
