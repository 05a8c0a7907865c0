package gan

import (
	"errors"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// autoencoder is the name of the updates of encoder and generator together.
const autoencoder = "autoencoder"

// aae is the adversarial autoencoder with dense layers: the discriminator separates codes
// from draws from N(0, I).
//
//	H·W·C – Hidden₀ relu – … – μ, ln σ²      z = μ + σ·ε
//	Z – … – Hidden₀ relu – H·W·C tanh
//	Z – Hidden₀ relu – … – 1 logit
//
// The decoder, here the generator, has the layers of the encoder in reverse. An iteration
// updates encoder and decoder by the squared error, then the discriminator, and then the
// encoder by the loss of a generator. Makhzani et al., arXiv:1511.05644, sec. 2, with their
// Gaussian q(z|x).
type aae struct {
	hidden                                 []int
	latent                                 int
	autoencoderOptimizer, encoderOptimizer optimizer
}

// encode returns q(z|x): x (B,H,W,C) in [−1, 1] → mu, logVar (B,Z).
func (g aae) encode(b *nn.Builder, x *graph.Node) (mu, logVar *graph.Node) {
	e := b.Network(encoder)
	h := g.stack(e, e.Flatten("flatten", e.Input("input_1", x)), g.hidden)
	return e.Dense("mu", h, g.latent, nn.None), e.Dense("log_var", h, g.latent, nn.None)
}

// Generate returns images: z (B,Z) → (B,H,W,C) in [−1, 1].
func (g aae) Generate(b *nn.Builder, z, _ *graph.Node, img model.Image) *graph.Node {
	up := slices.Clone(g.hidden)
	slices.Reverse(up)
	h := b.Dense("image", g.stack(b, b.Input("input_2", z), up), img.Size(), nn.Tanh)
	return b.Reshape("reshape", h, img.H, img.W, img.C)
}

// Discriminate returns logits of codes: z (B,Z) → (B).
func (g aae) Discriminate(b *nn.Builder, z, _ *graph.Node) *graph.Node {
	h := g.stack(b, b.Input("input_3", z), g.hidden)
	return graph.Reshape(b.Dense("logit", h, 1, nn.None), -1)
}

func (g aae) stack(b *nn.Builder, h *graph.Node, hidden []int) *graph.Node {
	for i, units := range hidden {
		h = b.Dense(nn.LayerName("dense", i), h, units, nn.ReLU)
	}
	return h
}

// reconstruct returns a draw z from q(z|x) and the squared error of its image: (B).
func (g aae) reconstruct(in *inputs) (z, err *graph.Node) {
	mu, logVar := g.encode(in.b, in.real())
	z = prob.GaussianSample(mu, logVar, in.key, streamPosterior)
	difference := graph.Sub(in.real(), in.decodeNoise(z)) // twice that of pixels in [0, 1]
	return z, graph.Scale(graph.Sum(graph.Square(difference), 1, 2, 3), 0.25)
}

// updates returns the updates of one iteration.
func (g aae) updates(in *inputs) []update.Update {
	z, squaredError := g.reconstruct(in)
	reconstruction := in.mean(squaredError)
	priorLogits, codeLogits := in.logits(in.noise("prior")), in.logits(z)
	l := in.Loss
	loss := graph.Add(graph.Mean(l.Real(priorLogits)), in.mean(l.Fake(codeLogits)))
	correct := graph.Add(graph.Mean(l.isReal(priorLogits)), in.mean(l.isFake(codeLogits)))
	generatorLoss := in.mean(l.Generator(codeLogits))
	return []update.Update{
		in.update(g.autoencoderOptimizer, reconstruction, graph.Output{Name: model.Reconstruction, Value: reconstruction}),
		in.update(in.discriminatorOptimizer, loss, in.discriminatorMetrics(graph.Scale(loss, 0.5), graph.Scale(correct, 0.5))...),
		in.update(g.encoderOptimizer, generatorLoss, graph.Output{Name: model.GLoss, Value: generatorLoss}),
	}
}

// metrics returns the metrics of each image and of one draw from the prior beside it.
func (g aae) metrics(in *inputs) []graph.Output {
	z, squaredError := g.reconstruct(in)
	metrics := []graph.Output{{Name: model.Reconstruction, Value: squaredError}}
	return append(metrics, in.imageMetrics(in.logits(in.noise("prior")), in.logits(z))...)
}

// AAEConfig configures kind aae.
type AAEConfig struct {
	Noise
	Hidden []int   `json:"hidden" flag:"hidden" help:"units of the encoder's hidden layers; the decoder has them in reverse, and the discriminator as they are"`       // each ≥ 1
	Rate   float64 `json:"adversarial_rate" flag:"adversarial-rate" help:"learning rate of the discriminator and of the encoder that fools it, as a multiple of --lr"` // > 0
}

// Validate reports every fault of the options.
func (c *AAEConfig) Validate() error {
	faults := append(c.Noise.Faults(), model.CheckLayers("gan", "Hidden", c.Hidden)...)
	if !(c.Rate > 0 && c.Rate <= math.MaxFloat32) {
		faults = append(faults, option.Errorf("gan: {Rate} %v: want a multiple of {LR} above 0, as 0.5", c.Rate))
	}
	return errors.Join(faults...)
}

// New builds the model.
func (c *AAEConfig) New(in model.Input) (*model.Model, error) {
	return c.diagnosis().modelOf(c.build(in))
}

func (c *AAEConfig) build(in model.Input) (*adversary, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	g := aae{hidden: c.Hidden, latent: c.Latent}
	m, err := newAdversary("aae", Options{Generator: g, Discriminator: g, Latent: c.Latent, DRate: c.Rate}, in)
	if err != nil {
		return nil, err
	}
	rule := optim.DefaultAdam()
	rule.Name = "optimizer/" + autoencoder
	g.autoencoderOptimizer = optimizer{autoencoder, []string{encoder, generator}, rule, 1, model.GradNorm}
	g.encoderOptimizer = m.optimizer(encoder, model.GGradNorm, c.Rate)
	m.algorithm = g
	if err := m.declare(); err != nil {
		return nil, err
	}
	m.model.Encode, m.model.Reconstruct = m.encodeFunction(g), m.reconstructFunction(g)
	m.model.Objective = "‖x − x̂‖²; D: −ln D(z) − ln(1 − D(E(x))), E: −ln D(E(x)), nats per image"
	return m, nil
}

// AAE returns kind aae and its recipe.
func AAE() (model.Kind, model.Recipe) {
	const name, about = "aae", "adversarial autoencoder with dense networks: codes that a discriminator cannot tell from N(0, I)"
	return model.Kind{Name: name, About: about, Default: func() model.Config { return &AAEConfig{Noise{8}, []int{512, 512}, 0.5} }},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 30, Batch: 128, LearningRate: 1e-3}}
}
