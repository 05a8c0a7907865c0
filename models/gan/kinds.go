package gan

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// A pair is networks with options of their own.
type pair interface {
	design
	// validate lists the faults of the options.
	validate() []error
	// fits says why images of that shape do not suit.
	fits(img model.Image) error
	// mixes says that what the discriminator says of an image depends on the batch.
	mixes() bool
}

// Game are the options of how the networks learn from each other.
type Game struct {
	Loss    string  `json:"loss" flag:"loss" help:"adversarial loss: non-saturating, minimax, least-squares, wasserstein (with --gp) or hinge"`                                                     // a name of the table losses
	GP      float64 `json:"gp" flag:"gp" help:"weight of the gradient penalty of WGAN-GP, on images between real and made ones; 10 as published"`                                                   // λ ≥ 0
	R1      float64 `json:"r1" flag:"r1" help:"weight of the R1 gradient penalty, on real images; 0.1 to 10"`                                                                                       // γ ≥ 0
	DSteps  int     `json:"d_steps" flag:"d-steps" help:"updates of the discriminator to one of the generator; the images of a step are dealt to them"`                                             // 1 to 100
	DRate   float64 `json:"d_rate" flag:"d-rate" help:"learning rate of the discriminator, as a multiple of --lr"`                                                                                  // > 0
	Beta1   float64 `json:"beta1" flag:"beta1" help:"decay of Adam's mean of the gradients"`                                                                                                        // [0,1)
	Beta2   float64 `json:"beta2" flag:"beta2" help:"decay of Adam's mean of their squares"`                                                                                                        // [0,1)
	EMA     float64 `json:"ema" flag:"ema" help:"show an average of the generator over its updates, of this decay, as 0.999, which makes better images and steadier ones; 0 shows itself"`          // [0,1)
	Augment string  `json:"augment" flag:"augment" help:"what is done to real and made images alike before the discriminator sees them, for small sets: some of color,translation,cutout, or none"` // see parseAugment
}

// game returns the usual one.
func game(beta1 float64) Game {
	return Game{Loss: "non-saturating", DSteps: 1, DRate: 1, Beta1: beta1, Beta2: 0.999, Augment: noAugment}
}

func (g Game) validate() []error {
	var faults []error
	bad := func(ok bool, format string, a ...any) {
		if !ok {
			faults = append(faults, option.Errorf("gan: "+format, a...))
		}
	}
	if _, err := lossOf(g.Loss); err != nil {
		faults = append(faults, err)
	}
	if _, err := parseAugment(g.Augment); err != nil {
		faults = append(faults, err)
	}
	weight := func(v float64) bool { return v >= 0 && v <= math.MaxFloat32 }
	decay := func(v float64) bool { return v >= 0 && float32(v) < 1 }
	bad(weight(g.GP), "{GP} %v: want a weight of 0 or more, as 10", g.GP)
	bad(weight(g.R1), "{R1} %v: want a weight of 0 or more, as 1", g.R1)
	bad(g.DSteps >= 1 && g.DSteps <= 100, "{DSteps} %d: want 1 to 100", g.DSteps)
	bad(g.DRate > 0 && g.DRate <= math.MaxFloat32, "{DRate} %v: want a multiple of {LR} above 0, as 1 or 4", g.DRate)
	bad(decay(g.Beta1), "{Beta1} %v: want 0 or more, and less than 1", g.Beta1)
	bad(decay(g.Beta2), "{Beta2} %v: want 0 or more, and less than 1", g.Beta2)
	bad(decay(g.EMA), "{EMA} %v: want 0 or more, and less than 1", g.EMA)
	return faults
}

// suits says why the discriminator cannot play so.
func (g Game) suits(p pair) []error {
	if p.mixes() && (g.GP > 0 || g.R1 > 0) {
		return []error{option.Errorf("gan: {GP} and {R1} are of the slope at each image, which batch norm mixes with those of others: want {DNorm} spectral or none")}
	}
	return nil
}

// Noise are the options of what images are made of.
type Noise struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
}

