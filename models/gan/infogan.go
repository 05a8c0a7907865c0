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

const recognition = "recognition"

// informed is InfoGAN: DCGAN whose images are to tell what they were made of. A code
//
//	z = (noise, c₁ … c_Codes, k₁ … k_K),   all N(0, I)
//
// stands for noise, Codes numbers u = tanh(0.85·c) and a class, the largest of k, which
// the generator sees as 1 for the class and 0 for the others: u is from U(−1, 1), as
// published, to 1 %. A network Q, which shares the body of the discriminator, says both
// of an image, and the generator, Q and that body minimise in addition, of made images,
//
//	Info·(−ln q(class|x) − ln q(u|x)),   q(u|x) = N(μ(x), I)
//
// a bound of the mutual information, less a constant. The heads of Q follow a layer
// of 128. As published, a dense layer follows the code, where the class can change
// what all else means, and another ends the body. Chen et al., arXiv:1606.03657,
// eq. 5 and table 1.
type informed struct {
	Convolutional
	latent int
	Information
}

// Information are the options of what an image is to tell.
type Information struct {
	Codes   int     `json:"info_codes" flag:"info-codes" help:"numbers that an image is to tell, as its slant: the units before the classes"`                       // ≥ 0
	Classes int     `json:"info_classes" flag:"info-classes" help:"classes to find, of which an image is to tell its own: the last units, the largest of them"`     // K ≥ 2
	Info    float64 `json:"info" flag:"info" help:"weight of what images tell of their codes"`                                                                      // > 0
	Dense   int     `json:"dense" flag:"dense" help:"units of a dense layer after the code, and of one that ends the body of the discriminator; 0 leaves them out"` // ≥ 0
}

func (o Information) validate(latent int) []error {
	var faults []error
	if o.Codes < 0 || o.Codes > model.MaxUnits {
		faults = append(faults, option.Errorf("gan: {Codes} %d: want 0 to %d", o.Codes, model.MaxUnits))
	}
	if o.Classes < 2 || o.Classes > model.MaxUnits {
		faults = append(faults, option.Errorf("gan: {Classes} %d: want 2 to %d", o.Classes, model.MaxUnits))
	}
	if o.Dense < 0 || o.Dense > model.MaxUnits {
		faults = append(faults, option.Errorf("gan: {Dense} %d: want 0 to %d", o.Dense, model.MaxUnits))
	}
	if !(o.Info > 0 && o.Info <= math.MaxFloat32) {
		faults = append(faults, option.Errorf("gan: {Info} %v: want a weight above 0, as 1", o.Info))
	}
	if faults == nil && latent < o.Codes+o.Classes {
		faults = append(faults, option.Errorf("gan: {Latent} %d: want at least {Codes} %d and {Classes} %d together; more are noise", latent, o.Codes, o.Classes))
	}
	return faults
}

// uniform makes of N(0, 1) a number whose distribution function differs from that of
// U(−1, 1) by less than 0.01: the normal one is nearly the logistic of 1.7 times as much.
func uniform(c *graph.Node) *graph.Node { return graph.Tanh(graph.Scale(c, 0.85)) }

// split parts z (B,Z) into the noise (B,Z−K−Codes), the codes u (B,Codes), nil without
// any, and the class, 1 or 0 (B,K).
func (c informed) split(z *graph.Node) (noise, codes, class *graph.Node) {
	n := z.Shape()[0]
	cut := func(from, to int) *graph.Node { return graph.Slice(z, []int{0, from}, []int{n, to}, []int{1, 1}) }
	first := c.latent - c.Classes
	less := make([]float32, c.Classes) // so that one class is the largest where several are, as in the middle of the prior
	for i := range less {
		less[i] = -1e-6 * float32(i)
	}
	k := graph.Add(cut(first, c.latent), graph.ConstOf(less, 1, c.Classes))
	class = graph.Equal(k, graph.Reshape(graph.ReduceMax(k, 1), n, 1))
	if first > c.Codes {
		noise = cut(0, first-c.Codes)
	}
	if c.Codes > 0 {
		codes = uniform(cut(first-c.Codes, first))
	}
	return noise, codes, class
}

func (c informed) generate(b *nn.Builder, z, _ *graph.Node, img model.Image) *graph.Node {
	g := c.network(b, generator, c.GNorm)
	z = g.Input("input_1", z)
	noise, codes, h := c.split(z)
	for _, part := range []*graph.Node{codes, noise} {
		if part != nil {
			h = graph.Concat(1, part, h)
		}
	}
	h = g.Layer("class", "OneHot", h, z)
	if c.Dense > 0 {
		h = g.Dense("dense_code", h, c.Dense, nn.None)
		h = normed(g, c.GNorm, "batch_normalization_code", h, nn.ReLU)
	}
	return c.images(g, h, img)
}

