package gan

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// This file is InfoGAN: Chen et al., arXiv:1606.03657. Part of the noise of the generator
// is a code c, about which its images are to have much information. A network Q(c|x)
// gives a lower bound of the mutual information of c and an image, eq. 5:
//
//	L_I(G, Q) = E_{c∼P(c), x∼G(z,c)} [ln Q(c|x)] + H(c) ≤ I(c; G(z,c))
//
// and the networks are trained by, eq. 6:
//
//	min_{G,Q} max_D V_InfoGAN(D, G, Q) = V(D, G) − λ·L_I(G, Q)
//
// V is the adversarial loss of the option Loss, λ the option Info. H(c) is a constant,
// so qLoss leaves it out.

// recognition is the name of Q in parameters and slots.
const recognition = "recognition"

// infoGAN are the networks of DCGAN, and Q, which shares the features of the
// discriminator. The noise of the model is
//
//	z = (noise, c₁ … c_Codes, k₁ … k_Classes),   all N(0, I)
//
// from which the generator computes Codes continuous codes u = tanh(0.85·c), which are
// U(−1, 1) to 1 %, as published, and a class, the argmax of k, as 1 of K. Q returns the
// class, and N(μ, I) of the codes. Two layers follow table 1 of the paper: a dense layer
// after the noise, without which the class hardly changes the meaning of the other units,
// and a dense layer at the end of the features.
type infoGAN struct {
	Convolutional
	latent int
	Information
}

// Information are the options of the code.
type Information struct {
	Codes   int     `json:"info_codes" flag:"info-codes" help:"continuous codes that an image is to have information about, as its slant: the units before the classes"` // ≥ 0
	Classes int     `json:"info_classes" flag:"info-classes" help:"classes to find, of which an image has one: the last units, the largest of them"`                     // K ≥ 2
	Info    float64 `json:"info" flag:"info" help:"weight of the mutual information of images and codes"`                                                                // λ > 0
	Dense   int     `json:"dense" flag:"dense" help:"units of a dense layer after the noise, and of one at the end of the discriminator's features; 0 leaves them out"`  // ≥ 0
}