func (o Noise) validate() []error { return model.CheckUnits("gan", "Latent", o.Latent) }

// validateWith reports every fault of a model's options, those found already first.
func (g Game) validateWith(o Noise, p pair, found ...error) error {
	faults := append(o.validate(), found...)
	faults = append(faults, p.validate()...)
	faults = append(faults, g.validate()...)
	return errors.Join(append(faults, g.suits(p)...)...)
}

// check returns validateWith, and else says why images cannot be made so.
func (g Game) check(o Noise, p pair, img model.Image, found ...error) error {
	if err := g.validateWith(o, p, found...); err != nil {
		return err
	}
	if img.H < 1 || img.W < 1 || img.C < 1 {
		return noImages(img)
	}
	return p.fits(img)
}

func noImages(img model.Image) error {
	return fmt.Errorf("gan: images of %v: want at least one row, column and channel", img)
}

// DenseConfig configures kind dense-gan.
type DenseConfig struct {
	Noise
	Dense
	Game
}

// Validate reports every fault of the options.
func (c *DenseConfig) Validate() error { return c.Game.validateWith(c.Noise, c.Dense) }

// New builds the model, to be trained by Adam with the ε of Keras.
func (c *DenseConfig) New(in model.Input) (*model.Model, error) { return built(c.build(in)) }

func (c *DenseConfig) build(in model.Input) (*adversary, error) {
	if err := c.Game.check(c.Noise, c.Dense, in.Image); err != nil {
		return nil, err
	}
	return c.Game.build("dense-gan", c.Dense, in, 0, c.Latent, c.Game.two(1e-7))
}

// DenseGAN returns kind dense-gan and its recipe, the published dense GAN: 114,064
// parameters of the generator and 100,609 of the discriminator for 28x28x1. Its
// 20,000 iterations are 43 epochs of the 60,000 images of MNIST, the last one cut short.
func DenseGAN() (model.Kind, model.Recipe) {
	const name, about = "dense-gan", "generative adversarial network with dense networks"
	return model.Kind{Name: name, About: about, Default: func() model.Config { return &DenseConfig{Noise{100}, Dense{128}, game(0.9)} }},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 43, Steps: 20_000, LogSteps: 1000, Batch: 128, LearningRate: 1e-3}}
}

// DCGANConfig configures kind dcgan.
type DCGANConfig struct {
	Noise
	Convolutional
	Game
}

// Validate reports every fault of the options.
func (c *DCGANConfig) Validate() error { return c.Game.validateWith(c.Noise, c.Convolutional) }

// New builds the model.
func (c *DCGANConfig) New(in model.Input) (*model.Model, error) { return built(c.build(in)) }

func (c *DCGANConfig) build(in model.Input) (*adversary, error) {
	nets := c.Convolutional.of(in.Image)
	if err := c.Game.check(c.Noise, nets, in.Image); err != nil {
		return nil, err
	}
	return c.Game.build("dcgan", nets, in, 0, c.Latent, c.Game.two(1e-8))
}

// DCGAN returns kind dcgan and its recipes: the published convolutional GAN, 3,576,704
// parameters of the generator and 2,765,568 of the discriminator for 64x64x3, and
// WGAN-GP (Gulrajani et al., arXiv:1704.00028, alg. 1) with the same networks, less
// the discriminator's batch norm.
func DCGAN() (model.Kind, model.Recipe, model.Recipe) {
	const name, about = "dcgan", "generative adversarial network with convolutional networks"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			return &DCGANConfig{Noise{100}, Convolutional{nil, 4, batchNorm, batchNorm}, game(0.5)}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 25, Batch: 64, LearningRate: 2e-4}},
		model.Recipe{
			Name: "wgan-gp", About: "Wasserstein GAN with gradient penalty, with convolutional networks", Kind: name,
			Config: `{"loss": "wasserstein", "gp": 10, "d_steps": 5, "d_norm": "none", "beta1": 0, "beta2": 0.9}`,
			Train:  model.Training{Epochs: 100, Batch: 320, LearningRate: 1e-4},
		}
}
