package gan

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// Residual are networks of residual blocks. With n = len(Filters), h = H/2ⁿ and
// w = W/2ⁿ:
//
//	Z – h·w·Filtersₙ₋₁ – up Filtersₙ₋₁ – … – up Filters₀ – bn relu – Conv C tanh
//	(H,W,C) – down Filters₀ – … – down Filtersₙ₋₁ – relu – 1 logit
//
// A block adds what two convolutions make of its input to what one of 1x1 makes of
// it, so that there are as many channels:
//
//	up F    bn relu double Conv F bn relu Conv F  +  double Conv1x1 F
//	down F  bn relu Conv F bn relu Conv F halve   +  Conv1x1 F halve
//
// All others are of 3x3. The image itself goes into the first block without bn and
// relu. bn is as --g-norm and --d-norm say. H and W are multiples of 2ⁿ. Gulrajani
// et al., arXiv:1704.00028, app. F; Miyato et al., arXiv:1802.05957, app. B.4.
type Residual struct {
	Filters []int  `json:"filters" flag:"filters" help:"filters of the discriminator's blocks, each of which halves the image; the generator has them in reverse (default by the image: from 16 on, or 32 for 64 pixels and more, twice as many each time, to a side of 4 to 7)"` // each ≥ 1
	DNorm   string `json:"d_norm" flag:"d-norm" help:"how the discriminator is kept in bounds: spectral (spectral norm), batch (batch norm) or none"`                                                                                                                             // a norm
	GNorm   string `json:"g_norm" flag:"g-norm" help:"how the generator's layers are normalised: batch (batch norm), spectral (spectral norm) or none"`                                                                                                                           // a norm
}

func (c Residual) validate() []error {
	return append(checkFilters(c.Filters), checkNorms(c.DNorm, c.GNorm)...)
}

func (c Residual) fits(img model.Image) error { return halves(img, len(c.Filters)) }

func (c Residual) mixes() bool { return c.DNorm == batchNorm }

// of returns c for images of a size, its filters chosen if they are not given.
func (c Residual) of(img model.Image) Residual {
	if c.Filters == nil {
		c.Filters = filtersFor(img, 32)
	}
	return c
}

func (c Residual) network(b *nn.Builder, name, norm string) *nn.Builder {
	n := b.Network(name)
	n.Kernel, n.Spectral = nn.HeNormal, norm == spectralNorm
	return n
}

func (c Residual) generate(b *nn.Builder, z, _ *graph.Node, img model.Image) *graph.Node {
	g := c.network(b, generator, c.GNorm)
	n := len(c.Filters)
	rows, cols, deepest := img.H>>n, img.W>>n, c.Filters[n-1]
	h := g.Reshape("reshape", g.Dense("dense", g.Input("input_1", z), rows*cols*deepest, nn.None), rows, cols, deepest)
	i := 0
	for _, filters := range slices.Backward(c.Filters) {
		h = c.up(g, nn.LayerName("up", i), h, filters)
		i++
	}
	h = normed(g, c.GNorm, "batch_normalization", h, nn.ReLU)
	return g.Conv2D("conv2d", h, img.C, 3, 1, graph.Same, nn.Tanh)
}

// body returns the discriminator up to its last layer: (B,H,W,C) → (B,D).
func (c Residual) body(b *nn.Builder, x *graph.Node) *graph.Node {
	d := c.network(b, discriminator, c.DNorm)
	h := d.Input("input_2", x)
	for i, filters := range c.Filters {
		h = c.down(d, nn.LayerName("down", i), h, filters, i == 0)
	}
	return d.Flatten("flatten", d.Layer("relu", "Activation", nn.ReLU(h), h))
}

func (c Residual) judge(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	h := c.body(b, x)
	return graph.Reshape(c.network(b, discriminator, c.DNorm).Dense("dense_1", h, 1, nn.None), -1)
}

func (c Residual) turns(s *scene) []turn { return joint(s) }

// up returns a block of the generator.
func (c Residual) up(g *nn.Builder, name string, x *graph.Node, filters int) *graph.Node {
	h := normed(g, c.GNorm, name+"_norm", x, nn.ReLU)
	h = g.UpsampleConv2D(name+"_conv2d", h, filters, 3, nn.None)
	h = normed(g, c.GNorm, name+"_norm_1", h, nn.ReLU)
	h = g.Conv2D(name+"_conv2d_1", h, filters, 3, 1, graph.Same, nn.None)
	side := g.UpsampleConv2D(name+"_side", x, filters, 1, nn.None)
	return g.Layer(name, "Add", graph.Add(h, side), h, side)
}

// down returns a block of the discriminator.
func (c Residual) down(d *nn.Builder, name string, x *graph.Node, filters int, first bool) *graph.Node {
	h := x
	if !first {
		h = normed(d, c.DNorm, name+"_norm", x, nn.ReLU)
	}
	h = d.Conv2D(name+"_conv2d", h, filters, 3, 1, graph.Same, nn.None)
	h = normed(d, c.DNorm, name+"_norm_1", h, nn.ReLU)
	h = d.DownsampleConv2D(name+"_conv2d_1", h, filters, 3, nn.None)
	side := d.DownsampleConv2D(name+"_side", x, filters, 1, nn.None)
	return d.Layer(name, "Add", graph.Add(h, side), h, side)
}

// ResNetConfig configures kind resnet-gan.
type ResNetConfig struct {
	Noise
	Residual
	Game
}

// Validate reports every fault of the options.
func (c *ResNetConfig) Validate() error { return c.Game.validateWith(c.Noise, c.Residual) }

// New builds the model.
func (c *ResNetConfig) New(in model.Input) (*model.Model, error) { return built(c.build(in)) }

func (c *ResNetConfig) build(in model.Input) (*adversary, error) {
	nets := c.Residual.of(in.Image)
	if err := c.Game.check(c.Noise, nets, in.Image); err != nil {
		return nil, err
	}
	return c.Game.build("resnet-gan", nets, in, 0, c.Latent, c.Game.two(1e-8))
}

// ResNetGAN returns kind resnet-gan and its recipe: residual networks, the
// discriminator's with spectral norm, played with the hinge loss as Miyato et al.
// 2018 and Zhang et al., arXiv:1805.08318, do.
func ResNetGAN() (model.Kind, model.Recipe) {
	const name, about = "resnet-gan", "generative adversarial network with residual networks and spectral norm"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			g := game(0)
			g.Loss, g.Beta2, g.EMA = "hinge", 0.9, 0.999
			return &ResNetConfig{Noise{128}, Residual{nil, spectralNorm, batchNorm}, g}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 20, Batch: 64, LearningRate: 2e-4}}
}
