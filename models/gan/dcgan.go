package gan

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// Convolutional are the networks of DCGAN. With n = len(Filters), h = H/2ⁿ and
// w = W/2ⁿ:
//
//	Z – h·w·Filtersₙ₋₁ bn relu – ConvT Filtersₙ₋₂ ·2 bn relu – … – ConvT Filters₀ ·2 bn relu – ConvT C ·2 tanh
//	(H,W,C) – Conv Filters₀ /2 leaky – Conv Filters₁ /2 bn leaky – … – Conv Filtersₙ₋₁ /2 bn leaky – 1 logit
//
// all with same padding, without biases, of slope 0.2, played jointly. Weights
// start from N(0, 0.02²), scales of batch norm from N(1, 0.02²). H and W are
// multiples of 2ⁿ. Radford, Metz & Chintala, arXiv:1511.06434; the first and the
// last layer, there a transposed convolution of a single place and a convolution
// that leaves one, are the dense layers that these are.
//
// In a network whose norm is not of the batch, bn stands for a bias, and weights
// start as He et al. 2015 have it.
type Convolutional struct {
	Filters []int  `json:"filters" flag:"filters" help:"filters of the discriminator's convolutions, each of which halves the image; the generator has them in reverse (default by the image: from 32 on, or 64 for 64 pixels and more, twice as many each time, to a side of 4 to 7)"` // each ≥ 1
	Kernel  int    `json:"kernel" flag:"kernel" help:"rows and columns of the convolution kernels"`                                                                                                                                                                                     // 1 to 31
	DNorm   string `json:"d_norm" flag:"d-norm" help:"how the discriminator is kept in bounds: batch (batch norm), spectral (spectral norm) or none"`                                                                                                                                   // a norm
	GNorm   string `json:"g_norm" flag:"g-norm" help:"how the generator's layers are normalised: batch (batch norm), spectral (spectral norm) or none"`                                                                                                                                 // a norm
}

func (c Convolutional) validate() []error {
	faults := checkFilters(c.Filters)
	if c.Kernel < 1 || c.Kernel > 31 {
		faults = append(faults, option.Errorf("gan: {Kernel} %d: want 1 to 31", c.Kernel))
	}
	return append(faults, checkNorms(c.DNorm, c.GNorm)...)
}

// mixes says that what the discriminator says of an image depends on the batch.
func (c Convolutional) mixes() bool { return c.DNorm == batchNorm }

// of returns c for images of a size, its filters chosen if they are not given.
func (c Convolutional) of(img model.Image) Convolutional {
	if c.Filters == nil {
		c.Filters = filtersFor(img, 64)
	}
	return c
}

func (c Convolutional) fits(img model.Image) error { return halves(img, len(c.Filters)) }

// network returns that of a name, whose layers start as published.
func (c Convolutional) network(b *nn.Builder, name, norm string) *nn.Builder {
	n := b.Network(name)
	if norm != batchNorm {
		n.Kernel, n.Spectral = nn.HeNormal, norm == spectralNorm
		return n
	}
	n.Kernel, n.Bias, n.Gamma = nn.Normal(0, 0.02), nil, nn.Normal(1, 0.02)
	return n
}

func (c Convolutional) generate(b *nn.Builder, z, _ *graph.Node, img model.Image) *graph.Node {
	g := c.network(b, generator, c.GNorm)
	return c.images(g, g.Input("input_1", z), img)
}

// images returns the generator after its input.
func (c Convolutional) images(g *nn.Builder, z *graph.Node, img model.Image) *graph.Node {
	n := len(c.Filters)
	rows, cols, deepest := img.H>>n, img.W>>n, c.Filters[n-1]
	h := g.Dense("dense", z, rows*cols*deepest, nn.None)
	h = g.Reshape("reshape", h, rows, cols, deepest)
	h = normed(g, c.GNorm, "batch_normalization", h, nn.ReLU)
	i := 0
	for _, filters := range slices.Backward(c.Filters[:n-1]) {
		h = g.ConvTranspose2D(nn.LayerName("conv2d_transpose", i), h, filters, c.Kernel, 2, graph.Same, nn.None)
		i++
		h = normed(g, c.GNorm, nn.LayerName("batch_normalization", i), h, nn.ReLU)
	}
	return g.ConvTranspose2D(nn.LayerName("conv2d_transpose", i), h, img.C, c.Kernel, 2, graph.Same, nn.Tanh)
}

// body returns the discriminator up to its last layer: (B,H,W,C) → (B,D).
func (c Convolutional) body(b *nn.Builder, x *graph.Node) *graph.Node {
	d := c.network(b, discriminator, c.DNorm)
	leaky := nn.LeakyReLU(0.2)
	h := d.Conv2D("conv2d", d.Input("input_2", x), c.Filters[0], c.Kernel, 2, graph.Same, leaky)
	for i, filters := range c.Filters[1:] {
		h = d.Conv2D(nn.LayerName("conv2d", i+1), h, filters, c.Kernel, 2, graph.Same, nn.None)
		h = normed(d, c.DNorm, nn.LayerName("batch_normalization", len(c.Filters)+i), h, leaky)
	}
	return d.Flatten("flatten", h)
}

// verdict returns what the discriminator says, given what its body makes: (B,D) → (B).
func (c Convolutional) verdict(b *nn.Builder, h *graph.Node) *graph.Node {
	return graph.Reshape(c.network(b, discriminator, c.DNorm).Dense("dense_1", h, 1, nn.None), -1)
}

func (c Convolutional) judge(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	return c.verdict(b, c.body(b, x))
}

func (c Convolutional) turns(s *scene) []turn { return joint(s) }
