package gan

import (
	"errors"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// Residual are networks of residual blocks. With n = len(Filters), h = H/2ⁿ and
// w = W/2ⁿ:
//
//	generator      Z – h·w·Filtersₙ₋₁ – up Filtersₙ₋₁ – … – up Filters₀ – bn relu – Conv C tanh
//	discriminator  (H,W,C) – down Filters₀ – … – down Filtersₙ₋₁ – relu – 1 logit
//
// A block is the sum of two convolutions of 3x3 and of a shortcut, a convolution of 1x1
// that makes the number of channels equal:
//
//	up F    bn relu double Conv F bn relu Conv F  +  double Conv1x1 F
//	down F  bn relu Conv F bn relu Conv F halve   +  Conv1x1 F halve
//
// The first block of the discriminator takes the image without bn and relu. bn is the
// norm of GNorm or DNorm. H and W are multiples of 2ⁿ. Gulrajani et al.,
// arXiv:1704.00028, app. F; Miyato et al., arXiv:1802.05957, app. B.4.
type Residual struct {
	Filters []int  `json:"filters" flag:"filters" help:"filters of the discriminator's blocks, each of which halves the image; the generator has them in reverse (default by the image: from 16 on, or 32 for 64 pixels and more, twice as many each time, to a side of 4 to 7)"` // each ≥ 1
	DNorm   string `json:"d_norm" flag:"d-norm" help:"how the discriminator is kept in bounds: spectral (spectral norm), batch (batch norm) or none"`                                                                                                                             // a norm
	GNorm   string `json:"g_norm" flag:"g-norm" help:"how the generator's layers are normalised: batch (batch norm), spectral (spectral norm) or none"`                                                                                                                           // a norm
}

func (c Residual) faults() []error {
	return append(checkFilters(c.Filters), checkNorms(c.DNorm, c.GNorm)...)
}

func (c Residual) fits(img medium.Item) error {
	return model.CheckHalvings("gan", "Filters", img, len(c.Filters), "dense-gan")
}

func (c Residual) mixesImages() bool { return c.DNorm == batchNorm }

// withFilters returns c with the default filters for images of that shape, unless it has
// filters.
func (c Residual) withFilters(img medium.Item) Residual {
	if c.Filters == nil {
		c.Filters = defaultFilters(img, 32)
	}
	return c
}

// layers returns b with the initial values that layers have with a norm.
func (c Residual) layers(b *nn.Builder, norm string) *nn.Builder {
	n := *b
	n.Kernel, n.Spectral = nn.HeNormal, norm == spectralNorm
	return &n
}

// Generate returns images: z (B,Z) → (B,H,W,C) in [−1, 1].
func (c Residual) Generate(b *nn.Builder, z, _ *graph.Node, img medium.Item) *graph.Node {
	g, n := c.layers(b, c.GNorm), len(c.Filters)
	height, width, channels, _ := medium.HWC(img) // fits has checked
	rows, cols, deepest := height>>n, width>>n, c.Filters[n-1]
	h := g.Reshape("reshape", g.Dense("dense", g.Input("input_1", z), rows*cols*deepest, nn.None), rows, cols, deepest)
	i := 0
	for _, filters := range slices.Backward(c.Filters) {
		h = c.up(g, nn.LayerName("up", i), h, filters)
		i++
	}
	h = normalise(g, c.GNorm, "batch_normalization", h, nn.ReLU)
	return g.Conv2D("conv2d", h, channels, 3, 1, graph.Same, nn.Tanh)
}

// Discriminate returns logits: x (B,H,W,C) → (B).
func (c Residual) Discriminate(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	d := c.layers(b, c.DNorm)
	h := d.Input("input_2", x)
	for i, filters := range c.Filters {
		h = c.down(d, nn.LayerName("down", i), h, filters, i == 0)
	}
	h = d.Flatten("flatten", d.Layer("relu", "Activation", nn.ReLU(h), h))
	return graph.Reshape(d.Dense("dense_1", h, 1, nn.None), -1)
}

// up returns the output of a block of the generator, which doubles rows and columns.
func (c Residual) up(g *nn.Builder, name string, x *graph.Node, filters int) *graph.Node {
	h := normalise(g, c.GNorm, name+"_norm", x, nn.ReLU)
	h = g.UpsampleConv2D(name+"_conv2d", h, filters, 3, nn.None)
	h = normalise(g, c.GNorm, name+"_norm_1", h, nn.ReLU)
	h = g.Conv2D(name+"_conv2d_1", h, filters, 3, 1, graph.Same, nn.None)
	shortcut := g.UpsampleConv2D(name+"_side", x, filters, 1, nn.None)
	return g.Layer(name, "Add", graph.Add(h, shortcut), h, shortcut)
}

// down returns the output of a block of the discriminator, which halves rows and columns.
func (c Residual) down(d *nn.Builder, name string, x *graph.Node, filters int, first bool) *graph.Node {
	h := x
	if !first {
		h = normalise(d, c.DNorm, name+"_norm", x, nn.ReLU)
	}
	h = d.Conv2D(name+"_conv2d", h, filters, 3, 1, graph.Same, nn.None)
	h = normalise(d, c.DNorm, name+"_norm_1", h, nn.ReLU)
	h = d.DownsampleConv2D(name+"_conv2d_1", h, filters, 3, nn.None)
	shortcut := d.DownsampleConv2D(name+"_side", x, filters, 1, nn.None)
	return d.Layer(name, "Add", graph.Add(h, shortcut), h, shortcut)
}

// ResNetConfig configures kind resnet-gan.
type ResNetConfig struct {
	Noise
	Residual
	Adversarial
}

// Validate reports every fault of the options.
func (c *ResNetConfig) Validate() error {
	return errors.Join(c.Adversarial.faults(c.Noise, c.Residual)...)
}

// New builds the model.
func (c *ResNetConfig) New(in model.Input) (*model.Model, error) {
	return c.Adversarial.diagnosis(c.DNorm).modelOf(c.build(in))
}

func (c *ResNetConfig) build(in model.Input) (*adversary, error) {
	o, err := c.Adversarial.prepare(c, c.Noise, c.Residual.withFilters(in.Item), in.Item)
	if err != nil {
		return nil, err
	}
	return build("resnet-gan", o, in)
}

// ResNetGAN returns kind resnet-gan and its recipe: residual networks with spectral norm
// in the discriminator, and the hinge loss, as in Miyato et al., arXiv:1802.05957, and
// Zhang et al., arXiv:1805.08318.
func ResNetGAN() (model.Kind, model.Recipe) {
	const name, about = "resnet-gan", "generative adversarial network with residual networks and spectral norm"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			a := DefaultAdversarial()
			a.Loss, a.Beta1, a.Beta2, a.EMA = Hinge().Name, 0, 0.9, 0.999
			return &ResNetConfig{Noise{128}, Residual{nil, spectralNorm, batchNorm}, a}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 20, Batch: 64, LearningRate: 2e-4}}
}
