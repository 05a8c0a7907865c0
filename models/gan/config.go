package gan

import (
	"errors"
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// Adversarial are the options of how the networks of a kind are trained. A configuration
// of your own embeds them, with Noise, and gives its networks to what Options returns.
type Adversarial struct {
	Loss    string  `json:"loss" flag:"loss"`                                                                                                                                                                  // a name of Losses
	GP      float64 `json:"gp" flag:"gp" help:"weight of the gradient penalty of WGAN-GP, on images between real and generated ones; 10 as published"`                                                         // λ ≥ 0; 0 = none
	R1      float64 `json:"r1" flag:"r1" help:"weight of the R1 gradient penalty, on real images; 0.1 to 10"`                                                                                                  // γ ≥ 0; 0 = none
	DSteps  int     `json:"d_steps" flag:"d-steps" help:"updates of the discriminator for each update of the generator; the images of a step are divided among them"`                                          // 1 to 100
	DRate   float64 `json:"d_rate" flag:"d-rate" help:"learning rate of the discriminator, as a multiple of --lr"`                                                                                             // > 0
	Beta1   float64 `json:"beta1" flag:"beta1" help:"decay of Adam's mean of the gradients"`                                                                                                                   // [0,1)
	Beta2   float64 `json:"beta2" flag:"beta2" help:"decay of Adam's mean of their squares"`                                                                                                                   // [0,1)
	EMA     float64 `json:"ema" flag:"ema" help:"generate images with a moving average of the generator's weights, of this decay, as 0.999: better images, and steadier ones; 0 takes the weights themselves"` // [0,1)
	Augment string  `json:"augment" flag:"augment" help:"augmentation of real and generated images before the discriminator, for small sets: some of color,translation,cutout, or none"`                       // as DiffAugment takes it

	// Optimizer and DOptimizer are those of Options; nil is Adam with Beta1 and Beta2. They
	// are not saved: set them again to resume a run, or choose an optimiser of package optim
	// by model.Input.Optimizer, which is saved.
	Optimizer  optim.Rule `json:"-"`
	DOptimizer optim.Rule `json:"-"`
}

// DefaultAdversarial returns the options of DCGAN: the non-saturating loss, one update of
// each network, Adam with β₁ = 0.5 and β₂ = 0.999.
func DefaultAdversarial() Adversarial {
	return Adversarial{Loss: NonSaturating().Name, DSteps: 1, DRate: 1, Beta1: 0.5, Beta2: 0.999, Augment: noAugmentation}
}

// OptionHelp returns the help text of the option Loss, which lists the table.
func (Adversarial) OptionHelp(field string) string {
	if field == "Loss" {
		return lossHelp()
	}
	return ""
}

// Faults returns every fault of the options.
func (c Adversarial) Faults() []error {
	var faults []error
	check := func(ok bool, format string, a ...any) {
		if !ok {
			faults = append(faults, option.Errorf("gan: "+format, a...))
		}
	}
	if _, err := LossByName(c.Loss); err != nil {
		faults = append(faults, err)
	}
	if _, err := DiffAugment(c.Augment); err != nil {
		faults = append(faults, err)
	}
	isWeight := func(v float64) bool { return v >= 0 && v <= math.MaxFloat32 }
	isDecay := func(v float64) bool { return v >= 0 && float32(v) < 1 }
	check(isWeight(c.GP), "{GP} %v: want a weight of 0 or more, as 10", c.GP)
	check(isWeight(c.R1), "{R1} %v: want a weight of 0 or more, as 1", c.R1)
	check(c.DSteps >= 1 && c.DSteps <= 100, "{DSteps} %d: want 1 to 100", c.DSteps)
	check(c.DRate > 0 && c.DRate <= math.MaxFloat32, "{DRate} %v: want a multiple of {LR} above 0, as 1 or 4", c.DRate)
	check(isDecay(c.Beta1), "{Beta1} %v: want 0 or more, and less than 1", c.Beta1)
	check(isDecay(c.Beta2), "{Beta2} %v: want 0 or more, and less than 1", c.Beta2)
	check(isDecay(c.EMA), "{EMA} %v: want 0 or more, and less than 1", c.EMA)
	return faults
}

// Options returns the Options that c and z stand for, without networks. It fails where
// Faults of c or z are.
func (c Adversarial) Options(z Noise) (Options, error) {
	if err := errors.Join(append(z.Faults(), c.Faults()...)...); err != nil {
		return Options{}, err
	}
	loss, _ := LossByName(c.Loss)
	augment, _ := DiffAugment(c.Augment)
	o := Options{Latent: z.Latent, Loss: loss, Augment: augment, DSteps: c.DSteps, DRate: c.DRate, EMA: c.EMA, Optimizer: c.Optimizer, DOptimizer: c.DOptimizer}
	if o.Optimizer == nil {
		o.Optimizer = optim.Adam{Beta1: c.Beta1, Beta2: c.Beta2, Epsilon: 1e-8}
	}
	if c.GP > 0 {
		o.Penalties = append(o.Penalties, GradientPenalty(c.GP))
	}
	if c.R1 > 0 {
		o.Penalties = append(o.Penalties, R1(c.R1))
	}
	return o, nil
}

// Noise are the options of the input of the generator.
type Noise struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
}

// Faults returns the fault of the options, if there is one.
func (z Noise) Faults() []error { return model.CheckUnits("gan", "Latent", z.Latent) }

// networks are a generator and a discriminator of the package, with options of their own.
type networks interface {
	Generator
	Discriminator
	// faults returns every fault of the options.
	faults() []error
	// fits returns an error if the networks cannot have images of that shape.
	fits(img medium.Item) error
	// mixesImages reports whether the output of the discriminator for an image depends on
	// the others of the batch.
	mixesImages() bool
}

// faults returns every fault of a configuration; own are those of further options.
func (c Adversarial) faults(z Noise, nets networks, own ...error) []error {
	faults := append(z.Faults(), own...)
	faults = append(faults, nets.faults()...)
	faults = append(faults, c.Faults()...)
	if nets.mixesImages() && (c.GP > 0 || c.R1 > 0) {
		faults = append(faults, option.Errorf("gan: {GP} and {R1} penalise the gradient of each image by itself, and batch norm mixes the images of a batch: want {DNorm} spectral or none"))
	}
	return faults
}

// prepare returns the Options of a configuration with its networks, which are nets. It
// fails where the configuration is not valid or the networks cannot have images of that
// shape.
func (c Adversarial) prepare(config model.Config, z Noise, nets networks, img medium.Item) (Options, error) {
	if err := config.Validate(); err != nil {
		return Options{}, err
	}
	if img.Size() < 1 || img.Shape.Check() != nil {
		return Options{}, emptyImageError(img)
	}
	if err := nets.fits(img); err != nil {
		return Options{}, err
	}
	o, err := c.Options(z)
	o.Generator, o.Discriminator = nets, nets
	return o, err
}

// build returns the GAN of the options, built.
func build(name string, o Options, in model.Input) (*adversary, error) {
	if err := model.CheckNumbers("gan: "+name, in.Item, "char-vae"); err != nil {
		return nil, err
	}
	m, err := newAdversary(name, o, in)
	if err != nil {
		return nil, err
	}
	return m, m.declare()
}
