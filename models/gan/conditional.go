package gan

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// conditional is DCGAN whose networks are both given the labels y of an image. The
// generator has an embedding of them beside the noise, and the discriminator adds
// to its output how well they go with what it makes of the image, φ(x):
//
//	ψ(φ(x)) + ⟨e(y), φ(x)⟩
//
// Miyato & Koyama, arXiv:1802.05637, eq. 7. Made images are to have the labels of the
// real batch.
type conditional struct {
	Convolutional
	embedding int
}

// embedding returns e(y), a sum over the labels that an image has: (B,K) → (B,units).
func embedding(b *nn.Builder, y *graph.Node, units int, sd float64) *graph.Node {
	e := *b
	e.Kernel, e.Bias = nn.Normal(0, sd), nil
	return e.Dense("label_embedding", e.Input("input_labels", y), units, nn.None)
}

func (c conditional) generate(b *nn.Builder, z, y *graph.Node, img model.Image) *graph.Node {
	g := c.network(b, generator, c.GNorm)
	z = g.Input("input_1", z)
	e := *g
	e.Spectral = false // of the variance of the noise
	told := embedding(&e, y, c.embedding, 1)
	return c.images(g, g.Layer("concatenate", "Concatenate", graph.Concat(1, z, told), z, told), img)
}

func (c conditional) judge(b *nn.Builder, x, y *graph.Node) *graph.Node {
	h := c.body(b, x)
	d := c.network(b, discriminator, c.DNorm)
	psi, e := c.verdict(b, h), embedding(d, y, h.Shape()[1], 0.02)
	return d.Layer("projection", "Projection", graph.Add(psi, graph.Sum(graph.Mul(e, h), 1)), psi, e, h)
}

// Sample makes images of noise, with the labels that they are to have.
func (m *adversary) Sample(n int) (*graph.Func, error) {
	return model.Build("sample", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		s := m.scene(n, false)
		return []*graph.Node{s.key, s.labels}, picture(m.shown(s.b, s.generate("prior"))), nil
	})
}

// CGANConfig configures kind cgan.
type CGANConfig struct {
	Noise
	Convolutional
	Embedding int `json:"embedding" flag:"embedding" help:"units that tell the generator the labels, beside the noise"` // ≥ 1
	Game
}

// Validate reports every fault of the options.
func (c *CGANConfig) Validate() error {
	return c.Game.validateWith(c.Noise, c.Convolutional, model.CheckUnits("gan", "Embedding", c.Embedding)...)
}

// New builds the model.
func (c *CGANConfig) New(in model.Input) (*model.Model, error) { return built(c.build(in)) }

func (c *CGANConfig) build(in model.Input) (*adversary, error) {
	nets := c.Convolutional.of(in.Image)
	if err := c.Game.check(c.Noise, nets, in.Image, model.CheckUnits("gan", "Embedding", c.Embedding)...); err != nil {
		return nil, err
	}
	if in.Labels == 0 {
		return nil, option.Errorf("gan: cgan is given the labels of images, and these have none: use a labelled set, as {Data} mnist, or dcgan")
	}
	m, err := c.Game.build("cgan", conditional{nets, c.Embedding}, in, in.Labels, c.Latent, c.Game.two(1e-8))
	if err != nil {
		return nil, err
	}
	out := m.model
	out.Sample, out.Objective = m.Sample, m.objective()+"; given the labels"
	return m, nil
}

// CGAN returns kind cgan and its recipe. With batch norm in the discriminator, or many units
// for the label, the images of a class are soon all the same.
func CGAN() (model.Kind, model.Recipe) {
	const name, about = "cgan", "conditional GAN with convolutional networks: given the labels"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			g := game(0.5)
			g.EMA = 0.999
			return &CGANConfig{Noise{64}, Convolutional{nil, 4, spectralNorm, batchNorm}, 10, g}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 20, Batch: 128, LearningRate: 1e-3}}
}
