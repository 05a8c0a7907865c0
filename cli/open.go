package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A modelSource is the flags that say which trained model a command works with.
type modelSource struct {
	weights    string
	checkpoint string
	recipe     string
	shape      string
	labels     int
	threads    int
	options    *modelFlags
}

func (s *modelSource) addFlags(a *app, c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&s.weights, "weights", "w", "", "weights `file` to use in place of a run")
	f.StringVar(&s.checkpoint, "checkpoint", "best", "checkpoint of the run: best, latest, or its `folder`")
	f.StringVar(&s.recipe, "recipe", "", "`recipe` of a weights file that does not name its own")
	f.StringVar(&s.shape, "shape", "28x28x1", "with --recipe: rows, columns and channels of the images")
	f.IntVar(&s.labels, "labels", defaultLabels, "with --recipe: `number` of classes or attributes of an image, of a conditional model")
	threadsFlag(c, &s.threads)
	s.options = a.addModelFlags(c)
	for _, g := range s.options.options {
		flag := f.Lookup(g.name)
		flag.Usage = "with --recipe: " + flag.Usage
	}
}

// An trainedModel is a trained model, ready for use.
type trainedModel struct {
	*latent.Session
	name   string         // what the user called it
	recipe string         // "cnn-vae"
	title  string         // selectSplit a picture
	config *runlog.Config // nil if only the weights are known
	path   string         // selectSplit the checkpoint
	step   int64          // optimiser updates it had done; 0 if that is not known
	be     backend.Backend
}

// Close ends the device's threads.
func (m *trainedModel) Close() { m.be.Close() }

