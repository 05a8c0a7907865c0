package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A modelSource is the flags that name a trained model: a run, or a file of weights.
type modelSource struct {
	weights    string
	checkpoint string
	strict     bool
	recipe     string
	shape      string
	labels     int
	threads    int
	options    *modelFlags
}

// bestCheckpoint is the value of --checkpoint that means the best one.
const bestCheckpoint = "best"

// addFlags declares the flags.
func (s *modelSource) addFlags(a *app, c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&s.weights, "weights", "w", "", "`file` of weights to use in place of a run, which is a path, a name in runs/, latest or zoo:NAME (see imago zoo)")
	f.StringVar(&s.checkpoint, "checkpoint", bestCheckpoint, "checkpoint of the run: best, latest, or its `folder`")
	f.BoolVar(&s.strict, "strict", false, "fail, rather than warn, where a damaged checkpoint means that another one is taken")
	f.StringVar(&s.recipe, "recipe", "", "`recipe` of a file of weights that does not name its own")
	shapeFlag(c, &s.shape, "with --recipe: ")
	f.IntVar(&s.labels, "labels", defaultLabels, "with --recipe of a conditional model: `number` of classes or attributes of an image")
	threadsFlag(c, &s.threads)
	s.options = a.addModelFlags(c)
	for _, g := range s.options.options {
		flag := f.Lookup(g.name)
		flag.Usage = "with --recipe: " + flag.Usage
	}
}

// A trainedModel is a trained model on a device.
type trainedModel struct {
	*latent.Session
	name   string         // as the user gave it
	recipe string         // "cnn-vae"
	title  string         // of pictures
	config *runlog.Config // nil if only the weights are known, or the data they were trained on are not
	opened *train.Trained // as package train opened it; nil of weights with --recipe
	path   string         // of the checkpoint
	run    string         // folder of the run that the checkpoint belongs to; "" if there is none
	step   int64          // optimiser updates of its training; 0 if unknown
	isRun  bool           // name is the folder of a run
	other  bool           // it is not what was asked for, which could not be read, or its run was changed: a warning has said so
	be     backend.Backend
}

// takesFiles reports whether files are saved with the model: it is a run, and not one that imago brings along.
func (m *trainedModel) takesFiles() bool { return m.isRun && !disk.IsMounted(m.name) }

// noFiles returns why no files are saved with the model.
func (m *trainedModel) noFiles() string {
	if m.isRun {
		return m.name + " is a part of imago"
	}
	return m.name + " is not the folder of a run"
}

// Close ends the device's threads.
func (m *trainedModel) Close() { m.be.Close() }

