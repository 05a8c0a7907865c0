package gan

import (
	"errors"
	"fmt"

	"github.com/imago-ml/imago/model"
)

// A pair is networks with options of their own.
type pair interface {
	design
	// validate lists the faults of the options.
	validate() []error
	// fits says why images of that shape do not suit.
	fits(img model.Image) error
}

// Noise are the options of every model of the family.
type Noise struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
}

func (o Noise) validate() []error { return model.CheckUnits("gan", "latent", o.Latent) }

func (o Noise) build(kind string, p pair, img model.Image, beta1, epsilon float64) (model.Model, error) {
	if faults := append(o.validate(), p.validate()...); len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if img.H < 1 || img.W < 1 || img.C < 1 {
		return nil, fmt.Errorf("gan: images of %v: want at least one row, column and channel", img)
	}
	if err := p.fits(img); err != nil {
		return nil, err
	}
	return build(kind, p, img, o.Latent, beta1, epsilon)
}

// DenseConfig configures kind dense-gan.
type DenseConfig struct {
	Noise
	Dense
}

// Validate reports every fault of the options.
func (c *DenseConfig) Validate() error {
	return errors.Join(append(c.Noise.validate(), c.Dense.validate()...)...)
}

// New builds the model, to be trained by Adam as Keras sets it.
func (c *DenseConfig) New(in model.Input) (model.Model, error) {
	return c.Noise.build("dense-gan", c.Dense, in.Image, 0.9, 1e-7)
}

// DenseGAN is kind dense-gan and its recipe, the published dense GAN: 114,064
// parameters of the generator and 100,609 of the discriminator for 28x28x1. Its
// 43 epochs are the 20,000 iterations on the 60,000 images of MNIST.
func DenseGAN() (model.Kind, model.Recipe) {
	const name, about = "dense-gan", "generative adversarial network with dense networks"
	return model.Kind{Name: name, About: about, Default: func() model.Config { return &DenseConfig{Noise{100}, Dense{128}} }},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 43, Batch: 128, LearningRate: 1e-3}}
}

// DCGANConfig configures kind dcgan.
type DCGANConfig struct {
	Noise
	Convolutional
}

// Validate reports every fault of the options.
func (c *DCGANConfig) Validate() error {
	return errors.Join(append(c.Noise.validate(), c.Convolutional.validate()...)...)
}

// New builds the model, to be trained by Adam with β₁ = 0.5.
func (c *DCGANConfig) New(in model.Input) (model.Model, error) {
	return c.Noise.build("dcgan", c.Convolutional, in.Image, 0.5, 1e-8)
}

// DCGAN is kind dcgan and its recipe, the published convolutional GAN: 3,576,704
// parameters of the generator and 2,765,568 of the discriminator for 64x64x3.
func DCGAN() (model.Kind, model.Recipe) {
	const name, about = "dcgan", "generative adversarial network with convolutional networks, for 64x64 pixels"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			return &DCGANConfig{Noise{100}, Convolutional{[]int{64, 128, 256, 512}, 4}}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 25, Batch: 64, LearningRate: 2e-4}}
}
