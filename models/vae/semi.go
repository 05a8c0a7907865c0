package vae

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// adam is the rule of every lesson unless it says otherwise.
var adam = optim.DefaultAdam()

// Few are the options of every kind that learns classes from a few labels.
type Few struct {
	Labelled      int `json:"labelled" flag:"labelled" help:"training images whose labels are seen, as many of each class"` // ≥ 1
	LabelledBatch int `json:"labelled_batch" flag:"labelled-batch" help:"of these, how many a step takes"`                  // 1 to Labelled
	LabelledSeed  int `json:"labelled_seed" flag:"labelled-seed" help:"which images those are"`                             // ≥ 0
}

func (f Few) validate() (faults []error) {
	if f.Labelled < 1 {
		faults = append(faults, option.Errorf("vae: {Labelled} %d: want 1 or more, as 100", f.Labelled))
	}
	if f.LabelledBatch < 1 || f.LabelledBatch > max(1, f.Labelled) {
		faults = append(faults, option.Errorf("vae: {LabelledBatch} %d: want 1 to %d, the images of {Labelled}", f.LabelledBatch, f.Labelled))
	}
	if f.LabelledSeed < 0 {
		faults = append(faults, option.Errorf("vae: {LabelledSeed} %d: want 0 or more", f.LabelledSeed))
	}
	return faults
}

func (f Few) labelled() model.Supervision {
	return model.Supervision{Count: f.Labelled, Batch: f.LabelledBatch, Seed: uint64(f.LabelledSeed)}
}

// Weights are the options of the loss of M2.
type Weights struct {
	Alpha  float64 `json:"alpha" flag:"alpha" help:"weight of the classification of the labelled images, α/N in the paper"` // ≥ 0
	Weight float64 `json:"labelled_weight" flag:"labelled-weight" help:"weight of the bound of the labelled images"`        // ≥ 0
}

func (w Weights) validate() (faults []error) {
	for _, o := range []struct {
		field string
		value float64
	}{{"Alpha", w.Alpha}, {"Weight", w.Weight}} {
		if !(o.value >= 0) || math.IsInf(o.value, 0) {
			faults = append(faults, option.Errorf("vae: {"+o.field+"} %v: want a finite number of 0 or more", o.value))
		}
	}
	return faults
}

// ClassNets are the options of the networks of M2.
type ClassNets struct {
	ClassHidden []int `json:"class_hidden" flag:"class-hidden" help:"units of the hidden layers of the networks that know of classes"` // each ≥ 1
}

func (c ClassNets) validate() []error { return model.CheckLayers("vae", "ClassHidden", c.ClassHidden) }

// Scored are the options of what an image is scored by, of the kinds whose KL has none.
type Scored struct {
	Loss string `json:"loss" flag:"loss" help:"reconstruction loss, summed over pixels: bce (Bernoulli pixels), cb (continuous Bernoulli), mse (Gaussian pixels of σ² = ½), gaussian (with --sigma), sigma (one σ, learned), mae (Laplace pixels) or logistic (256 levels, scale learned)"`
	Pixels
}

func scored(loss string) Scored { return Scored{loss, Pixels{Sigma: defaultSigma}} }

func (o Scored) validate() []error {
	faults := o.Pixels.validate(o.Loss)
	if _, err := likelihoodOf(o.Loss, losses()); err != nil {
		faults = append(faults, err)
	}
	return faults
}

// Pretrained are the options of a first stage.
type Pretrained struct {
	Pretrain int `json:"pretrain" flag:"pretrain" help:"epochs of the first stage, which trains the autoencoder alone"` // ≥ 1
}

func (p Pretrained) validate() []error {
	if p.Pretrain < 1 {
		return []error{option.Errorf("vae: {Pretrain} %d: want 1 epoch or more", p.Pretrain)}
	}
	return nil
}

// classesOf returns K of the data, which such a model cannot do without.
func classesOf(kind string, in model.Input) error {
	if in.Labels < 2 {
		return fmt.Errorf("vae: %s learns classes from a few labels: want images with labels of 2 classes or more; these have %d", kind, in.Labels)
	}
	return nil
}

// M1Config configures kind m1.
type M1Config struct {
	Variational
	MLP
	Few
	Pretrained
	ClassNets
}

// Validate reports every fault of the options.
func (c *M1Config) Validate() error {
	return joined(c.Variational.validate(), c.MLP.validate(), c.Few.validate(), c.Pretrained.validate(), c.ClassNets.validate())
}

