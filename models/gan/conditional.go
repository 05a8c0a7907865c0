package gan

import (
	"errors"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// conditional are the networks of DCGAN, given the labels y of an image. The generator
// has an embedding of y beside the noise. The discriminator with features φ(x) returns
//
//	ψ(φ(x)) + ⟨e(y), φ(x)⟩,   e an embedding
//
// Miyato & Koyama, arXiv:1802.05637, eq. 7. Generated images have the labels of the real
// images of the batch.
type conditional struct {
	Convolutional
	embedding int
}

// embed returns e(y), the sum of the vectors of the labels that an image has: (B,K) →
// (B,units). The vectors start from N(0, sd²).
func embed(b *nn.Builder, y *graph.Node, units int, sd float64) *graph.Node {
	e := *b
	e.Kernel, e.Bias = nn.Normal(0, sd), nil
	return e.Dense("label_embedding", e.Input("input_labels", y), units, nn.None)
}

// Generate returns images: z (B,Z), y (B,K) → (B,H,W,C) in [−1, 1].
func (c conditional) Generate(b *nn.Builder, z, y *graph.Node, img medium.Item) *graph.Node {
	z = b.Input("input_1", z)
	e := embed(b, y, c.embedding, 1) // without spectral norm: e has the variance of the noise
	return c.images(b, b.Layer("concatenate", "Concatenate", graph.Concat(1, z, e), z, e), img, nn.Tanh)
}

// Discriminate returns logits: x (B,H,W,C), y (B,K) → (B).
func (c conditional) Discriminate(b *nn.Builder, x, y *graph.Node) *graph.Node {
	features := c.features(b, x)
	d := c.layers(b, c.DNorm)
	psi, e := c.logits(b, features), embed(d, y, features.Shape()[1], 0.02)
	return d.Layer("projection", "Projection", graph.Add(psi, graph.Sum(graph.Mul(e, features), 1)), psi, e, features)
}

// CGANConfig configures kind cgan.
type CGANConfig struct {
	Noise
	Convolutional
	Embedding int `json:"embedding" flag:"embedding" help:"units of the embedding of the labels that the generator has beside the noise"` // ≥ 1
	Adversarial
}

// Validate reports every fault of the options.
func (c *CGANConfig) Validate() error {
	return errors.Join(c.Adversarial.faults(c.Noise, c.Convolutional, model.CheckUnits("gan", "Embedding", c.Embedding)...)...)
}

// New builds the model. It fails if the images have no labels.
func (c *CGANConfig) New(in model.Input) (*model.Model, error) {
	return c.Adversarial.diagnosis(c.DNorm).modelOf(c.build(in))
}

func (c *CGANConfig) build(in model.Input) (*adversary, error) {
	nets := conditional{c.Convolutional.withFilters(in.Item), c.Embedding}
	o, err := c.Adversarial.prepare(c, c.Noise, nets, in.Item)
	if err != nil {
		return nil, err
	}
	o.Labels = true
	return build("cgan", o, in)
}

// CGAN returns kind cgan and its recipe. With batch norm in the discriminator, or many units
// for the labels, the images of a class soon become equal.
func CGAN() (model.Kind, model.Recipe) {
	const name, about = "cgan", "conditional GAN with convolutional networks: given the labels"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			a := DefaultAdversarial()
			a.EMA = 0.999
			return &CGANConfig{Noise{64}, Convolutional{nil, 4, spectralNorm, batchNorm}, 10, a}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 20, Batch: 128, LearningRate: 1e-3}}
}
