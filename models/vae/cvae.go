package vae

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// conditionalObjective returns o as that of a VAE whose networks both take the labels y:
//
//	loss = −ln p(x|z,y) + penalty,   z ~ q(z|x,y)
//
// an upper bound of −ln p(x|y). The code need not hold what the label says: it is left
// with the style. Sohn, Lee & Yan 2015, eq. 4, with the prior N(0, I) for every y.
func (e elbo) conditionalObjective(o objective) objective {
	o.formula += "; given the labels"
	o.takesLabels = model.Conditioning{Decode: true, Sample: true}
	o.sample = func(in *Inputs, n int) *graph.Node {
		return e.generate(in, graph.Normal(in.Key, "prior", n, e.latent))
	}
	return o
}

// errNoLabels returns the error of a conditional kind whose items have no labels.
func errNoLabels(kind string, item medium.Item) error {
	if _, tabular := item.Medium.(medium.Tabular); tabular {
		return option.Errorf("vae: %s is given the label of each row, and these have none: name the column of the labels with {Label}, or use mlp-vae", kind)
	}
	return option.Errorf("vae: %s is given the labels of images, and these have none: use a labelled set, as {Data} mnist, or mlp-vae", kind)
}

// CNNCVAEConfig configures kind cvae.
type CNNCVAEConfig struct {
	VAEOptions
	CNN
	Overrides
}

// Validate reports every fault of the options.
func (c *CNNCVAEConfig) Validate() error { return joined(c.VAEOptions.validate(), c.CNN.validate()) }

// New builds the model.
func (c *CNNCVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.VAEOptions.diagnosis(c.CNN.size()).given().modelOf(c.build("cvae", c.CNN, true, in, c.Overrides))
}

// CVAE returns kind cvae and its recipe: convolutional networks that take the labels,
// as one more channel of the image and beside the code.
func CVAE() (model.Kind, model.Recipe) {
	return published("cvae", "conditional VAE with convolutional networks: given the labels",
		func() model.Config {
			return &CNNCVAEConfig{VAEOptions: vaeOptions(32, "bce"), CNN: CNN{Filters: []int{32, 64}, Dense: 256, Kernel: 3}}
		})
}

// SoundCVAE returns a recipe of kind cvae for spectrograms with labels. Its σ is fixed: if it
// were learned, it would fall below a tenth, so that a code holds all of a clip, what the label
// says too, and a clip decoded from another code under that label is not of it.
func SoundCVAE() model.Recipe {
	return model.Recipe{
		Name: "sound-cvae", About: "conditional VAE for recordings with labels, as spectrograms", Kind: "cvae",
		Image:  [3]int{96, 64, 1},
		Config: `{"latent": 16, "loss": "gaussian", "sigma": 0.5, "filters": [32, 64, 64], "dense": 0, "kernel": 4, "mirror": true}`,
		Train:  model.Training{Epochs: 80, Batch: 64, LearningRate: 1e-3},
	}
}

// MLPCVAEConfig configures kind mlp-cvae.
type MLPCVAEConfig struct {
	VAEOptions
	MLP
	Overrides
}

// Validate reports every fault of the options.
func (c *MLPCVAEConfig) Validate() error { return joined(c.VAEOptions.validate(), c.MLP.validate()) }

// New builds the model.
func (c *MLPCVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.VAEOptions.diagnosis(c.MLP.size()).given().modelOf(c.build("mlp-cvae", c.MLP, true, in, c.Overrides))
}

// MLPCVAE returns kind mlp-cvae and its recipe: dense networks that take the labels
// beside the image and the code.
func MLPCVAE() (model.Kind, model.Recipe) {
	return published("mlp-cvae", "conditional VAE with dense networks: given the labels",
		func() model.Config {
			return &MLPCVAEConfig{VAEOptions: vaeOptions(20, "bce"), MLP: MLP{Hidden: []int{512}, Activation: "relu"}}
		})
}