// design returns M1, whose classifier is that of an M2 with styles of that many units.
func (c *M1Config) design(in model.Input, style int) (latentFeatures, error) {
	e, err := c.elbo(c.MLP, in)
	return latentFeatures{elbo: e, net: m2{classes: in.Labels, latent: style, hidden: c.ClassHidden, emission: codes{c.Latent}}}, err
}

// New builds the model.
func (c *M1Config) New(in model.Input) (*model.Model, error) {
	if err := errors.Join(c.Validate(), classesOf("m1", in)); err != nil {
		return nil, err
	}
	d, err := c.design(in, 1)
	if err != nil {
		return nil, err
	}
	return buildStaged("m1", d, in, c.Latent, c.labelled(), d.lessons(c.Pretrain)...)
}

// M2Config configures kind m2.
type M2Config struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
	Few
	Weights
	ClassNets
}

// Validate reports every fault of the options.
func (c *M2Config) Validate() error {
	return joined(model.CheckUnits("vae", "Latent", c.Latent), c.Few.validate(), c.Weights.validate(), c.ClassNets.validate())
}

// New builds the model.
func (c *M2Config) New(in model.Input) (*model.Model, error) {
	if err := errors.Join(c.Validate(), classesOf("m2", in), someImage(in.Image)); err != nil {
		return nil, err
	}
	bce, _ := likelihoodOf("bce", losses())
	d := generative{
		m2:         m2{classes: in.Labels, latent: c.Latent, hidden: c.ClassHidden, emission: pixels{}},
		semiLoss:   semiLoss{weight: c.Weight, alpha: c.Alpha},
		likelihood: bce,
		img:        in.Image,
	}
	return buildStaged("m2", d, in, c.Latent, c.labelled(), d.lessons()...)
}

// M1M2Config configures kind m1m2.
type M1M2Config struct {
	M1Config
	Weights
	Style int `json:"style" flag:"style" help:"number of latent units of the upper layer, beside the class"` // ≥ 1
}

// Validate reports every fault of the options.
func (c *M1M2Config) Validate() error {
	return errors.Join(c.M1Config.Validate(), joined(c.Weights.validate(), model.CheckUnits("vae", "Style", c.Style)))
}

// New builds the model.
func (c *M1M2Config) New(in model.Input) (*model.Model, error) {
	if err := errors.Join(c.Validate(), classesOf("m1m2", in)); err != nil {
		return nil, err
	}
	m1, err := c.design(in, c.Style)
	if err != nil {
		return nil, err
	}
	d := stacked{m1, semiLoss{weight: c.Weight, alpha: c.Alpha}}
	return buildStaged("m1m2", d, in, c.Latent, c.labelled(), d.lessons(c.Pretrain)...)
}

// M1 returns kind m1 and its recipe: Kingma et al., arXiv:1406.5298, with a classifier of
// one hidden layer on the codes.
func M1() (model.Kind, model.Recipe) {
	return semi("m1", "VAE and a classifier of its codes that sees a few labels", 25, func() model.Config {
		return &M1Config{variational(50, "bce"), MLP{[]int{600, 600}, "relu"}, Few{100, 100, 1}, Pretrained{20}, ClassNets{[]int{300}}}
	})
}

// M2 returns kind m2 and its recipe: the same, a class and a style that make images.
func M2() (model.Kind, model.Recipe) {
	return semi("m2", "conditional VAE that learns the classes from a few labels", 50, func() model.Config {
		return &M2Config{50, Few{100, 100, 1}, Weights{0.1, 0.1}, ClassNets{[]int{500}}}
	})
}

// M1M2 returns kind m1m2 and its recipe: the same, M2 of the codes of M1. The paper
// trains it for 3,000 epochs.
func M1M2() (model.Kind, model.Recipe) {
	k, r := semi("m1m2", "VAE of two layers that learns the classes from a few labels", 140, func() model.Config {
		return &M1M2Config{
			M1Config{variational(50, "bce"), MLP{[]int{600, 600}, "relu"}, Few{100, 100, 1}, Pretrained{40}, ClassNets{[]int{300}}},
			// The published 50 units of style leave little for the class to say.
			Weights{0.1, 0.1}, 10,
		}
	})
	r.Train.Schedule = "cosine"
	return k, r
}

func semi(name, about string, epochs int, c func() model.Config) (model.Kind, model.Recipe) {
	return model.Kind{Name: name, About: about, Default: c},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: epochs, Batch: 200, LearningRate: 1e-3}}
}
