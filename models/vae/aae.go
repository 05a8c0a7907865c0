package vae

import (
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// aae is the adversarial autoencoder with dense layers, Makhzani et al.,
// arXiv:1511.05644, sec. 2, with their Gaussian q(z|x): a discriminator D separates codes
// of images from draws from N(0, I), and the encoder learns against it in place of a KL.
//
//	H·W·C – Hidden₀ relu – … – μ, ln σ²      z = μ + σ·ε
//	Z – … – Hidden₀ relu – H·W·C logits
//	Z – Hidden₀ relu – … – 1 logit
//
// A step is three updates: encoder and decoder by −ln p(x|z), D, and the encoder by the
// loss of a generator. The pixels that the encoder takes are in [−1,1], and the logits
// are twice the output of the last layer, so that the mean image is (1 + tanh)/2 of it.
// The decoder is the network generator in the names of parameters.
type aae struct {
	likelihood    likelihood.Likelihood
	hidden        []int
	latent        int
	rate          float64 // of D and of the encoder against it, as a multiple of the run's
	img           medium.Item
	discriminator codeDiscriminator
}

// encode returns q(z|x): (B,Z) each.
func (a aae) encode(in *Inputs) (mu, logVar *graph.Node) {
	e := in.Builder.Network("encoder")
	x := graph.AddScalar(graph.Scale(in.X, 2), -1)
	h := denseLayers(e, e.Flatten("flatten", e.Input("input_1", x)), a.hidden, nn.ReLU)
	return e.Dense("mu", h, a.latent, nn.None), e.Dense("log_var", h, a.latent, nn.None)
}

// decode returns the logits of the pixels: z (B,Z) → (B,H,W,C).
func (a aae) decode(in *Inputs, z *graph.Node) *graph.Node {
	g := in.Builder.Network("generator")
	up := slices.Clone(a.hidden)
	slices.Reverse(up)
	h := g.Dense("image", denseLayers(g, g.Input("input_2", z), up, nn.ReLU), a.img.Size(), nn.None)
	return graph.Scale(g.Reshape("reshape", h, a.img.Shape...), 2)
}

// aaeForward is what the losses are computed from, (B) each.
type aaeForward struct {
	reconstruction          *graph.Node // −ln p(x|z), z ~ q(z|x)
	priorLogits, codeLogits *graph.Node // of D for draws from N(0, I), and for codes
}

func (a aae) forward(in *Inputs) aaeForward {
	in = in.withTarget(a.likelihood)
	mu, logVar := a.encode(in)
	z := prob.GaussianSample(mu, logVar, in.Key, "posterior")
	nll := a.likelihood.NLL(in.Builder.Network("generator"), in.X, a.decode(in, z))
	prior := graph.Normal(in.Key, "prior", z.Shape()...)
	return aaeForward{nll, a.discriminator.logits(in.Builder, prior), a.discriminator.logits(in.Builder, z)}
}

func (a aae) updates(in *Inputs) []update.Update {
	f := a.forward(in)
	reconstruction := in.Mean(f.reconstruction)
	d := graph.Add(graph.Mean(negLogD(f.priorLogits)), in.Mean(negLogOneMinusD(f.codeLogits)))
	correct := graph.Add(graph.Mean(isPositive(f.priorLogits)), in.Mean(isNegative(f.codeLogits)))
	e := in.Mean(negLogD(f.codeLogits))
	return []update.Update{
		{
			Name: "autoencoder", Loss: reconstruction, Params: update.Params(in.Builder, "encoder", "generator"),
			Optimizer: adam("autoencoder"), GradNorm: model.GradNorm,
			Metrics: []graph.Output{{Name: model.Reconstruction, Value: reconstruction}},
		},
		{
			Name: "discriminator", Loss: d, Params: update.Params(in.Builder, "discriminator"),
			Optimizer: adversarialAdam("discriminator", 0.999), Rate: a.rate, GradNorm: model.DGradNorm,
			Metrics: []graph.Output{{Name: model.DLoss, Value: graph.Scale(d, 0.5)}, {Name: model.DAccuracy, Value: graph.Scale(correct, 0.5)}},
		},
		{
			Name: "encoder", Loss: e, Params: update.Params(in.Builder, "encoder"),
			Optimizer: adversarialAdam("encoder", 0.999), Rate: a.rate, GradNorm: model.GGradNorm,
			Metrics: []graph.Output{{Name: model.GLoss, Value: e}},
		},
	}
}

// terms returns the metrics of each image, and of one draw from the prior beside it.
func (a aae) terms(in *Inputs) []Term {
	f := a.forward(in)
	return []Term{
		{model.Reconstruction, f.reconstruction},
		{model.DLoss, mean2(negLogD(f.priorLogits), negLogOneMinusD(f.codeLogits))},
		{model.DAccuracy, mean2(isPositive(f.priorLogits), isNegative(f.codeLogits))},
		{model.GLoss, negLogD(f.codeLogits)},
	}
}

func (a aae) objective() objective {
	return objective{
		kind: "aae", latent: a.latent, likelihood: a.likelihood,
		formula: a.likelihood.Formula + "; D: −ln D(z) − ln(1 − D(E(x))), E: −ln D(E(x)), " + a.likelihood.Unit,
		terms:   a.terms, encode: a.encode, decode: a.decode, phases: []phase{{updates: a.updates}},
	}
}

// AAEConfig configures kind aae.
type AAEConfig struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
	likelihood.Options
	Hidden []int   `json:"hidden" flag:"hidden" help:"units of the encoder's hidden layers; the decoder has them in reverse, and the discriminator as they are"`    // each ≥ 1
	Rate   float64 `json:"adversarial_rate" flag:"adversarial-rate" help:"learning rate of the discriminator and of the encoder against it, as a multiple of --lr"` // > 0
	Overrides
}

// Validate reports every fault of the options.
func (c *AAEConfig) Validate() error {
	return joined(model.CheckUnits("vae", "Latent", c.Latent), c.Options.Validate(), model.CheckLayers("vae", "Hidden", c.Hidden), checkRate("Rate", c.Rate))
}

// New builds the model.
func (c *AAEConfig) New(in model.Input) (*model.Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	l, err := c.Options.Likelihood()
	if err != nil {
		return nil, err
	}
	a := aae{l, c.Hidden, c.Latent, c.Rate, in.Item, codeDiscriminator{c.Hidden, nn.ReLU}}
	m, err := a.objective().build(in, c.Overrides)
	if err != nil {
		return nil, err
	}
	m.Diagnostics = c.diagnostics()
	return m, nil
}

// AAE returns kind aae and its recipe.
func AAE() (model.Kind, model.Recipe) {
	const name, about = "aae", "adversarial autoencoder with dense networks: codes that a discriminator cannot tell from N(0, I)"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			return &AAEConfig{Latent: 8, Options: likelihood.DefaultOptions("mse"), Hidden: []int{512, 512}, Rate: 0.5}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 30, Batch: 128, LearningRate: 1e-3}}
}
