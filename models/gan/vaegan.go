package gan

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// This file is VAE-GAN: Larsen et al., arXiv:1512.09300, algorithm 1. The decoder of a
// VAE is the generator of a GAN, and images x are compared with their reconstructions x̃
// by features Dis_l of the discriminator, eq. 7 and 8:
//
//	L_prior = KL(q(z|x) ‖ N(0, I))
//	L_llike = −E_{q(z|x)} [ln p(Dis_l(x)|z)] = ½‖Dis_l(x) − Dis_l(x̃)‖² + constant
//	L_GAN   = the adversarial loss on x, x̃ and generated images x_p, eq. 9
//
//	θ_Enc ← −∇ (L_prior + L_llike)
//	θ_Dec ← −∇ (γ·L_llike − L_GAN)
//	θ_Dis ← −∇ L_GAN
//
// The discriminator is updated first; encoder and generator then learn from it side by
// side. The option Reconstruction replaces L_llike by a likelihood of the pixels.

// encoder is the name of the network q(z|x) in parameters and slots.
const encoder = "encoder"

// featureReconstruction is the value of Reconstruction that compares features.
const featureReconstruction = "features"

// vaeGAN are the networks of DCGAN, and an encoder with the convolutions of the
// discriminator, with batch norm and relu.
type vaeGAN struct {
	Convolutional
	latent           int
	gamma            float64
	pixels           *likelihood.Likelihood // of pixels; nil = feature reconstruction
	encoderOptimizer optimizer
}

// encode returns q(z|x): x (B,H,W,C) in [−1, 1] → mu, logVar (B,Z).
func (g vaeGAN) encode(b *nn.Builder, x *graph.Node) (mu, logVar *graph.Node) {
	b = g.layers(b.Network(encoder), batchNorm)
	h := b.Input("input_3", x)
	for i, filters := range g.Filters {
		h = b.Conv2D(nn.LayerName("conv2d", i), h, filters, g.Kernel, 2, graph.Same, nn.None)
		h = b.BatchNorm(nn.LayerName("batch_normalization", i), h, nn.ReLU)
	}
	h = b.Flatten("flatten", h)
	b.Bias = nn.Zeros
	return b.Dense("mu", h, g.latent, nn.None), b.Dense("log_var", h, g.latent, nn.None)
}

// decode returns the images that the generator computes from z, (B,H,W,C) in [−1, 1],
// and the logits of the same images in [0, 1]: tanh(a) in [−1, 1] is σ(2a) in [0, 1].
func (g vaeGAN) decode(b *nn.Builder, z *graph.Node, img medium.Item) (x, logits *graph.Node) {
	b = b.Network(generator)
	x = g.images(b, b.Input("input_1", z), img, func(a *graph.Node) *graph.Node {
		logits = graph.Scale(a, 2)
		return nn.Tanh(a)
	})
	return x, logits
}

// A vaeGANBatch is what the networks compute from a batch of images x.
type vaeGANBatch struct {
	real, fake                                   *graph.Node // x and generated images x_p: (B,H,W,C) in [−1, 1]
	realLogits, reconstructionLogits, fakeLogits *graph.Node // of the discriminator for x, x̃ and x_p: (B)
	reconstruction, kl                           *graph.Node // L_llike and L_prior of each image, in nats: (B)
}

// compute returns what the networks compute from a batch. The augmentation of x̃ is that
// of x.
func (g vaeGAN) compute(in *inputs) vaeGANBatch {
	mu, logVar := g.encode(in.b, in.real())
	z := prob.GaussianSample(mu, logVar, in.key, in.stream(streamPosterior))
	reconstructed, logits := g.decode(in.b, z, in.img)
	real, fake := in.real(), in.generate(streamNoise)
	var pixels *graph.Node
	if g.pixels != nil {
		pixels = g.pixels.NLL(in.b.Network(generator), g.pixels.Target(in.x, in.key), logits)
	}
	if in.b.Training {
		real, reconstructed, fake = in.augmented(streamReal, real), in.augmented(streamReal, reconstructed), in.augmented(streamFake, fake)
	} else {
		reconstructed, fake = in.withAverage(in.b, reconstructed), in.withAverage(in.b, fake)
		if pixels != nil {
			pixels = in.withAverage(in.b, pixels)
		}
	}
	d := in.b.Network(discriminator)
	realFeatures, reconstructedFeatures := g.features(d, real), g.features(d, reconstructed)
	batch := vaeGANBatch{
		real: real, fake: fake,
		realLogits: g.logits(d, realFeatures), reconstructionLogits: g.logits(d, reconstructedFeatures), fakeLogits: in.logits(fake),
		reconstruction: pixels, kl: prob.GaussianKL(mu, logVar),
	}
	if pixels == nil { // eq. 7 and 8
		difference := graph.Sub(realFeatures, reconstructedFeatures)
		batch.reconstruction = graph.Scale(graph.Sum(graph.Square(difference), 1), 0.5)
	}
	return batch
}

// updates returns the updates of one iteration of algorithm 1.
func (g vaeGAN) updates(in *inputs) []update.Update {
	var updates []update.Update
	var last *inputs
	var c vaeGANBatch
	for _, last = range in.minibatches() {
		c = g.compute(last)
		u := last.discriminatorUpdate(c.real, c.fake, c.realLogits, c.fakeLogits)
		u.Loss = graph.Add(u.Loss, last.mean(in.Loss.Fake(c.reconstructionLogits)))
		updates = append(updates, u) // θ_Dis
	}
	reconstruction, kl := last.mean(c.reconstruction), last.mean(c.kl)
	enc := in.update(g.encoderOptimizer, graph.Add(kl, reconstruction), // θ_Enc
		graph.Output{Name: model.Reconstruction, Value: reconstruction}, graph.Output{Name: model.KL, Value: kl})
	gen := last.generatorUpdate(c.fakeLogits) // θ_Dec
	gen.Loss = graph.Add(gen.Loss, last.mean(in.Loss.Generator(c.reconstructionLogits)))
	gen.Loss = graph.Add(gen.Loss, graph.Scale(reconstruction, g.gamma))
	gen.Simultaneous = true
	return append(updates, enc, gen)
}