// codeFaults returns every fault of the options, with that many units of noise.
func (o Information) codeFaults(latent int) []error {
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

// split returns the parts of z (B,Z): the noise (B,Z−K−Codes) and the codes u (B,Codes),
// each nil if it has no units, and the class, 1 of K (B,K).
func (g infoGAN) split(z *graph.Node) (noise, codes, class *graph.Node) {
	n := z.Shape()[0]
	units := func(from, to int) *graph.Node { return graph.Slice(z, []int{0, from}, []int{n, to}, []int{1, 1}) }
	first := g.latent - g.Classes
	tieBreak := make([]float32, g.Classes) // so that one class is the largest also of equal units, as in the mean of the prior
	for i := range tieBreak {
		tieBreak[i] = -1e-6 * float32(i)
	}
	k := graph.Add(units(first, g.latent), graph.ConstOf(tieBreak, 1, g.Classes))
	class = graph.Equal(k, graph.Reshape(graph.ReduceMax(k, 1), n, 1))
	if first > g.Codes {
		noise = units(0, first-g.Codes)
	}
	if g.Codes > 0 {
		codes = uniform(units(first-g.Codes, first))
	}
	return noise, codes, class
}

// uniform returns a number whose distribution function differs from that of U(−1, 1) by
// less than 0.01, given one from N(0, 1): the logistic function of 1.7·c is nearly the
// distribution function of c.
func uniform(c *graph.Node) *graph.Node { return graph.Tanh(graph.Scale(c, 0.85)) }

// Generate returns images G(z, c): z (B,Z) → (B,H,W,C) in [−1, 1].
func (g infoGAN) Generate(b *nn.Builder, z, _ *graph.Node, img medium.Item) *graph.Node {
	b = g.layers(b, g.GNorm)
	z = b.Input("input_1", z)
	noise, codes, h := g.split(z)
	for _, part := range []*graph.Node{codes, noise} {
		if part != nil {
			h = graph.Concat(1, part, h)
		}
	}
	h = b.Layer("class", "OneHot", h, z)
	if g.Dense > 0 {
		h = b.Dense("dense_code", h, g.Dense, nn.None)
		h = normalise(b, g.GNorm, "batch_normalization_code", h, nn.ReLU)
	}
	return g.images(b, h, img, nn.Tanh)
}

// Discriminate returns logits: x (B,H,W,C) → (B).
func (g infoGAN) Discriminate(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	return g.logits(b, g.features(b, x))
}

// features returns the features that the discriminator and Q share: (B,H,W,C) → (B,D).
func (g infoGAN) features(b *nn.Builder, x *graph.Node) *graph.Node {
	h := g.Convolutional.features(b, x)
	if g.Dense == 0 {
		return h
	}
	b = g.layers(b, g.DNorm)
	h = b.Dense("dense_body", h, g.Dense, nn.None)
	return normalise(b, g.DNorm, "batch_normalization_body", h, nn.LeakyReLU(0.2))
}

// q returns Q(c|x), given features of x: the logits of the class (B,K), and the mean of
// the codes (B,Codes), nil without codes.
func (g infoGAN) q(b *nn.Builder, features *graph.Node) (class, mu *graph.Node) {
	b = g.layers(b.Network(recognition), g.DNorm)
	h := b.Dense("dense", b.Input("input_3", features), 128, nn.None)
	h = normalise(b, g.DNorm, "batch_normalization", h, nn.LeakyReLU(0.2))
	b.Bias = nn.Zeros
	class = b.Dense("class", h, g.Classes, nn.None)
	if g.Codes > 0 {
		mu = b.Dense("codes", h, g.Codes, nn.None)
	}
	return class, mu
}

// qLoss returns −ln Q(c|x) of generated images, given their features and their noise: (B),
// in nats. Its mean is H(c) − L_I(G, Q) of eq. 5.
func (g infoGAN) qLoss(b *nn.Builder, features, z *graph.Node) *graph.Node {
	_, codes, class := g.split(z)
	logits, mu := g.q(b, features)
	loss := prob.CategoricalNLL(class, logits) // −ln Q(class|x)
	if codes != nil {
		loss = graph.Sub(loss, prob.NormalLogDensity(graph.Sub(codes, mu))) // −ln N(u; μ(x), I)
	}
	return loss
}

// updates returns the updates of one iteration: those of jointUpdates with −λ·L_I of
// eq. 6 in both losses. Q is updated with the discriminator, whose features it shares.
func (g infoGAN) updates(in *inputs) []update.Update {
	var updates []update.Update
	var fakeLogits, qLoss *graph.Node
	for _, batch := range in.minibatches() {
		z := batch.noise(streamNoise) // z and c of eq. 5
		real, fake := batch.augmented(streamReal, batch.real()), batch.augmented(streamFake, batch.decodeNoise(z))
		d := batch.b.Network(discriminator)
		features := g.features(d, fake)
		realLogits := batch.logits(real)
		fakeLogits = g.logits(d, features)
		qLoss = graph.Mean(g.qLoss(batch.b, features, z))
		u := batch.discriminatorUpdate(real, fake, realLogits, fakeLogits) // max_D V(D, G)
		u.Loss = graph.Add(u.Loss, graph.Scale(qLoss, g.Info))             // min_Q −λ·L_I(G, Q)
		updates = append(updates, u)
	}
	u := in.generatorUpdate(fakeLogits)                    // min_G V(D, G)
	u.Loss = graph.Add(u.Loss, graph.Scale(qLoss, g.Info)) // min_G −λ·L_I(G, Q)
	u.Metrics = append(u.Metrics, graph.Output{Name: model.InfoLoss, Value: qLoss})
	return append(updates, u)
}

// metrics returns the metrics of each image and of one generated image beside it.
func (g infoGAN) metrics(in *inputs) []graph.Output {
	z := in.noise(streamNoise)
	features := g.features(in.b.Network(discriminator), in.withAverage(in.b, in.decodeNoise(z)))
	metrics := in.imageMetrics(in.logits(in.real()), g.logits(in.b.Network(discriminator), features))
	return append(metrics, graph.Output{Name: model.InfoLoss, Value: g.qLoss(in.b, features, z)})
}

// classify returns the function that computes Q(class|x).
func (g infoGAN) classify(m *adversary) model.Function {
	return func(n int) (*graph.Func, error) {
		return model.Build("classify", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			in := m.inputs(n, false)
			class, _ := g.q(in.b, g.features(in.b.Network(discriminator), in.real()))
			probs := graph.Tag(prob.Softmax(class), model.OutputProbs)
			return []*graph.Node{in.x}, []graph.Output{{Name: model.OutputProbs, Value: probs}}, nil
		})
	}
}

// InfoGANConfig configures kind infogan.
type InfoGANConfig struct {
	Noise
	Information
	Convolutional
	Adversarial
}

// Validate reports every fault of the options.
func (c *InfoGANConfig) Validate() error {
	return errors.Join(c.Adversarial.faults(c.Noise, c.Convolutional, c.Information.codeFaults(c.Latent)...)...)
}

// New builds the model.
func (c *InfoGANConfig) New(in model.Input) (*model.Model, error) {
	return c.Adversarial.diagnosis(c.DNorm).modelOf(c.build(in))
}

func (c *InfoGANConfig) build(in model.Input) (*adversary, error) {
	g := infoGAN{c.Convolutional.withFilters(in.Item), c.Latent, c.Information}
	o, err := c.Adversarial.prepare(c, c.Noise, g, in.Item)
	if err != nil {
		return nil, err
	}
	m, err := newAdversary("infogan", o, in)
	if err != nil {
		return nil, err
	}
	m.algorithm = g
	m.discriminatorOptimizer.networks = []string{discriminator, recognition}
	if err := m.declare(); err != nil {
		return nil, err
	}
	m.model.Classify = g.classify(m)
	m.model.Objective = fmt.Sprintf("%s; both: + %g·(−ln q(class, codes|G(z)))", m.model.Objective, c.Info)
	return m, nil
}

// InfoGAN returns kind infogan and its recipe, for sets of ten classes.
func InfoGAN() (model.Kind, model.Recipe) {
	const name, about = "infogan", "InfoGAN with convolutional networks: finds classes and codes without labels"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			a := DefaultAdversarial()
			a.EMA, a.DRate = 0.999, 0.2
			return &InfoGANConfig{Noise{74}, Information{2, 10, 0.3, 1024}, Convolutional{nil, 4, batchNorm, batchNorm}, a}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 12, Batch: 128, LearningRate: 1e-3, Schedule: "cosine"}}
}
