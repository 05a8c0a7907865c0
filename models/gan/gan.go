// Package gan builds generative adversarial networks: a generator that computes images
// from noise, and a discriminator that separates them from real ones, each trained
// against the other. Goodfellow et al., arXiv:1406.2661.
//
// # How to use it
//
// A kind of the package is a configuration with defaults and options, such as
// DCGANConfig; DenseGAN, DCGAN, ResNetGAN, CGAN, InfoGAN and VAEGAN return them for a
// model.Registry, by which the command line trains them. With networks, a loss, a
// penalty, an augmentation or an optimiser of your own, call New:
//
//	m, err := gan.New("my-gan", gan.Options{
//		Generator:     gan.GeneratorFunc(generate),
//		Discriminator: gan.DiscriminatorFunc(discriminate),
//		Loss:          gan.Hinge(),
//	}, model.Input{Item: pixels.Item(28, 28, 1)})
//
// Kind makes a kind of such Options. A configuration with options of its own embeds
// Noise and Adversarial, whose Options it completes with its networks. A model whose
// iteration is another is built by package update directly; infogan.go and vaegan.go
// show how.
//
// # Where to find what
//
// Each published algorithm is a file: wgangp.go is algorithm 1 of WGAN-GP, infogan.go
// equations 5 and 6 of InfoGAN, vaegan.go algorithm 1 of VAE-GAN. dense.go, dcgan.go,
// residual.go and conditional.go are pairs of networks, loss.go is the table of losses.
//
// Networks work with pixels in [−1, 1], the range of tanh; the functions of a model
// take and return images in [0, 1]. The package knows no data set, no training loop
// and no device.
package gan

