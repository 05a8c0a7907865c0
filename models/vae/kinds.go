package vae

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// Bound are the first options of every VAE.
type Bound struct {
	Latent int     `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
	Loss   string  `json:"loss" flag:"loss" help:"reconstruction loss, summed over pixels: bce (Bernoulli pixels), cb (continuous Bernoulli), mse (Gaussian pixels of σ² = ½), gaussian (with --sigma), sigma (one σ, learned), mae (Laplace pixels) or logistic (256 levels, scale learned)"`
	Beta   float64 `json:"beta" flag:"beta" help:"weight of the KL; 1 is the evidence bound"` // ≥ 0
}

func (o Bound) validate() []error {
	faults := model.CheckUnits("vae", "Latent", o.Latent)
	if _, err := likelihoodOf(o.Loss, losses()); err != nil {
		faults = append(faults, err)
	}
	if !(o.Beta >= 0) || math.IsInf(o.Beta, 0) {
		faults = append(faults, option.Errorf("vae: {Beta} %v: want a finite number of 0 or more; 1 is the evidence bound", o.Beta))
	}
	return faults
}

// Variational are the options of a VAE: of its bound, and each variant's own.
type Variational struct {
	Bound
	Pixels
	Rise
	Match
}

// variational returns the options of the evidence bound itself.
func variational(latent int, loss string) Variational {
	return Variational{Bound{latent, loss, 1}, Pixels{Sigma: defaultSigma}, Rise{}, Match{MMDKernel: "imq"}}
}

func (o Variational) validate() []error {
	faults := append(o.Bound.validate(), o.Pixels.validate(o.Loss)...)
	faults = append(faults, o.Rise.validate()...)
	return append(faults, o.Match.validate()...)
}

// elbo returns the design that the options say.
func (o Variational) elbo(n nets, in model.Input) (elbo, error) {
	if err := check(joined(o.validate(), n.validate()), n, in.Image); err != nil {
		return elbo{}, err
	}
	kl := beta{o.Beta, o.Warmup, o.FreeBits}
	e := elbo{pair{n, in.Image, o.Latent, false}, o.Pixels.of(o.Loss), kl}
	if o.MMD > 0 {
		e.variant = matching{kl, o.MMD, o.MMDKernel}
	}
	return e, nil
}

func (o Variational) build(kind string, n nets, in model.Input) (*model.Model, error) {
	e, err := o.elbo(n, in)
	if err != nil {
		return nil, err
	}
	return build(kind, e, in, o.Latent)
}

// Code are the options of every plain autoencoder.
type Code struct {
	Latent int    `json:"latent" flag:"latent" help:"number of latent units"`                               // Z ≥ 1
	Loss   string `json:"loss" flag:"loss" help:"reconstruction loss, summed over pixels: mae, mse or bce"` // mae, mse, bce
}

func (o Code) validate() []error {
	faults := model.CheckUnits("vae", "Latent", o.Latent)
	if _, err := likelihoodOf(o.Loss, []string{"mae", "mse", "bce"}); err != nil {
		faults = append(faults, err)
	}
	return faults
}

func (o Code) build(kind string, n nets, in model.Input) (*model.Model, error) {
	if err := check(joined(o.validate(), n.validate()), n, in.Image); err != nil {
		return nil, err
	}
	l, _ := likelihoodOf(o.Loss, []string{o.Loss})
	return build(kind, plain{pair{n, in.Image, o.Latent, false}, l}, in, o.Latent)
}

// joined returns all faults as one error.
func joined(faults ...[]error) error { return errors.Join(slices.Concat(faults...)...) }

// check returns the faults of the options, or what keeps nets from images of that shape.
func check(faults error, n interface{ fits(model.Image) error }, img model.Image) error {
	if faults != nil {
		return faults
	}
	if err := someImage(img); err != nil {
		return err
	}
	return n.fits(img)
}

func someImage(img model.Image) error {
	if img.H < 1 || img.W < 1 || img.C < 1 {
		return fmt.Errorf("vae: images of %v: want at least one row, column and channel", img)
	}
	return nil
}

// MLPVAEConfig configures kind mlp-vae.
type MLPVAEConfig struct {
	Variational
	MLP
}

// Validate reports every fault of the options.
func (c *MLPVAEConfig) Validate() error { return joined(c.Variational.validate(), c.MLP.validate()) }

// New builds the model.
func (c *MLPVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.build("mlp-vae", c.MLP, in)
}

// MLPVAE returns kind mlp-vae and its recipe, the published dense VAE: 404,244
// parameters for 28x28x1.
func MLPVAE() (model.Kind, model.Recipe) {
	return published("mlp-vae", "variational autoencoder with dense networks",
		func() model.Config { return &MLPVAEConfig{variational(2, "bce"), MLP{[]int{256}, "relu"}} })
}

// CNNVAEConfig configures kind cnn-vae.
type CNNVAEConfig struct {
	Variational
	CNN
}

// Validate reports every fault of the options.
func (c *CNNVAEConfig) Validate() error { return joined(c.Variational.validate(), c.CNN.validate()) }

// New builds the model.
func (c *CNNVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.build("cnn-vae", c.CNN, in)
}

// CNNVAE returns kind cnn-vae and its recipe, the published convolutional VAE:
// 134,165 = 69,076 + 65,089 parameters for 28x28x1.
func CNNVAE() (model.Kind, model.Recipe) {
	return published("cnn-vae", "variational autoencoder with convolutional networks",
		func() model.Config {
			return &CNNVAEConfig{variational(2, "mse"), CNN{Filters: []int{32, 64}, Dense: 16, Kernel: 3}}
		})
}

// FaceVAE returns a recipe of kind cnn-vae for faces of 64x64x3: 1,738,976 + 1,218,275
// parameters, and σ. Faces are off by less than a tenth, so with σ² = ½ the KL weighs
// some sixty times what the data ask for, and the faces blur.
func FaceVAE() model.Recipe {
	return model.Recipe{
		Name: "face-vae", About: "variational autoencoder with convolutional networks, for faces of 64x64 pixels", Kind: "cnn-vae",
		Config: `{"latent": 128, "loss": "sigma", "filters": [32, 64, 128, 256], "dense": 0, "kernel": 4, "mirror": true}`,
		Train:  model.Training{Epochs: 50, Batch: 64, LearningRate: 1e-3},
	}
}

// MLPAEConfig configures kind mlp-ae.
type MLPAEConfig struct {
	Code
	MLP
}

// Validate reports every fault of the options.
func (c *MLPAEConfig) Validate() error { return joined(c.Code.validate(), c.MLP.validate()) }

// New builds the model.
func (c *MLPAEConfig) New(in model.Input) (*model.Model, error) {
	return c.build("mlp-ae", c.MLP, in)
}

// MLPAE returns kind mlp-ae and its recipe: the networks of MLPVAE without noise.
func MLPAE() (model.Kind, model.Recipe) {
	return published("mlp-ae", "autoencoder with dense networks: no noise, no KL",
		func() model.Config { return &MLPAEConfig{Code{2, "mae"}, MLP{[]int{256}, "relu"}} })
}

// CNNAEConfig configures kind cnn-ae.
type CNNAEConfig struct {
	Code
	CNN
}

// Validate reports every fault of the options.
func (c *CNNAEConfig) Validate() error { return joined(c.Code.validate(), c.CNN.validate()) }

// New builds the model.
func (c *CNNAEConfig) New(in model.Input) (*model.Model, error) {
	return c.build("cnn-ae", c.CNN, in)
}

// CNNAE returns kind cnn-ae and its recipe: the networks of CNNVAE without noise.
func CNNAE() (model.Kind, model.Recipe) {
	return published("cnn-ae", "autoencoder with convolutional networks: no noise, no KL",
		func() model.Config {
			return &CNNAEConfig{Code{2, "mae"}, CNN{Filters: []int{32, 64}, Dense: 16, Kernel: 3}}
		})
}

// published returns a kind and the recipe of its defaults, trained as published:
// 50 epochs in batches of 128 with a learning rate of 1e-3.
func published(name, about string, c func() model.Config) (model.Kind, model.Recipe) {
	return model.Kind{Name: name, About: about, Default: c},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 50, Batch: 128, LearningRate: 1e-3}}
}
