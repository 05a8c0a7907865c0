package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// conditional is the design of a VAE whose networks are both given the labels y:
//
//	loss = −ln p(x|z,y) + penalty,   z ~ q(z|x,y)
//
// an upper bound of −ln p(x|y). What the label says the code need not: it is left
// with the style. Sohn, Lee & Yan 2015, eq. 4, with the prior N(0, I) for every y.
type conditional struct{ elbo }

func (c conditional) draw(s *scene, n int) *graph.Node {
	return c.decode(s, graph.Normal(s.key, "prior", n, c.latent))
}

func (c conditional) objective() string { return c.elbo.objective() + "; given the labels" }

// conditionally returns build of a VAE with the labels given.
func (o Variational) conditionally(kind string, n nets, in model.Input) (*model.Model, error) {
	e, err := o.elbo(n, in)
	if err != nil {
		return nil, err
	}
	if in.Labels == 0 {
		return nil, option.Errorf("vae: %s is given the labels of images, and these have none: use a labelled set, as {Data} mnist, or cnn-vae", kind)
	}
	e.conditional = true
	return build(kind, conditional{e}, in, o.Latent)
}

// CNNCVAEConfig configures kind cvae.
type CNNCVAEConfig struct {
	Variational
	CNN
}

// Validate reports every fault of the options.
func (c *CNNCVAEConfig) Validate() error { return joined(c.Variational.validate(), c.CNN.validate()) }

// New builds the model.
func (c *CNNCVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.conditionally("cvae", c.CNN, in)
}

// CVAE returns kind cvae and its recipe: convolutional networks that are given the
// labels, as one more channel of the image and beside the code.
func CVAE() (model.Kind, model.Recipe) {
	return published("cvae", "conditional VAE with convolutional networks: given the labels",
		func() model.Config {
			return &CNNCVAEConfig{variational(32, "bce"), CNN{Filters: []int{32, 64}, Dense: 256, Kernel: 3}}
		})
}

// MLPCVAEConfig configures kind mlp-cvae.
type MLPCVAEConfig struct {
	Variational
	MLP
}

// Validate reports every fault of the options.
func (c *MLPCVAEConfig) Validate() error { return joined(c.Variational.validate(), c.MLP.validate()) }

// New builds the model.
func (c *MLPCVAEConfig) New(in model.Input) (*model.Model, error) {
	return c.conditionally("mlp-cvae", c.MLP, in)
}

// MLPCVAE returns kind mlp-cvae and its recipe: dense networks that are given the labels
// beside the image and the code.
func MLPCVAE() (model.Kind, model.Recipe) {
	return published("mlp-cvae", "conditional VAE with dense networks: given the labels",
		func() model.Config { return &MLPCVAEConfig{variational(20, "bce"), MLP{[]int{512}, "relu"}} })
}
