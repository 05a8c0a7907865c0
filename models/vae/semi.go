package vae

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
)

// SemiSupervision are the options of every kind that learns classes from a few labels.
type SemiSupervision struct {
	Labelled      int `json:"labelled" flag:"labelled" help:"training images whose labels are used, as many of each class"` // ≥ 1
	LabelledBatch int `json:"labelled_batch" flag:"labelled-batch" help:"number of labelled images in a step"`              // 1 to Labelled
	LabelledSeed  int `json:"labelled_seed" flag:"labelled-seed" help:"seed that chooses the labelled images"`              // ≥ 0
}

func (f SemiSupervision) validate() (faults []error) {
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

// supervision returns the labels that a model uses.
func (f SemiSupervision) supervision() *model.Supervision {
	return &model.Supervision{Count: f.Labelled, Batch: f.LabelledBatch, Seed: uint64(f.LabelledSeed)}
}

// M2Weights are the options of the loss of M2.
type M2Weights struct {
	Alpha  float64 `json:"alpha" flag:"alpha" help:"weight of the classification of the labelled images, α/N in the paper"` // ≥ 0
	Weight float64 `json:"labelled_weight" flag:"labelled-weight" help:"weight of the bound of the labelled images"`        // ≥ 0
}

func (w M2Weights) validate() (faults []error) {
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

// M2Networks are the options of the networks of M2.
type M2Networks struct {
	ClassHidden []int `json:"class_hidden" flag:"class-hidden" help:"units of the hidden layers of the networks with classes"` // each ≥ 1
}

func (c M2Networks) validate() []error { return model.CheckLayers("vae", "ClassHidden", c.ClassHidden) }

// Pretraining are the options of a first phase.
type Pretraining struct {
	Pretrain int `json:"pretrain" flag:"pretrain" help:"epochs of the first phase, which trains the autoencoder alone"` // ≥ 1
}

func (p Pretraining) validate() []error {
	if p.Pretrain < 1 {
		return []error{option.Errorf("vae: {Pretrain} %d: want 1 epoch or more", p.Pretrain)}
	}
	return nil
}

// checkClasses returns an error for data without classes.
func checkClasses(kind string, in model.Input) error {
	if in.Labels < 2 {
		return fmt.Errorf("vae: %s learns classes from a few labels: want images with labels of 2 classes or more; these have %d", kind, in.Labels)
	}
	return nil
}

// M1Config configures kind m1.
type M1Config struct {
	VAEOptions
	MLP
	SemiSupervision
	Pretraining
	M2Networks
	Overrides
}

// Validate reports every fault of the options.
func (c *M1Config) Validate() error {
	return joined(c.VAEOptions.validate(), c.MLP.validate(), c.SemiSupervision.validate(), c.Pretraining.validate(), c.M2Networks.validate())
}

// m1 returns M1, whose classifier is that of an M2 with styles of that many units.
func (c *M1Config) m1(in model.Input, style int) (m1, error) {
	e, err := c.elbo(c.MLP, in)
	return m1{elbo: e, net: m2{classes: in.Labels, latent: style, hidden: c.ClassHidden, emission: codeEmission{c.Latent}}}, err
}

// New builds the model.
func (c *M1Config) New(in model.Input) (*model.Model, error) {
	if err := errors.Join(c.Validate(), checkClasses("m1", in)); err != nil {
		return nil, err
	}
	d, err := c.m1(in, 1)
	if err != nil {
		return nil, err
	}
	return c.VAEOptions.diagnosis(c.MLP.size()).modelOf(d.objective(c.SemiSupervision, c.Pretrain).build(in, c.Overrides))
}

// M2Config configures kind m2.
type M2Config struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
	SemiSupervision
	M2Weights
	M2Networks
	Overrides
}

// Validate reports every fault of the options.
func (c *M2Config) Validate() error {
	return joined(model.CheckUnits("vae", "Latent", c.Latent), c.SemiSupervision.validate(), c.M2Weights.validate(), c.M2Networks.validate())
}

// New builds the model.
func (c *M2Config) New(in model.Input) (*model.Model, error) {
	if err := errors.Join(c.Validate(), checkClasses("m2", in), checkImage(in.Item)); err != nil {
		return nil, err
	}
	d := m2Image{
		m2:         m2{classes: in.Labels, latent: c.Latent, hidden: c.ClassHidden, emission: pixelEmission{}},
		m2Loss:     m2Loss{weight: c.Weight, alpha: c.Alpha},
		likelihood: likelihood.Bernoulli(),
		img:        in.Item,
	}
	rules := diagnosis{beta: 1, latentOption: field("Latent", c.Latent)}
	return rules.modelOf(d.objective(c.SemiSupervision).build(in, c.Overrides))
}

// M1M2Config configures kind m1m2.
type M1M2Config struct {
	M1Config
	M2Weights
	Style int `json:"style" flag:"style" help:"number of latent units of the upper layer, beside the class"` // ≥ 1
}

// Validate reports every fault of the options.
func (c *M1M2Config) Validate() error {
	return errors.Join(c.M1Config.Validate(), joined(c.M2Weights.validate(), model.CheckUnits("vae", "Style", c.Style)))
}

// New builds the model.
func (c *M1M2Config) New(in model.Input) (*model.Model, error) {
	if err := errors.Join(c.Validate(), checkClasses("m1m2", in)); err != nil {
		return nil, err
	}
	d, err := c.m1(in, c.Style)
	if err != nil {
		return nil, err
	}
	m, err := m1m2{d, m2Loss{weight: c.Weight, alpha: c.Alpha}}.objective(c.SemiSupervision, c.Pretrain).build(in, c.Overrides)
	return c.VAEOptions.diagnosis(c.MLP.size()).modelOf(m, err)
}

// M1 returns kind m1 and its recipe: Kingma et al., arXiv:1406.5298, with a classifier of
// one hidden layer on the codes.
func M1() (model.Kind, model.Recipe) {
	return semi("m1", "VAE and a classifier of its codes, trained with a few labels", 25, func() model.Config {
		c := m1Config(20)
		return &c
	})
}

// M2 returns kind m2 and its recipe: images are generated from a class and a style. The
// same paper.
func M2() (model.Kind, model.Recipe) {
	return semi("m2", "conditional VAE that learns the classes from a few labels", 50, func() model.Config {
		return &M2Config{Latent: 50, SemiSupervision: SemiSupervision{100, 100, 1}, M2Weights: M2Weights{0.1, 0.1}, M2Networks: M2Networks{[]int{500}}}
	})
}

// M1M2 returns kind m1m2 and its recipe: M2 of the codes of M1. The same paper
// trains it for 3,000 epochs.
func M1M2() (model.Kind, model.Recipe) {
	k, r := semi("m1m2", "VAE of two layers that learns the classes from a few labels", 140, func() model.Config {
		return &M1M2Config{
			M1Config: m1Config(40), M2Weights: M2Weights{0.1, 0.1},
			Style: 10, // with the published 50 units the style holds most of what the class could
		}
	})
	r.Train.Schedule = "cosine"
	return k, r
}

// m1Config returns the defaults of M1.
func m1Config(pretrain int) M1Config {
	return M1Config{
		VAEOptions: vaeOptions(50, "bce"), MLP: MLP{Hidden: []int{600, 600}, Activation: "relu"}, SemiSupervision: SemiSupervision{100, 100, 1},
		Pretraining: Pretraining{pretrain}, M2Networks: M2Networks{[]int{300}},
	}
}

// semi returns a kind and its recipe, with a batch of 200.
func semi(name, about string, epochs int, c func() model.Config) (model.Kind, model.Recipe) {
	return model.Kind{Name: name, About: about, Default: c},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: epochs, Batch: 200, LearningRate: 1e-3}}
}