// open reads the trained model that the argument or the flags name.
func (a *app) open(c *cobra.Command, args []string, s *modelSource) (*trainedModel, error) {
	name := s.weights
	switch {
	case len(args) > 0 && s.weights != "":
		return nil, usagef(c, "both %q and --weights %q: want one of them", args[0], s.weights)
	case len(args) > 0:
		name = args[0]
	case s.weights == "":
		return nil, usagef(c, "%s wants a run (a path, a name in %s, or %s) or --weights FILE", c.Name(), runsDir, latestName)
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

// openOwn opens what says itself which model it is of.
func (a *app) openOwn(c *cobra.Command, m *trainedModel, path string, s *modelSource) error {
	for _, g := range s.options.options {
		if g.set {
			return usagef(c, "--%s is for a weights file with --recipe: a run has its own", g.name)
		}
	}
	path, err := checkpointOf(path, s.checkpoint)
	if err != nil {
		return err
	}
	t, err := train.OpenModel(path, &a.Models, m.be)
	if err != nil {
		return err
	}
	m.Session, m.config, m.recipe, m.path, m.step = t.Session, &t.Config, t.Config.Recipe, t.Path, t.Step
	m.title = fmt.Sprintf("%s on %s, step %s", m.recipe, filepath.Base(t.Config.Data.Name), thousands(t.Step))
	return nil
}

// checkpointOf returns the checkpoint of a run that --checkpoint means; a path that is no run stands for itself.
func checkpointOf(path, which string) (string, error) {
	if _, err := runlog.Open(path, ""); err != nil {
		return path, nil // a checkpoint's folder or a weights file: what is wrong with it, its reader says
	}
	checkpoints := filepath.Join(path, runlog.CheckpointsDir)
	dirs, err := ckpt.List(checkpoints)
	if err != nil {
		return "", err
	}
	if len(dirs) == 0 {
		return "", fmt.Errorf("%s has no checkpoint yet: go on with it by imago train --resume %[1]s", path)
	}
	switch which {
	case "best":
		return ckpt.Best(checkpoints)
	case "latest":
		f, err := ckpt.Latest(checkpoints)
		if err != nil {
			return "", err
		}
		return f.Dir, nil
	}
	for _, dir := range []string{which, filepath.Join(checkpoints, which)} {
		if _, err := os.Stat(dir); err == nil {
			return dir, nil
		}
	}
	var have []string
	for _, dir := range dirs {
		have = append(have, filepath.Base(dir))
	}
	return "", fmt.Errorf("--checkpoint %q: there is none of that name in %s; have best, latest, %s", which, checkpoints, strings.Join(have, ", "))
}

// openAs opens weights as those of the recipe that the flags name.
func (a *app) openAs(c *cobra.Command, m *trainedModel, path string, s *modelSource) error {
	rec, cfg, err := a.configure(s.recipe, s.options)
	if err != nil {
		return usage(c, err)
	}
	img, err := parseShape(s.shape)
	if err != nil {
		return usage(c, err)
	}
	if _, err := runlog.Open(path, ""); err == nil {
		return usagef(c, "%s is a run, which has its own recipe: leave --recipe out", path)
	}
	in := model.Input{Image: img, Labels: s.labels}
	built, err := cfg.New(in)
	if err != nil {
		return err
	}
	w, err := ckpt.LoadWeights(path)
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

// configure returns a recipe and its configuration with the options given.
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

// setFlags say which images a command works on.
type setFlags struct {
	data, dir, split string
	noCache          bool
	crop             int
	ignoreWithout    bool // with what the run was trained without
	label            string
}

func (s *setFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.data, "data", "", "`set` of images, by name or path (default that of the run)")
	dataDirFlag(c, &s.dir)
	noCacheFlag(c, &s.noCache)
	f.StringVar(&s.label, "label", "", "with --data: `column` of a table that is the class of its row, a name or a number from 1; - for none")
	f.IntVar(&s.crop, "crop", 0, "with --data: before resizing, cut the square of so many `pixels` a side out of the middle; 0 is the largest (celeba: 148)")
	f.StringVar(&s.split, "split", "test", "part of the set: test or train")
}

func (s *setFlags) check() error {
	if s.data == "" && s.label != "" {
		return fmt.Errorf("--label %s is for a table given with --data: the run has its own", s.label)
	}
	if s.data == "" && s.crop != 0 {
		return fmt.Errorf("--crop %d is for a set given with --data: the run has its own", s.crop)
	}
	return oneOf("split", s.split, "test", "train")
}

// openImages opens the trained model and the part of a set that the flags name. The caller closes the model.
func (a *app) openImages(c *cobra.Command, args []string, from *modelSource, set *setFlags) (*trainedModel, *data.Set, data.Split, error) {
	if err := set.check(); err != nil {
		return nil, nil, data.Split{}, usage(c, err)
	}
	m, err := a.open(c, args, from)
	if err != nil {
		return nil, nil, data.Split{}, err
	}
	s, split, err := a.openSplit(c, m, set)
	if err != nil {
		m.Close()
	}
	return m, s, split, err
}

// openSplit opens the part of a set that the flags name, in the shape that the model takes.
func (a *app) openSplit(c *cobra.Command, m *trainedModel, s *setFlags) (*data.Set, data.Split, error) {
	var opt data.Options
	name, img := s.data, m.Image()
	switch {
	case name != "": // a set the model was not made for is made to fit, as far as a square does
		if img.H == img.W {
			opt.Size = img.H
		}
		opt.Crop, opt.Gray, opt.Label = s.crop, img.C == 1, s.label
		if m.config != nil {
			opt.Columns = m.config.Data.Columns
		}
	case m.config != nil:
		name, opt = m.config.Data.Source, m.config.Data.Options()
	default:
		return nil, data.Split{}, usagef(c, "the weights do not say which images they are of: name a set with --data")
	}
	if s.ignoreWithout {
		opt.Without = nil
	}
	opt.DataDir, opt.NoCache, opt.Progress = s.dir, s.noCache, a.err
	set, err := a.Data.Open(c.Context(), name, opt)
	if err != nil {
		return nil, data.Split{}, err
	}
	if s.data == "" && !s.ignoreWithout && set.Digest != m.config.Data.Digest {
		a.warn("%s is not what it was when %s was trained", name, m.name)
	}
	if h, w, ch := set.Shape(); (model.Image{H: h, W: w, C: ch}) != img {
		return nil, data.Split{}, fmt.Errorf("%s: the images of %s are %dx%dx%d, those of the model %v: choose another set with --data", c.Name(), name, h, w, ch, img)
	}
	split := s.selectSplit(set)
	if split.Len() == 0 {
		return nil, data.Split{}, fmt.Errorf("%s: %s has no %s images: choose the other part with --split", c.Name(), name, s.split)
	}
	return set, split, nil
}

// selectSplit returns the part of a set that is meant.
func (s *setFlags) selectSplit(set *data.Set) data.Split {
	if s.split == "train" {
		return set.Train
	}
	return set.Test
}

// titleOf returns the title of a picture of the images of a set, which it names if it is not the model's own.
func (m *trainedModel) titleOf(set *data.Set, s *setFlags) string {
	if s.data == "" {
		return m.title
	}
	return m.title + ", shown " + filepath.Base(set.Name)
}

// modelToSummarise returns the model whose layers are to be printed: of a recipe with its options, or of a run.
func (a *app) modelToSummarise(c *cobra.Command, name, shape string, options *modelFlags) (*model.Model, error) {
	rec, cfg, err := a.configure(name, options)
	if err == nil {
		img, err := parseShape(shape)
		if err != nil {
			return nil, usage(c, err)
		}
		m, err := cfg.New(model.Input{Image: img, Labels: defaultLabels})
		if err != nil {
			return nil, usage(c, fmt.Errorf("%s: %w", rec.Name, err))
		}
		return m, nil
	}
	if rec.Name != "" { // the recipe is known, its options are wrong
		return nil, usage(c, err)
	}
	path, notFound := resolveRun(name)
	if notFound != nil {
		return nil, usage(c, errors.Join(err, notFound))
	}
	for _, g := range options.options {
		if g.set {
			return nil, usagef(c, "--%s is for a recipe: a run has its own", g.name)
		}
	}
	run, err := runlog.Open(path, "")
	if err == nil {
		return run.Config.Build(&a.Models)
	}
	be := newBackend(1)
	defer be.Close()
	t, err := train.OpenModel(path, &a.Models, be)
	if err != nil {
		return nil, err
	}
	return t.Model(), nil
}
