package gan

import (
	"errors"
	"math"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

const (
	encoder     = "encoder"
	autoencoder = "autoencoder" // the player that has encoder and generator
)

// adversarial is the adversarial autoencoder of dense layers: an autoencoder whose
// codes a discriminator is to tell from draws from N(0, I).
//
//	H·W·C – Hidden₀ relu – … – μ, ln σ²      z = μ + σ·ε
//	Z – … – Hidden₀ relu – H·W·C tanh
//	Z – Hidden₀ relu – … – 1 logit
//
// the decoder, here the generator, having the encoder's layers in reverse. An
// iteration lowers the squared error of what is decoded, then the discriminator's
// loss, and then the encoder fools the discriminator. Makhzani et al.,
// arXiv:1511.05644, sec. 2, with their Gaussian q(z|x).
type adversarial struct {
	hidden []int
	latent int
}

func (c adversarial) encode(b *nn.Builder, x *graph.Node) (mu, logVar *graph.Node) {
	e := b.Network(encoder)
	h := c.stack(e, e.Flatten("flatten", e.Input("input_1", x)), c.hidden)
	return e.Dense("mu", h, c.latent, nn.None), e.Dense("log_var", h, c.latent, nn.None)
}

func (c adversarial) generate(b *nn.Builder, z, _ *graph.Node, img model.Image) *graph.Node {
	g := b.Network(generator)
	up := slices.Clone(c.hidden)
	slices.Reverse(up)
	h := g.Dense("image", c.stack(g, g.Input("input_2", z), up), img.Size(), nn.Tanh)
	return g.Reshape("reshape", h, img.H, img.W, img.C)
}

// judge returns of codes: (B,Z) → (B).
func (c adversarial) judge(b *nn.Builder, z, _ *graph.Node) *graph.Node {
	d := b.Network(discriminator)
	h := c.stack(d, d.Input("input_3", z), c.hidden)
	return graph.Reshape(d.Dense("logit", h, 1, nn.None), -1)
}

func (c adversarial) stack(b *nn.Builder, h *graph.Node, hidden []int) *graph.Node {
	for i, units := range hidden {
		h = b.Dense(nn.LayerName("dense", i), h, units, nn.ReLU)
	}
	return h
}

// code returns a draw from q(z|x) of each image.
func (c adversarial) code(s *scene) *graph.Node {
	mu, logVar := c.encode(s.b, s.real())
	return prob.GaussianSample(mu, logVar, s.key, "posterior")
}

// missed returns the squared error of images in [0,1] that were made in [−1,1]: (B).
func (s *scene) missed(made *graph.Node) *graph.Node {
	return graph.Scale(graph.Sum(graph.Square(graph.Sub(s.real(), made)), 1, 2, 3), 0.25)
}

func (c adversarial) turns(s *scene) []turn {
	z := c.code(s)
	off := s.overReal(s.missed(s.m.generate(s.b, z, nil, s.m.img)))
	onPrior, onCodes := s.judge(s.noise("prior")), s.judge(z)
	l := s.m.loss
	sum := graph.Add(graph.Mean(l.real(onPrior)), s.overReal(l.fake(onCodes)))
	right := graph.Add(graph.Mean(l.positive(onPrior)), s.overReal(l.negative(onCodes)))
	fool := s.overReal(l.fool(onCodes))
	return []turn{
		{player: autoencoder, loss: off, metrics: []graph.Output{{Name: model.Reconstruction, Value: off}}},
		{player: discriminator, loss: sum, metrics: s.told(graph.Scale(sum, 0.5), graph.Scale(right, 0.5))},
		{player: encoder, loss: fool, metrics: []graph.Output{{Name: model.GLoss, Value: fool}}},
	}
}

func (c adversarial) terms(s *scene) []graph.Output {
	z := c.code(s)
	off := s.missed(s.m.generate(s.b, z, nil, s.m.img))
	terms := []graph.Output{{Name: model.Reconstruction, Value: off}}
	return append(terms, s.verdicts(s.judge(s.noise("prior")), s.judge(z))...)
}

// An encoding design has codes of images.
type encoding interface {
	design
	// encode is q(z|x): x (B,H,W,C) in [−1, 1] → mu (B,Z), logVar (B,Z).
	encode(b *nn.Builder, x *graph.Node) (mu, logVar *graph.Node)
}

// coder declares the model of an encoding design.
func (m *adversary) coder(objective string) {
	m.model.Encode, m.model.Reconstruct, m.model.Objective = m.Encode, m.Reconstruct, objective
}

// Encode gives the mean of q(z|x) and its log-variance.
func (m *adversary) Encode(n int) (*graph.Func, error) {
	return model.Build("encode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n, false)
		mu, logVar := m.design.(encoding).encode(s.b, s.real())
		return []*graph.Node{s.x}, []graph.Output{{Name: model.OutputMean, Value: mu}, {Name: model.OutputLogVar, Value: logVar}}, nil
	})
}

// Reconstruct decodes the mean of q(z|x).
func (m *adversary) Reconstruct(n int) (*graph.Func, error) {
	return model.Build("reconstruct", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n, false)
		mu, _ := m.design.(encoding).encode(s.b, s.real())
		return []*graph.Node{s.x}, picture(m.shown(s.b, m.generate(s.b, mu, nil, m.img))), nil
	})
}

// AAEConfig configures kind aae.
type AAEConfig struct {
	Noise
	Hidden []int   `json:"hidden" flag:"hidden" help:"units of the encoder's hidden layers; the decoder has them in reverse, and the discriminator as they are"`       // each ≥ 1
	Rate   float64 `json:"adversarial_rate" flag:"adversarial-rate" help:"learning rate of the discriminator and of the encoder that fools it, as a multiple of --lr"` // > 0
}

// Validate reports every fault of the options.
func (c *AAEConfig) Validate() error {
	faults := append(c.Noise.validate(), model.CheckLayers("gan", "Hidden", c.Hidden)...)
	if !(c.Rate > 0 && c.Rate <= math.MaxFloat32) {
		faults = append(faults, option.Errorf("gan: {Rate} %v: want a multiple of {LR} above 0, as 0.5", c.Rate))
	}
	return errors.Join(faults...)
}

// New builds the model.
func (c *AAEConfig) New(in model.Input) (*model.Model, error) { return built(c.build(in)) }

func (c *AAEConfig) build(in model.Input) (*adversary, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if in.Size() < 1 {
		return nil, noImages(in.Image)
	}
	g := game(0.5)
	rule := optim.DefaultAdam()
	rule.Name = "optimizer/" + autoencoder
	players := []player{
		{autoencoder, []string{encoder, generator}, 1, model.GradNorm, rule},
		g.player(discriminator, model.DGradNorm, c.Rate, 1e-8),
		g.player(encoder, model.GGradNorm, c.Rate, 1e-8),
	}
	m, err := g.build("aae", adversarial{c.Hidden, c.Latent}, in, 0, c.Latent, players)
	if err != nil {
		return nil, err
	}
	m.coder("‖x − x̂‖²; D: −ln D(z) − ln(1 − D(E(x))), E: −ln D(E(x)), nats per image")
	return m, nil
}

// AAE returns kind aae and its recipe.
func AAE() (model.Kind, model.Recipe) {
	const name, about = "aae", "adversarial autoencoder with dense networks: codes that a discriminator cannot tell from N(0, I)"
	return model.Kind{Name: name, About: about, Default: func() model.Config { return &AAEConfig{Noise{8}, []int{512, 512}, 0.5} }},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 30, Batch: 128, LearningRate: 1e-3}}
}
