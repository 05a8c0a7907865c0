package gan

import (
	"errors"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// Dense are networks of one hidden dense layer, for images of any shape:
//
//	generator      Z – Hidden leaky relu – H·W·C tanh
//	discriminator  H·W·C – Hidden leaky relu – 1 logit
//
// The leaky relu has the slope 0.01 for negative numbers.
type Dense struct {
	Hidden int `json:"hidden" flag:"hidden" help:"units of the hidden layer of both networks"` // ≥ 1
}

func (c Dense) faults() []error            { return model.CheckUnits("gan", "Hidden", c.Hidden) }
func (c Dense) fits(img medium.Item) error { return nil }
func (c Dense) mixesImages() bool          { return false }

// Generate returns images: z (B,Z) → (B,H,W,C) in [−1, 1].
func (c Dense) Generate(b *nn.Builder, z, _ *graph.Node, img medium.Item) *graph.Node {
	h := b.Dense("dense", b.Input("input_1", z), c.Hidden, nn.LeakyReLU(0.01))
	h = b.Dense("dense_1", h, img.Size(), nn.Tanh)
	return b.Reshape("reshape", h, img.Shape...)
}

// Discriminate returns logits: x (B,H,W,C) → (B).
func (c Dense) Discriminate(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	h := b.Flatten("flatten", b.Input("input_2", x))
	h = b.Dense("dense_2", h, c.Hidden, nn.LeakyReLU(0.01))
	return graph.Reshape(b.Dense("dense_3", h, 1, nn.None), -1)
}

// separateUpdates returns the updates of one iteration of the dense GAN as published: the
// discriminator learns from real images, then from generated ones, and then the generator
// from the discriminator after both, with new noise. Penalties are in the first update.
func separateUpdates(in *inputs) []update.Update {
	var updates []update.Update
	for _, batch := range in.minibatches() {
		l, real, fake := in.Loss, batch.augmented(streamReal, batch.real()), batch.augmented(streamFake, batch.generate(streamNoise))
		realLogits, fakeLogits := batch.logits(real), batch.logits(fake)
		realLoss, fakeLoss := batch.mean(l.Real(realLogits)), graph.Mean(l.Fake(fakeLogits))
		onReal := batch.update(in.discriminatorOptimizer, realLoss, batch.discriminatorMetrics(realLoss, batch.mean(l.isReal(realLogits)))...)
		onFake := batch.update(in.discriminatorOptimizer, fakeLoss, batch.discriminatorMetrics(fakeLoss, graph.Mean(l.isFake(fakeLogits)))...)
		updates = append(updates, batch.penalised(onReal, real, fake), onFake)
	}
	fake := in.augmented(streamFakeGenerator, in.generate(streamGeneratorStep))
	return append(updates, in.generatorUpdate(in.logits(fake)))
}

// DenseConfig configures kind dense-gan.
type DenseConfig struct {
	Noise
	Dense
	Adversarial
}

// Validate reports every fault of the options.
func (c *DenseConfig) Validate() error {
	return errors.Join(c.Adversarial.faults(c.Noise, c.Dense)...)
}

// New builds the model. Its Adam has the ε of Keras, 1e-7.
func (c *DenseConfig) New(in model.Input) (*model.Model, error) {
	return c.Adversarial.diagnosis("").modelOf(c.build(in))
}

func (c *DenseConfig) build(in model.Input) (*adversary, error) {
	o, err := c.Adversarial.prepare(c, c.Noise, c.Dense, in.Item)
	if err != nil {
		return nil, err
	}
	o.Separate = true
	if c.Optimizer == nil {
		o.Optimizer = optim.Adam{Beta1: c.Beta1, Beta2: c.Beta2, Epsilon: 1e-7}
	}
	return build("dense-gan", o, in)
}

// DenseGAN returns kind dense-gan and its recipe, the published dense GAN: 114,064
// parameters of the generator and 100,609 of the discriminator for 28x28x1. Its
// 20,000 iterations are 43 epochs of the 60,000 images of MNIST, the last one cut short.
func DenseGAN() (model.Kind, model.Recipe) {
	const name, about = "dense-gan", "generative adversarial network with dense networks"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			a := DefaultAdversarial()
			a.Beta1 = 0.9
			return &DenseConfig{Noise{100}, Dense{128}, a}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 43, Steps: 20_000, LogSteps: 1000, Batch: 128, LearningRate: 1e-3}}
}
