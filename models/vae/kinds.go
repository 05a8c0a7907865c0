package vae

import (
	"errors"
	"math"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// VAEOptions are the options of every VAE: of its bound, and those of its variants.
type VAEOptions struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
	likelihood.Options
	Beta float64 `json:"beta" flag:"beta" help:"weight of the KL; 1 is the evidence bound"` // ≥ 0
	KLAnnealing
	MMDOptions
}

// vaeOptions returns the options of the evidence bound itself.
func vaeOptions(latent int, loss string) VAEOptions {
	return VAEOptions{Latent: latent, Options: likelihood.DefaultOptions(loss), Beta: 1, MMDOptions: MMDOptions{MMDKernel: "imq"}}
}

func (o VAEOptions) validate() []error {
	return slices.Concat(model.CheckUnits("vae", "Latent", o.Latent), o.Options.Validate(), checkBeta("Beta", o.Beta), o.KLAnnealing.validate(), o.MMDOptions.validate())
}

// checkBeta returns the fault of a field that is the weight of a KL.
func checkBeta(field string, beta float64) []error {
	if beta >= 0 && !math.IsInf(beta, 0) {
		return nil
	}
	return []error{option.Errorf("vae: {"+field+"} %v: want a finite number of 0 or more; 1 is the evidence bound", beta)}
}

// elbo returns the VAE of the options.
func (o VAEOptions) elbo(n configuredNetworks, in model.Input) (elbo, error) {
	if err := check(joined(o.validate(), n.validate()), n, in.Item); err != nil {
		return elbo{}, err
	}
	l, err := o.Options.Likelihood()
	if err != nil {
		return elbo{}, err
	}
	return elbo{networks{n, n, in.Item, o.Latent, false, held{}}, l, o.regularizer()}, nil
}

func (o VAEOptions) regularizer() Regularizer {
	kl := o.kl(o.Beta)
	if o.MMD == 0 {
		return kl
	}
	return Sum{kl, MMD{o.MMD, kernels[o.MMDKernel]}}
}

func (o VAEOptions) build(kind string, n configuredNetworks, conditional bool, in model.Input, overrides Overrides) (*model.Model, error) {
	e, err := o.elbo(n, in)
	if err != nil {
		return nil, err
	}
	if conditional && in.Labels == 0 {
		return nil, errNoLabels(kind, in.Item)
	}
	e.conditional = conditional
	objective := e.objective(kind, optim.DefaultAdam(), nil)
	if conditional {
		objective = e.conditionalObjective(objective)
	}
	return objective.build(in, overrides)
}

// configuredNetworks are an encoder and a decoder with options: MLP or CNN.
type configuredNetworks interface {
	Encoder
	Decoder
	validate() []error          // the faults of the options
	fits(img medium.Item) error // why images of that shape do not suit, or nil
}

// joined returns all faults as one error.
func joined(faults ...[]error) error { return errors.Join(slices.Concat(faults...)...) }

// check returns the faults of the options, or why images of that shape do not suit.
func check(faults error, n interface{ fits(medium.Item) error }, img medium.Item) error {
	if faults != nil {
		return faults
	}
	if err := checkImage(img); err != nil {
		return err
	}
	return n.fits(img)
}

// MLPVAEConfig configures kind mlp-vae.
type MLPVAEConfig struct {
	VAEOptions
	MLP
	Overrides
}

// Validate reports every fault of the options.
func (c *MLPVAEConfig) Validate() error { return joined(c.VAEOptions.validate(), c.MLP.validate()) }

// New builds the model.
func (c *MLPVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.VAEOptions.diagnosis(c.MLP.size()).modelOf(c.build("mlp-vae", c.MLP, false, in, c.Overrides))
}

// MLPVAE returns kind mlp-vae and its recipe, the published dense VAE: 404,244
// parameters for 28x28x1.
func MLPVAE() (model.Kind, model.Recipe) {
	return published("mlp-vae", "variational autoencoder with dense networks",
		func() model.Config {
			return &MLPVAEConfig{VAEOptions: vaeOptions(2, "bce"), MLP: MLP{Hidden: []int{256}, Activation: "relu"}}
		})
}

// CNNVAEConfig configures kind cnn-vae.
type CNNVAEConfig struct {
	VAEOptions
	CNN
	Overrides
}

// Validate reports every fault of the options.
func (c *CNNVAEConfig) Validate() error { return joined(c.VAEOptions.validate(), c.CNN.validate()) }

// New builds the model.
func (c *CNNVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.VAEOptions.diagnosis(c.CNN.size()).modelOf(c.build("cnn-vae", c.CNN, false, in, c.Overrides))
}

// CNNVAE returns kind cnn-vae and its recipe, the published convolutional VAE:
// 134,165 = 69,076 + 65,089 parameters for 28x28x1.
func CNNVAE() (model.Kind, model.Recipe) {
	return published("cnn-vae", "variational autoencoder with convolutional networks",
		func() model.Config {
			return &CNNVAEConfig{VAEOptions: vaeOptions(2, "mse"), CNN: CNN{Filters: []int{32, 64}, Dense: 16, Kernel: 3}}
		})
}

// FaceVAE returns a recipe of kind cnn-vae for faces of 64x64x3: 1,738,976 + 1,218,275
// parameters, and σ. The error of a pixel of a face is less than a tenth, so with σ² = ½
// the KL would weigh some sixty times too much, and the faces blur.
func FaceVAE() model.Recipe {
	return model.Recipe{
		Name: "face-vae", About: "variational autoencoder with convolutional networks, for faces of 64x64 pixels", Kind: "cnn-vae",
		Config: `{"latent": 128, "loss": "sigma", "filters": [32, 64, 128, 256], "dense": 0, "kernel": 4, "mirror": true}`,
		Train:  model.Training{Epochs: 50, Batch: 64, LearningRate: 1e-3},
		Image:  [3]int{64, 64, 3},
	}
}

// WAEMMD returns a recipe of kind cnn-vae without a KL: the codes of all images together,
// not those of each, are held to the prior. Tolstikhin et al., arXiv:1711.01558, have
// 8 units on MNIST too; the MMD-VAE of Zhao et al. is the same.
func WAEMMD() model.Recipe {
	return model.Recipe{
		Name: "wae-mmd", About: "Wasserstein autoencoder (MMD): all codes together are held to the prior", Kind: "cnn-vae",
		Config: `{"latent": 8, "dense": 256, "beta": 0, "mmd": 100}`,
		Train:  model.Training{Epochs: 50, Batch: 128, LearningRate: 1e-3},
	}
}

// published returns a kind and the recipe of its defaults, trained as published:
// 50 epochs in batches of 128 with a learning rate of 1e-3.
func published(name, about string, c func() model.Config) (model.Kind, model.Recipe) {
	return model.Kind{Name: name, About: about, Default: c},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 50, Batch: 128, LearningRate: 1e-3}}
}