// open returns the trained model that the argument or the flags name. The caller closes it.
func (a *app) open(c *cobra.Command, args []string, s *modelSource) (*trainedModel, error) {
	name := s.weights
	switch {
	case len(args) > 0 && s.weights != "":
		return nil, usagef(c, "both %q and --weights %q: want one of them", args[0], s.weights)
	case len(args) > 0:
		name = args[0]
	case s.weights == "":
		return nil, usagef(c, "%s wants a run (a path, a name in %s, %s or zoo:NAME) or --weights FILE", c.Name(), runsDir, latestName)
	}
	if err := errors.Join(atLeast("threads", s.threads, 0), atLeast("labels", s.labels, 0)); err != nil {
		return nil, usage(c, err)
	}
	path, err := resolveRun(name)
	if err != nil {
		return nil, err
	}
	m := &trainedModel{name: path, be: a.backend(s.threads)}
	if s.recipe != "" {
		err = a.openAs(c, m, path, s)
	} else {
		err = a.openOwn(c, m, path, s)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// openOwn opens a run, a checkpoint or a file of weights that names its recipe.
func (a *app) openOwn(c *cobra.Command, m *trainedModel, path string, s *modelSource) error {
	for _, name := range []string{"shape", "labels"} {
		if f := c.Flags().Lookup(name); f != nil && f.Changed {
			return usagef(c, "--%s %s is for a weights file with --recipe: a run has its own", name, f.Value)
		}
	}
	if err := s.options.refuse("is for a weights file with --recipe: a run has its own"); err != nil {
		return usage(c, err)
	}
	t, err := a.load(path, s.checkpoint, m.be)
	if err != nil {
		return err
	}
	for _, why := range t.Warnings {
		if s.strict {
			return fmt.Errorf("%w; leave --strict out to take step %s, which can be read, or name a checkpoint by --checkpoint", why, thousands(t.Step))
		}
		a.warn("%s", a.errorText(fmt.Errorf("%w; step %s is taken", why, thousands(t.Step))))
	}
	m.opened = t
	m.Session, m.config, m.recipe, m.path, m.run, m.step = t.Session, &t.Config, t.Config.Recipe, t.Path, t.Run, t.Step
	m.isRun, m.other = filepath.Clean(t.Run) == filepath.Clean(path), len(t.Warnings) > 0
	if t.Config.Data.Unknown() {
		m.config, m.title = nil, m.recipe
	} else {
		m.title = fmt.Sprintf("%s on %s", m.recipe, filepath.Base(t.Config.Data.Name))
	}
	a.used = append(a.used, fmt.Sprintf("%s at step %s, of %s", m.recipe, thousands(m.step), m.path))
	return nil
}

// load reads the checkpoint that the flag --checkpoint names in the run at path, or what path is if it is no run.
func (a *app) load(path, which string, be backend.Backend) (*train.Trained, error) {
	run, notRun := runlog.Open(path, "")
	if notRun != nil {
		if _, err := disk.Stat(filepath.Join(path, runlog.ConfigFile)); err == nil {
			return nil, notRun
		}
		// the folder of a checkpoint or a file of weights, which its reader checks
		return train.OpenModel(path, &a.Models, be)
	}
	in := run.Checkpoints()
	names, err := ckpt.List(in)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no checkpoint yet: continue it with imago train --resume %s", path, screen.ShellName(path))
	}
	switch which {
	case bestCheckpoint:
		return train.OpenBest(run, &a.Models, be)
	case "latest":
		return train.OpenLatest(run, &a.Models, be)
	}
	if slices.Contains(names, which) {
		return train.OpenCheckpoint(run, which, &a.Models, be)
	}
	if _, err := disk.Stat(which); err == nil {
		return train.OpenModel(which, &a.Models, be)
	}
	return nil, fmt.Errorf("--checkpoint %q: no checkpoint of that name in %s; have best, latest, %s", which, in, strings.Join(names, ", "))
}

// openAs opens a file of weights as those of the recipe that the flags name.
func (a *app) openAs(c *cobra.Command, m *trainedModel, path string, s *modelSource) error {
	rec, cfg, err := a.configure(s.recipe, s.options)
	if err != nil {
		return usage(c, err)
	}
	img := imageOf(rec)
	if s.shape != "" {
		if img, err = parseShape(s.shape); err != nil {
			return usage(c, err)
		}
	}
	if _, err := runlog.Open(path, ""); err == nil {
		return usagef(c, "%s is a run, which has its own recipe: leave --recipe out", path)
	}
	in := model.Input{Item: img, Labels: s.labels}
	built, err := a.buildFor(cfg, img, s.labels)
	if err != nil {
		return err
	}
	w, err := ckpt.LoadWeights(ckpt.Dir(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		return err
	}
	if own := w.State.Recipe; own != "" && own != rec.Name {
		return fmt.Errorf("%s holds weights of recipe %s, not of %s: leave --recipe out", path, own, rec.Name)
	}
	if m.Session, err = latent.Load(built, in, m.be, w.Weights); err != nil {
		return fmt.Errorf("%s: as %s for images of %v: %w", path, rec.Name, img, err)
	}
	m.recipe, m.title, m.path = rec.Name, rec.Name, path
	return nil
}

// configure returns a recipe and its configuration with the options that the user gave.
func (a *app) configure(recipe string, options *modelFlags) (model.Recipe, model.Config, error) {
	rec, err := a.Models.Recipe(recipe)
	if err != nil {
		return rec, nil, err
	}
	cfg, err := a.Models.Config(rec)
	if err != nil {
		return rec, nil, err
	}
	return rec, cfg, options.apply(rec.Name, cfg)
}

// modelToSummarise returns the model that name means, a recipe, with shape and options, or a run, and the images of a
// step of its training.
func (a *app) modelToSummarise(c *cobra.Command, name, shape string, options *modelFlags) (m *model.Model, batch int, err error) {
	rec, cfg, err := a.configure(name, options)
	if err == nil {
		img := imageOf(rec)
		if shape != "" {
			if img, err = parseShape(shape); err != nil {
				return nil, 0, usage(c, err)
			}
		}
		m, err := a.buildFor(cfg, img, defaultLabels)
		if err != nil {
			return nil, 0, usage(c, fmt.Errorf("%s: %w", rec.Name, err))
		}
		return m, rec.Train.Batch, nil
	}
	if rec.Name != "" { // the recipe exists, so its options are wrong
		return nil, 0, usage(c, err)
	}
	path, notFound := resolveRun(name)
	if notFound != nil {
		return nil, 0, usage(c, errors.Join(err, notFound))
	}
	if err := options.refuse("is for a recipe: a run has its own"); err != nil {
		return nil, 0, usage(c, err)
	}
	if shape != "" {
		return nil, 0, usagef(c, "--shape %s is for a recipe: a run has its own", shape)
	}
	run, err := runlog.Open(path, "")
	if err == nil {
		m, err := run.Config.Build(&a.Models)
		return m, run.Config.Batch, err
	}
	be := newBackend(1)
	defer be.Close()
	t, err := train.OpenModel(path, &a.Models, be)
	if err != nil {
		return nil, 0, err
	}
	return t.Model(), t.Config.Batch, nil
}