import (
	"errors"
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// B images, H×W×C pixels, Z units of noise, K labels, in every comment of this package.

// The networks, by their names in parameters and slots.
const (
	generator     = "generator"
	discriminator = "discriminator"
)

// A Generator is a network that computes images from noise.
type Generator interface {
	// Generate returns images: z (B,Z) → (B,H,W,C) in [−1, 1]. y (B,K) are the labels of
	// the images, nil without Options.Labels. All parameters belong to b, the Builder of
	// the network. Layers that do not fit panic with a *graph.ShapeError.
	Generate(b *nn.Builder, z, y *graph.Node, img medium.Item) *graph.Node
}

// A GeneratorFunc is a Generator that is given no labels.
type GeneratorFunc func(b *nn.Builder, z *graph.Node, img medium.Item) *graph.Node

// Generate returns f(b, z, img).
func (f GeneratorFunc) Generate(b *nn.Builder, z, _ *graph.Node, img medium.Item) *graph.Node {
	return f(b, z, img)
}

// A Discriminator is a network that computes a number from an image, by which real and
// generated images are separated.
type Discriminator interface {
	// Discriminate returns the logits of "real", or the scores of a critic: x (B,H,W,C) in
	// [−1, 1] → (B). y (B,K) are the labels of the images, nil without Options.Labels. All
	// parameters belong to b, the Builder of the network.
	Discriminate(b *nn.Builder, x, y *graph.Node) *graph.Node
}

// A DiscriminatorFunc is a Discriminator that is given no labels.
type DiscriminatorFunc func(b *nn.Builder, x *graph.Node) *graph.Node

// Discriminate returns f(b, x).
func (f DiscriminatorFunc) Discriminate(b *nn.Builder, x, _ *graph.Node) *graph.Node { return f(b, x) }

// Options are what a GAN is made of. Generator and Discriminator are required; the zero
// value of every other field is the usual setting.
type Options struct {
	Generator     Generator
	Discriminator Discriminator
	Latent        int  // Z; 0 is 100
	Labels        bool // both networks are given the labels of the images

	Loss      Loss         // the zero Loss is NonSaturating()
	Penalties []Penalty    // added to the loss of the discriminator, such as R1(1)
	Augment   Augmentation // of real and generated images before the discriminator; nil = none

	DSteps   int     // updates of the discriminator an iteration, 1 to 100; 0 is 1
	DRate    float64 // learning rate of the discriminator as a multiple of the run's; 0 is 1
	Separate bool    // the discriminator has one update for real and one for generated images, not one for both
	EMA      float64 // decay of the moving average of the generator's weights, as 0.999, by which images are generated after training; 0 = none

	// Optimizer is the rule of every network, each with slots of its own, and DOptimizer
	// that of the discriminator where it is another; nil is Optimizer. An Optimizer of nil
	// is Adam with β₁ = 0.5, β₂ = 0.999 and ε = 1e-8, as in DCGAN.
	Optimizer, DOptimizer optim.Rule
}

// defaults returns o with the usual setting in place of each zero value.
func (o Options) defaults() Options {
	if o.Latent == 0 {
		o.Latent = 100
	}
	if o.Loss.Real == nil {
		o.Loss = NonSaturating()
	}
	if o.DSteps == 0 {
		o.DSteps = 1
	}
	if o.DRate == 0 {
		o.DRate = 1
	}
	if o.Optimizer == nil {
		o.Optimizer = optim.Adam{Beta1: 0.5, Beta2: 0.999, Epsilon: 1e-8}
	}
	if o.DOptimizer == nil {
		o.DOptimizer = o.Optimizer
	}
	return o
}

// Validate reports every fault of the options.
func (o Options) Validate() error {
	var faults []error
	check := func(ok bool, format string, a ...any) {
		if !ok {
			faults = append(faults, option.Errorf("gan: "+format, a...))
		}
	}
	check(o.Generator != nil, "{Generator} is nil: want a network")
	check(o.Discriminator != nil, "{Discriminator} is nil: want a network")
	check(o.Latent >= 0 && o.Latent <= model.MaxUnits, "{Latent} %d: want 0 to %d", o.Latent, model.MaxUnits)
	l := o.Loss
	check((l.Real == nil) == (l.Fake == nil) && (l.Real == nil) == (l.Generator == nil), "{Loss} %s: want Real, Fake and Generator, or none of them", l.Name)
	check(o.DSteps >= 0 && o.DSteps <= 100, "{DSteps} %d: want 1 to 100", o.DSteps)
	check(o.DRate >= 0 && o.DRate <= math.MaxFloat32, "{DRate} %v: want a multiple of {LR} above 0, as 1 or 4", o.DRate)
	check(o.EMA >= 0 && float32(o.EMA) < 1, "{EMA} %v: want 0 or more, and less than 1", o.EMA)
	return errors.Join(faults...)
}

// New returns the model of the options for images and labels as in says. name is that of
// the model in summaries and errors. It fails where Validate does, where the networks do
// not fit the images, and where a parameter belongs to neither network.
//
// One step of training takes a batch, deals its images to the DSteps updates of the
// discriminator, and updates the generator once: see jointUpdates in wgangp.go, or
// separateUpdates in dense.go with Separate. Its metrics are model.DLoss,
// model.DAccuracy unless the Loss is that of a critic, model.GLoss, the norms of both
// gradients, and with Penalties model.DPenalty and model.DInputGrad.
func New(name string, o Options, in model.Input) (*model.Model, error) {
	return o.defaults().diagnosis().modelOf(build(name, o, in))
}

// Kind returns a kind whose models New builds of options, and its recipe, for a
// model.Registry: 20 epochs in batches of 64 at a learning rate of 2e-4. The kind
// has no options in the command line: for these, write a model.Config that embeds
// Adversarial.
func Kind(name, about string, options func(in model.Input) Options) (model.Kind, model.Recipe) {
	kind := model.NewKind(name, about, func(in model.Input) (*model.Model, error) { return New(name, options(in), in) })
	return kind, model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 20, Batch: 64, LearningRate: 2e-4}}
}
