package gan

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// learned is VAE-GAN, a VAE whose decoder is the generator of DCGAN, and which
// compares an image x with its reconstruction x̂ by what the body φ of the
// discriminator makes of them:
//
//	E: KL(q(z|x) ‖ N(0, I)) + L     L = ½‖φ(x) − φ(x̂)‖²
//	G: Gamma·L + what it pays for x̂ and for an image drawn from the prior
//	D: what it pays for x, x̂ and a drawn image
//
// E and G learn side by side, after D. The encoder has the convolutions of the
// discriminator, with batch norm and relu. Larsen et al., arXiv:1512.09300, alg. 1.
type learned struct {
	Convolutional
	latent int
	gamma  float64
}

func (c learned) encode(b *nn.Builder, x *graph.Node) (mu, logVar *graph.Node) {
	e := c.network(b, encoder, batchNorm)
	h := e.Input("input_3", x)
	for i, filters := range c.Filters {
		h = e.Conv2D(nn.LayerName("conv2d", i), h, filters, c.Kernel, 2, graph.Same, nn.None)
		h = e.BatchNorm(nn.LayerName("batch_normalization", i), h, nn.ReLU)
	}
	h = e.Flatten("flatten", h)
	e.Bias = nn.Zeros
	return e.Dense("mu", h, c.latent, nn.None), e.Dense("log_var", h, c.latent, nn.None)
}

// A likeness is what becomes of the scene's images x, of x̂ and of drawn images.
type likeness struct {
	x, drawn              *graph.Node // as they are seen: (B,H,W,C)
	onX, onAgain, onDrawn *graph.Node // what the discriminator says of x, x̂ and drawn images: (B)
	err, kl               *graph.Node // L and KL(q(z|x) ‖ N(0, I)): (B)
}

// look shows the discriminator the images; x̂ is augmented as x is.
func (c learned) look(s *scene) likeness {
	mu, logVar := c.encode(s.b, s.real())
	z := prob.GaussianSample(mu, logVar, s.key, s.stream("posterior"))
	x, again, drawn := s.real(), s.m.generate(s.b, z, nil, s.m.img), s.generate("noise")
	if s.b.Training {
		x, again, drawn = s.seen("real", x), s.seen("real", again), s.seen("made", drawn)
	} else {
		again, drawn = s.m.shown(s.b, again), s.m.shown(s.b, drawn)
	}
	ofX, ofAgain := c.body(s.b, x), c.body(s.b, again)
	return likeness{
		x: x, drawn: drawn,
		onX: c.verdict(s.b, ofX), onAgain: c.verdict(s.b, ofAgain), onDrawn: s.judge(drawn),
		err: graph.Scale(graph.Sum(graph.Square(graph.Sub(ofX, ofAgain)), 1), 0.5),
		kl:  prob.GaussianKL(mu, logVar),
	}
}

func (c learned) turns(s *scene) []turn {
	var turns []turn
	var last *scene
	var p likeness
	for _, last = range s.parts() {
		p = c.look(last)
		t := last.telling(p.x, p.drawn, p.onX, p.onDrawn)
		t.loss = graph.Add(t.loss, last.overReal(s.m.loss.fake(p.onAgain)))
		turns = append(turns, t)
	}
	off, kl := last.overReal(p.err), last.overReal(p.kl)
	g := last.fooling(p.onDrawn)
	g.loss = graph.Add(graph.Add(g.loss, last.overReal(s.m.loss.fool(p.onAgain))), graph.Scale(off, c.gamma))
	g.beside = true
	return append(turns, turn{player: encoder, loss: graph.Add(kl, off), metrics: []graph.Output{
		{Name: model.Reconstruction, Value: off}, {Name: model.KL, Value: kl},
	}}, g)
}

func (c learned) terms(s *scene) []graph.Output {
	p := c.look(s)
	terms := []graph.Output{{Name: model.Reconstruction, Value: p.err}, {Name: model.KL, Value: p.kl}}
	return append(terms, s.verdicts(p.onX, p.onDrawn)...)
}

// VAEGANConfig configures kind vae-gan.
type VAEGANConfig struct {
	Noise
	Convolutional
	Gamma float64 `json:"gamma" flag:"gamma" help:"weight of the error of reconstructions, as the discriminator's features have it, for the generator, which is to fool it too"` // ≥ 0
	Game
}

func (c *VAEGANConfig) faults() []error {
	if c.Gamma >= 0 && c.Gamma <= math.MaxFloat32 {
		return nil
	}
	return []error{option.Errorf("gan: {Gamma} %v: want a weight of 0 or more, as 0.05", c.Gamma)}
}

// Validate reports every fault of the options.
func (c *VAEGANConfig) Validate() error {
	return c.Game.validateWith(c.Noise, c.Convolutional, c.faults()...)
}

// New builds the model.
func (c *VAEGANConfig) New(in model.Input) (*model.Model, error) { return built(c.build(in)) }

func (c *VAEGANConfig) build(in model.Input) (*adversary, error) {
	nets := c.Convolutional.of(in.Image)
	if err := c.Game.check(c.Noise, nets, in.Image, c.faults()...); err != nil {
		return nil, err
	}
	players := append(c.Game.two(1e-8), c.Game.player(encoder, model.GradNorm, 1, 1e-8))
	m, err := c.Game.build("vae-gan", learned{nets, c.Latent, c.Gamma}, in, 0, c.Latent, players)
	if err != nil {
		return nil, err
	}
	objective := fmt.Sprintf("E: KL + L, L = ½‖φ(x) − φ(x̂)‖²; G: + %g·L; %s", c.Gamma, m.objective())
	m.coder(objective)
	return m, nil
}

// VAEGAN returns kind vae-gan and its recipe.
func VAEGAN() (model.Kind, model.Recipe) {
	const name, about = "vae-gan", "VAE with convolutional networks whose decoder is a generator, and its discriminator the likeness"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			return &VAEGANConfig{Noise{64}, Convolutional{nil, 4, batchNorm, batchNorm}, 0.05, game(0.5)}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 20, Batch: 128, LearningRate: 5e-4}}
}
