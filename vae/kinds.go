package vae

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/model"
)

// Bound are the options of every VAE.
type Bound struct {
	Latent int     `json:"latent" flag:"latent" help:"number of latent units"`                                                                         // Z ≥ 1
	Loss   string  `json:"loss" flag:"loss" help:"reconstruction loss, summed over pixels: bce (Bernoulli pixels) or mse (Gaussian pixels of σ² = ½)"` // bce, mse
	Beta   float64 `json:"beta" flag:"beta" help:"weight of the KL; 1 is the evidence bound"`                                                          // ≥ 0
}

func (o Bound) validate() []error {
	faults := model.CheckUnits("vae", "latent", o.Latent)
	if _, err := likelihoodOf(o.Loss, []string{"bce", "mse"}); err != nil {
		faults = append(faults, err)
	}
	if !(o.Beta >= 0) || math.IsInf(o.Beta, 0) {
		faults = append(faults, fmt.Errorf("vae: --beta %v: want a finite number of 0 or more; 1 is the evidence bound", o.Beta))
	}
	return faults
}

func (o Bound) build(kind string, n nets, in model.Input) (model.Model, error) {
	if err := check(o.validate(), n, in.Image); err != nil {
		return nil, err
	}
	l, _ := likelihoodOf(o.Loss, []string{o.Loss})
	return build(kind, elbo{pair{n, in.Image, o.Latent}, l, beta(o.Beta)}, in, o.Latent)
}

// Code are the options of every plain autoencoder.
type Code struct {
	Latent int    `json:"latent" flag:"latent" help:"number of latent units"`                               // Z ≥ 1
	Loss   string `json:"loss" flag:"loss" help:"reconstruction loss, summed over pixels: mae, mse or bce"` // mae, mse, bce
}

func (o Code) validate() []error {
	faults := model.CheckUnits("vae", "latent", o.Latent)
	if _, err := likelihoodOf(o.Loss, []string{"mae", "mse", "bce"}); err != nil {
		faults = append(faults, err)
	}
	return faults
}

func (o Code) build(kind string, n nets, in model.Input) (model.Model, error) {
	if err := check(o.validate(), n, in.Image); err != nil {
		return nil, err
	}
	l, _ := likelihoodOf(o.Loss, []string{o.Loss})
	return build(kind, plain{pair{n, in.Image, o.Latent}, l}, in, o.Latent)
}

// check joins the faults of the options, of the networks' and of the shape.
func check(faults []error, n nets, img model.Image) error {
	faults = append(faults, n.validate()...)
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	if img.H < 1 || img.W < 1 || img.C < 1 {
		return fmt.Errorf("vae: images of %v: want at least one row, column and channel", img)
	}
	return n.fits(img)
}

// MLPVAEConfig configures kind mlp-vae.
type MLPVAEConfig struct {
	Bound
	MLP
}

// Validate reports every fault of the options.
func (c *MLPVAEConfig) Validate() error {
	return errors.Join(append(c.Bound.validate(), c.MLP.validate()...)...)
}

// New builds the model.
func (c *MLPVAEConfig) New(in model.Input) (model.Model, error) {
	return c.Bound.build("mlp-vae", c.MLP, in)
}

// MLPVAE is kind mlp-vae and its recipe, the published dense VAE: 404,244
// parameters for 28x28x1.
func MLPVAE() (model.Kind, model.Recipe) {
	return published("mlp-vae", "variational autoencoder with dense networks",
		func() model.Config { return &MLPVAEConfig{Bound{2, "bce", 1}, MLP{[]int{256}}} })
}

// CNNVAEConfig configures kind cnn-vae.
type CNNVAEConfig struct {
	Bound
	CNN
}

// Validate reports every fault of the options.
func (c *CNNVAEConfig) Validate() error {
	return errors.Join(append(c.Bound.validate(), c.CNN.validate()...)...)
}

// New builds the model.
func (c *CNNVAEConfig) New(in model.Input) (model.Model, error) {
	return c.Bound.build("cnn-vae", c.CNN, in)
}

// CNNVAE is kind cnn-vae and its recipe, the published convolutional VAE:
// 134,165 = 69,076 + 65,089 parameters for 28x28x1.
func CNNVAE() (model.Kind, model.Recipe) {
	return published("cnn-vae", "variational autoencoder with convolutional networks",
		func() model.Config {
			return &CNNVAEConfig{Bound{2, "mse", 1}, CNN{Filters: []int{32, 64}, Dense: 16, Kernel: 3}}
		})
}

// FaceVAE is a recipe of kind cnn-vae for faces of 64x64x3: 1,738,976 + 1,218,275
// parameters.
func FaceVAE() model.Recipe {
	return model.Recipe{
		Name: "face-vae", About: "variational autoencoder with convolutional networks, for faces of 64x64 pixels", Kind: "cnn-vae",
		Config: `{"latent": 128, "filters": [32, 64, 128, 256], "dense": 0, "kernel": 4, "mirror": true}`,
		Train:  model.Training{Epochs: 50, Batch: 64, LearningRate: 1e-3},
	}
}

// MLPAEConfig configures kind mlp-ae.
type MLPAEConfig struct {
	Code
	MLP
}

// Validate reports every fault of the options.
func (c *MLPAEConfig) Validate() error {
	return errors.Join(append(c.Code.validate(), c.MLP.validate()...)...)
}

// New builds the model.
func (c *MLPAEConfig) New(in model.Input) (model.Model, error) {
	return c.Code.build("mlp-ae", c.MLP, in)
}

// MLPAE is kind mlp-ae and its recipe: the networks of MLPVAE without noise.
func MLPAE() (model.Kind, model.Recipe) {
	return published("mlp-ae", "autoencoder with dense networks: no noise, no KL",
		func() model.Config { return &MLPAEConfig{Code{2, "mae"}, MLP{[]int{256}}} })
}

// CNNAEConfig configures kind cnn-ae.
type CNNAEConfig struct {
	Code
	CNN
}

// Validate reports every fault of the options.
func (c *CNNAEConfig) Validate() error {
	return errors.Join(append(c.Code.validate(), c.CNN.validate()...)...)
}

// New builds the model.
func (c *CNNAEConfig) New(in model.Input) (model.Model, error) {
	return c.Code.build("cnn-ae", c.CNN, in)
}

// CNNAE is kind cnn-ae and its recipe: the networks of CNNVAE without noise.
func CNNAE() (model.Kind, model.Recipe) {
	return published("cnn-ae", "autoencoder with convolutional networks: no noise, no KL",
		func() model.Config {
			return &CNNAEConfig{Code{2, "mae"}, CNN{Filters: []int{32, 64}, Dense: 16, Kernel: 3}}
		})
}

// published is a kind and the recipe of its defaults, trained as published:
// 50 epochs in batches of 128 with a learning rate of 1e-3.
func published(name, about string, c func() model.Config) (model.Kind, model.Recipe) {
	return model.Kind{Name: name, About: about, Default: c},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 50, Batch: 128, LearningRate: 1e-3}}
}
