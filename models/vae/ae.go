package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// autoencoder is a plain autoencoder, without noise and without a regulariser:
//
//	loss = distance(x, decode(encode(x)))
type autoencoder struct {
	networks
	likelihood likelihood.Likelihood
}

func (a autoencoder) terms(in *Inputs) []Term {
	loss := in.reconstructionLoss(a.likelihood, a.decode(in, a.code(in)))
	return []Term{{model.Loss, loss}, {model.Reconstruction, loss}}
}

func (a autoencoder) objective(kind string) objective {
	return objective{
		kind: kind, latent: a.latent, likelihood: a.likelihood, formula: "loss = " + a.likelihood.Formula + ", " + a.likelihood.Unit,
		terms: a.terms, decode: a.decode, deterministic: true,
		encode: func(in *Inputs) (code, logVar *graph.Node) { return a.code(in), nil },
		phases: onePhase(optim.DefaultAdam(), a.terms),
	}
}

// AEOptions are the options of every plain autoencoder.
type AEOptions struct {
	Latent int    `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
	Loss   string `json:"loss" flag:"loss"`                                   // of aeLosses
}

// aeLosses are the likelihoods that serve a plain autoencoder as a distance of images.
var aeLosses = []string{"mae", "mse", "bce"}

// OptionHelp returns the help text of the option Loss.
func (AEOptions) OptionHelp(field string) string {
	if field == "Loss" {
		return likelihood.Help(aeLosses...)
	}
	return ""
}

func (o AEOptions) validate() []error {
	faults := model.CheckUnits("vae", "Latent", o.Latent)
	if _, err := likelihood.ByName(o.Loss, aeLosses...); err != nil {
		faults = append(faults, err)
	}
	return faults
}

func (o AEOptions) build(kind string, n configuredNetworks, in model.Input, overrides Overrides) (*model.Model, error) {
	if err := check(joined(o.validate(), n.validate()), n, in.Item); err != nil {
		return nil, err
	}
	l, err := likelihood.ByName(o.Loss, aeLosses...)
	if err != nil {
		return nil, err
	}
	return autoencoder{networks{n, n, in.Item, o.Latent, false, held{}}, l}.objective(kind).build(in, overrides)
}

// MLPAEConfig configures kind mlp-ae.
type MLPAEConfig struct {
	AEOptions
	MLP
	Overrides
}

// Validate reports every fault of the options.
func (c *MLPAEConfig) Validate() error { return joined(c.AEOptions.validate(), c.MLP.validate()) }

// New builds the model.
func (c *MLPAEConfig) New(in model.Input) (*model.Model, error) {
	return c.diagnosis(c.MLP.size()).modelOf(c.build("mlp-ae", c.MLP, in, c.Overrides))
}

// MLPAE returns kind mlp-ae and its recipe: the networks of MLPVAE without noise.
func MLPAE() (model.Kind, model.Recipe) {
	return published("mlp-ae", "autoencoder with dense networks: no noise, no KL",
		func() model.Config {
			return &MLPAEConfig{AEOptions: AEOptions{2, "mae"}, MLP: MLP{Hidden: []int{256}, Activation: "relu"}}
		})
}

// CNNAEConfig configures kind cnn-ae.
type CNNAEConfig struct {
	AEOptions
	CNN
	Overrides
}

// Validate reports every fault of the options.
func (c *CNNAEConfig) Validate() error { return joined(c.AEOptions.validate(), c.CNN.validate()) }

// New builds the model.
func (c *CNNAEConfig) New(in model.Input) (*model.Model, error) {
	return c.diagnosis(c.CNN.size()).modelOf(c.build("cnn-ae", c.CNN, in, c.Overrides))
}

// CNNAE returns kind cnn-ae and its recipe: the networks of CNNVAE without noise.
func CNNAE() (model.Kind, model.Recipe) {
	return published("cnn-ae", "autoencoder with convolutional networks: no noise, no KL",
		func() model.Config {
			return &CNNAEConfig{AEOptions: AEOptions{2, "mae"}, CNN: CNN{Filters: []int{32, 64}, Dense: 16, Kernel: 3}}
		})
}
