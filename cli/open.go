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
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A modelSource is the flags that name a trained model: a run, or a file of weights.
type modelSource struct {
	weights    string
	checkpoint string
	recipe     string
	shape      string
	labels     int
	threads    int
	options    *modelFlags
}

// addFlags declares the flags.
func (s *modelSource) addFlags(a *app, c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&s.weights, "weights", "w", "", "`file` of weights to use in place of a run")
	f.StringVar(&s.checkpoint, "checkpoint", "best", "checkpoint of the run: best, latest, or its `folder`")
	f.StringVar(&s.recipe, "recipe", "", "`recipe` of a file of weights that does not name its own")
	shapeFlag(c, &s.shape, usualShape, "with --recipe: ")
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
	config *runlog.Config // nil if only the weights are known
	path   string         // of the checkpoint
	step   int64          // optimiser updates of its training; 0 if unknown
	be     backend.Backend
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

// openOwn opens a run, a checkpoint or a file of weights that names its recipe.
func (a *app) openOwn(c *cobra.Command, m *trainedModel, path string, s *modelSource) error {
	if err := s.options.refuse("is for a weights file with --recipe: a run has its own"); err != nil {
		return usage(c, err)
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

// checkpointOf returns the checkpoint that the flag --checkpoint names in the run at path, and path itself if it is
// no run.
func checkpointOf(path, which string) (string, error) {
	if _, err := runlog.Open(path, ""); err != nil {
		return path, nil // the folder of a checkpoint or a file of weights, which its reader checks
	}
	checkpoints := filepath.Join(path, runlog.CheckpointsDir)
	dirs, err := ckpt.List(checkpoints)
	if err != nil {
		return "", err
	}
	if len(dirs) == 0 {
		return "", fmt.Errorf("%s has no checkpoint yet: continue it with imago train --resume %[1]s", path)
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
	return "", fmt.Errorf("--checkpoint %q: no checkpoint of that name in %s; have best, latest, %s", which, checkpoints, strings.Join(have, ", "))
}

// openAs opens a file of weights as those of the recipe that the flags name.
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
	in := model.Input{Item: img, Labels: s.labels}
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

// setFlags are the flags that name a data set and a part of it.
type setFlags struct {
	data, dir, split string
	noCache          bool
	crop             int
	ignoreWithout    bool // also the classes that the run was trained without
	label            string
}

// addFlags declares all of the flags.
func (s *setFlags) addFlags(c *cobra.Command) {
	s.addTestFlags(c, "the run")
	labelColumnFlag(c, &s.label, "with --data: ", "; - for none")
	cropFlag(c, &s.crop, "with --data: ")
	c.Flags().StringVar(&s.split, "split", "test", "part of the set: test or train")
}

// addTestFlags declares the flags of a command that uses test images; owner names the run that gives the default set.
func (s *setFlags) addTestFlags(c *cobra.Command, owner string) {
	c.Flags().StringVar(&s.data, "data", "", "data `set`, by name or path (default that of "+owner+")")
	dataDirFlag(c, &s.dir)
	noCacheFlag(c, &s.noCache)
	s.split = "test"
}

// labelColumnFlag declares --label; before and after surround the text.
func labelColumnFlag(c *cobra.Command, label *string, before, after string) {
	c.Flags().StringVar(label, "label", "", before+"`column` of a table that holds the class of each row, a name or a number from 1"+after)
}

// cropFlag declares --crop; note precedes the text.
func cropFlag(c *cobra.Command, crop *int, note string) {
	c.Flags().IntVar(crop, "crop", 0, note+"before resizing, cut a square of so many `pixels` a side out of the middle; 0 means the largest (celeba: 148)")
}

// check returns the first error in the flags.
func (s *setFlags) check() error {
	if s.data == "" && s.label != "" {
		return fmt.Errorf("--label %s is for a table given with --data: the run has its own", s.label)
	}
	if s.data == "" && s.crop != 0 {
		return fmt.Errorf("--crop %d is for a set given with --data: the run has its own", s.crop)
	}
	return oneOf("split", s.split, "test", "train")
}

// openImages returns the trained model and the images of a set that the flags name. The caller closes the model.
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

// openSplit returns the data set that the flags name, and the part of it, in the shape that the model takes.
func (a *app) openSplit(c *cobra.Command, m *trainedModel, s *setFlags) (*data.Set, data.Split, error) {
	var opt data.Options
	name, item := s.data, m.Item()
	switch {
	case name != "": // resize the images of another set to those of the model, if these are square
		if h, w, c, err := medium.HWC(item); err == nil {
			if h == w {
				opt.Size = h
			}
			opt.Gray = c == 1
		}
		opt.Crop, opt.Label = s.crop, s.label
	case m.config != nil:
		name, opt = m.config.Data.Source, m.config.Data.Options()
	default:
		return nil, data.Split{}, usagef(c, "the file of weights does not name its data set: name one with --data")
	}
	if s.ignoreWithout {
		opt.Without = nil
	}
	if m.config != nil { // of weights alone, the units of a table's columns are not known
		opt.Medium = item.Medium
	}
	opt.DataDir, opt.NoCache, opt.Progress = s.dir, s.noCache, a.err
	set, err := a.Data.Open(c.Context(), name, opt)
	if err != nil {
		return nil, data.Split{}, err
	}
	if s.data == "" && !s.ignoreWithout && set.Digest != m.config.Data.Digest {
		a.warn("%s is not what it was when %s was trained", name, m.name)
	}
	if found := set.Item(); !found.Equal(item) {
		return nil, data.Split{}, fmt.Errorf("%s: the items of %s have shape %v, those of the model %v: choose another set with --data", c.Name(), name, found, item)
	}
	split := s.selectSplit(set)
	if split.Len() == 0 {
		return nil, data.Split{}, fmt.Errorf("%s: %s has no %s images: choose the other part with --split", c.Name(), name, s.split)
	}
	return set, split, nil
}

// openTraining returns the data set that the flags name, and n of its training images, evenly spaced; 0 means all.
func (a *app) openTraining(c *cobra.Command, m *trainedModel, s *setFlags, n int) (*data.Set, data.Split, error) {
	s.split = "train"
	set, split, err := a.openSplit(c, m, s)
	if err != nil {
		return nil, data.Split{}, err
	}
	split, err = evenlySpaced(split, n)
	return set, split, err
}

// selectSplit returns the part of set that --split names.
func (s *setFlags) selectSplit(set *data.Set) data.Split {
	if s.split == "train" {
		return set.Train
	}
	return set.Test
}

// titleOf returns the title of a picture of images of set. It names the set if the user gave one.
func (m *trainedModel) titleOf(set *data.Set, s *setFlags) string {
	if s.data == "" {
		return m.title
	}
	return m.title + ", shown " + filepath.Base(set.Name)
}

// modelToSummarise returns the model that name means: a recipe, with shape and options, or a run.
func (a *app) modelToSummarise(c *cobra.Command, name, shape string, options *modelFlags) (*model.Model, error) {
	rec, cfg, err := a.configure(name, options)
	if err == nil {
		img, err := parseShape(shape)
		if err != nil {
			return nil, usage(c, err)
		}
		m, err := cfg.New(model.Input{Item: img, Labels: defaultLabels})
		if err != nil {
			return nil, usage(c, fmt.Errorf("%s: %w", rec.Name, err))
		}
		return m, nil
	}
	if rec.Name != "" { // the recipe exists, so its options are wrong
		return nil, usage(c, err)
	}
	path, notFound := resolveRun(name)
	if notFound != nil {
		return nil, usage(c, errors.Join(err, notFound))
	}
	if err := options.refuse("is for a recipe: a run has its own"); err != nil {
		return nil, usage(c, err)
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