func (c informed) body(b *nn.Builder, x *graph.Node) *graph.Node {
	h := c.Convolutional.body(b, x)
	if c.Dense == 0 {
		return h
	}
	d := c.network(b, discriminator, c.DNorm)
	h = d.Dense("dense_body", h, c.Dense, nn.None)
	return normed(d, c.DNorm, "batch_normalization_body", h, nn.LeakyReLU(0.2))
}

func (c informed) judge(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	return c.verdict(b, c.body(b, x))
}

// recognise returns Q, given what the discriminator's body makes of an image: the logits
// of the class (B,K), and μ of the codes (B,Codes), nil without.
func (c informed) recognise(b *nn.Builder, h *graph.Node) (class, mu *graph.Node) {
	q := c.network(b, recognition, c.DNorm)
	h = q.Dense("dense", q.Input("input_3", h), 128, nn.None)
	h = normed(q, c.DNorm, "batch_normalization", h, nn.LeakyReLU(0.2))
	q.Bias = nn.Zeros
	class = q.Dense("class", h, c.Classes, nn.None)
	if c.Codes > 0 {
		mu = q.Dense("codes", h, c.Codes, nn.None)
	}
	return class, mu
}

// surprisal returns −ln q of what an image was made of, in nats: h what the discriminator's
// body makes of it, → (B).
func (c informed) surprisal(b *nn.Builder, h, z *graph.Node) *graph.Node {
	_, codes, class := c.split(z)
	logits, mu := c.recognise(b, h)
	loss := prob.CategoricalNLL(class, logits)
	if codes != nil {
		loss = graph.Sub(loss, prob.NormalLogDensity(graph.Sub(codes, mu)))
	}
	return loss
}

// turns returns those of joint, the loss of Q in each.
func (c informed) turns(s *scene) []turn {
	var turns []turn
	var onFake, info *graph.Node
	for _, p := range s.parts() {
		x, made := p.seen("real", p.real()), p.seen("made", p.generate("noise"))
		h := c.body(p.b, made)
		onReal := p.judge(x)
		onFake = c.verdict(p.b, h)
		info = graph.Mean(c.surprisal(p.b, h, p.noise("noise")))
		t := p.telling(x, made, onReal, onFake)
		t.loss = graph.Add(t.loss, graph.Scale(info, c.Info))
		turns = append(turns, t)
	}
	t := s.fooling(onFake)
	t.loss = graph.Add(t.loss, graph.Scale(info, c.Info))
	t.metrics = append(t.metrics, graph.Output{Name: model.InfoLoss, Value: info})
	return append(turns, t)
}

func (c informed) terms(s *scene) []graph.Output {
	made := s.m.shown(s.b, s.generate("noise"))
	h := c.body(s.b, made)
	terms := s.verdicts(s.judge(s.real()), c.verdict(s.b, h))
	return append(terms, graph.Output{Name: model.InfoLoss, Value: c.surprisal(s.b, h, s.noise("noise"))})
}

// Classify gives q(class|x).
func (m *adversary) Classify(n int) (*graph.Func, error) {
	return model.Build("classify", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s, c := m.scene(n, false), m.design.(informed)
		class, _ := c.recognise(s.b, c.body(s.b, s.real()))
		probs := graph.Tag(prob.Softmax(class), model.OutputProbs)
		return []*graph.Node{s.x}, []graph.Output{{Name: model.OutputProbs, Value: probs}}, nil
	})
}

// InfoGANConfig configures kind infogan.
type InfoGANConfig struct {
	Noise
	Information
	Convolutional
	Game
}

// Validate reports every fault of the options.
func (c *InfoGANConfig) Validate() error {
	return c.Game.validateWith(c.Noise, c.Convolutional, c.Information.validate(c.Latent)...)
}

// New builds the model.
func (c *InfoGANConfig) New(in model.Input) (*model.Model, error) { return built(c.build(in)) }

func (c *InfoGANConfig) build(in model.Input) (*adversary, error) {
	nets := c.Convolutional.of(in.Image)
	if err := c.Game.check(c.Noise, nets, in.Image, c.Information.validate(c.Latent)...); err != nil {
		return nil, err
	}
	players := c.Game.two(1e-8)
	players[0].networks = append(players[0].networks, recognition)
	m, err := c.Game.build("infogan", informed{nets, c.Latent, c.Information}, in, 0, c.Latent, players)
	if err != nil {
		return nil, err
	}
	out := m.model
	out.Classify = m.Classify
	out.Objective = fmt.Sprintf("%s; both: + %g·(−ln q(class, codes|G(z)))", out.Objective, c.Info)
	return m, nil
}

// InfoGAN returns kind infogan and its recipe, for sets of ten classes.
func InfoGAN() (model.Kind, model.Recipe) {
	const name, about = "infogan", "InfoGAN with convolutional networks: finds classes and codes without labels"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			g := game(0.5)
			g.EMA, g.DRate = 0.999, 0.2
			return &InfoGANConfig{Noise{74}, Information{2, 10, 0.3, 1024}, Convolutional{nil, 4, batchNorm, batchNorm}, g}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 12, Batch: 128, LearningRate: 1e-3, Schedule: "cosine"}}
}