// metrics returns the metrics of each image and of one generated image beside it.
func (g vaeGAN) metrics(in *inputs) []graph.Output {
	c := g.compute(in)
	metrics := []graph.Output{{Name: model.Reconstruction, Value: c.reconstruction}, {Name: model.KL, Value: c.kl}}
	return append(metrics, in.imageMetrics(c.realLogits, c.fakeLogits)...)
}

// encodeFunction returns the function that computes the mean and the log-variance of
// q(z|x).
func (g vaeGAN) encodeFunction(m *adversary) model.Function {
	return func(n int) (*graph.Func, error) {
		return model.Build("encode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			in := m.inputs(n, false)
			mu, logVar := g.encode(in.b, in.real())
			return []*graph.Node{in.x}, []graph.Output{{Name: model.OutputMean, Value: mu}, {Name: model.OutputLogVar, Value: logVar}}, nil
		})
	}
}

// reconstructFunction returns the function that decodes the mean of q(z|x).
func (g vaeGAN) reconstructFunction(m *adversary) model.Function {
	return func(n int) (*graph.Func, error) {
		return model.Build("reconstruct", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			in := m.inputs(n, false)
			mu, _ := g.encode(in.b, in.real())
			return []*graph.Node{in.x}, picture(m.withAverage(in.b, in.decodeNoise(mu))), nil
		})
	}
}

// VAEGANConfig configures kind vae-gan.
type VAEGANConfig struct {
	Noise
	Convolutional
	Gamma float64 `json:"gamma" flag:"gamma" help:"weight of the reconstruction error in the loss of the generator, beside the adversarial loss"` // γ ≥ 0
	VAEGANReconstruction
	Adversarial
}

// VAEGANReconstruction is the option of how an image is compared with its reconstruction.
type VAEGANReconstruction struct {
	Reconstruction string `json:"reconstruction" flag:"reconstruction"` // features, or a name of package likelihood
}

// OptionHelp returns the help text of the option Reconstruction, which lists the table of
// likelihoods.
func (VAEGANReconstruction) OptionHelp(field string) string {
	if field != "Reconstruction" {
		return ""
	}
	return "what compares images with reconstructions: features of the discriminator, as published, or a likelihood of the pixels: " + strings.Join(likelihood.Names(), ", ")
}

// likelihood returns the likelihood of pixels that the option names, nil for features.
func (r VAEGANReconstruction) likelihood() (*likelihood.Likelihood, error) {
	if r.Reconstruction == featureReconstruction {
		return nil, nil
	}
	if !slices.Contains(likelihood.Names(), r.Reconstruction) {
		return nil, option.Errorf("gan: {Reconstruction} %q: want %s, %s", r.Reconstruction, featureReconstruction, strings.Join(likelihood.Names(), ", "))
	}
	l, err := likelihood.ByName(r.Reconstruction)
	return &l, err
}

// Validate reports every fault of the options.
func (c *VAEGANConfig) Validate() error {
	var own []error
	if !(c.Gamma >= 0 && c.Gamma <= math.MaxFloat32) {
		own = append(own, option.Errorf("gan: {Gamma} %v: want a weight of 0 or more, as 0.05", c.Gamma))
	}
	if _, err := c.likelihood(); err != nil {
		own = append(own, err)
	}
	return errors.Join(c.Adversarial.faults(c.Noise, c.Convolutional, own...)...)
}

// New builds the model.
func (c *VAEGANConfig) New(in model.Input) (*model.Model, error) {
	return c.diagnosis().modelOf(c.build(in))
}

func (c *VAEGANConfig) build(in model.Input) (*adversary, error) {
	g := vaeGAN{Convolutional: c.Convolutional.withFilters(in.Item), latent: c.Latent, gamma: c.Gamma}
	o, err := c.Adversarial.prepare(c, c.Noise, g, in.Item)
	if err != nil {
		return nil, err
	}
	if g.pixels, err = c.likelihood(); err != nil {
		return nil, err
	}
	m, err := newAdversary("vae-gan", o, in)
	if err != nil {
		return nil, err
	}
	g.encoderOptimizer = newOptimizer(encoder, m.Optimizer, 1, model.GradNorm)
	m.algorithm = g
	if err := m.declare(); err != nil {
		return nil, err
	}
	m.model.Encode, m.model.Reconstruct = g.encodeFunction(m), g.reconstructFunction(m)
	term := "½‖φ(x) − φ(x̂)‖²"
	if g.pixels != nil {
		term = medium.Reword(in.Item, g.pixels.Formula)
		m.model.Likelihood = g.pixels.Describe(in.Item)
	}
	m.model.Objective = fmt.Sprintf("E: KL + L, L = %s; G: + %g·L; %s", term, c.Gamma, m.model.Objective)
	return m, nil
}

// VAEGAN returns kind vae-gan and its recipe.
func VAEGAN() (model.Kind, model.Recipe) {
	const name, about = "vae-gan", "VAE with convolutional networks whose decoder is the generator of a GAN: features of the discriminator compare images"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			return &VAEGANConfig{Noise{64}, Convolutional{nil, 4, batchNorm, batchNorm}, 0.05, VAEGANReconstruction{featureReconstruction}, DefaultAdversarial()}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 20, Batch: 128, LearningRate: 5e-4}}
}
