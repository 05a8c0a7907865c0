package gan

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
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
type Convolutional struct {
	Filters []int `json:"filters" flag:"filters" help:"filters of the discriminator's convolutions, each of which halves the image; the generator has them in reverse"` // each ≥ 1
	Kernel  int   `json:"kernel" flag:"kernel" help:"rows and columns of the convolution kernels"`                                                                      // 1 to 31
}

func (c Convolutional) validate() []error {
	faults := model.CheckLayers("gan", "filters", c.Filters)
	if len(c.Filters) > 16 {
		faults = append(faults, fmt.Errorf("gan: --filters has %d layers: want at most 16, each halves the image", len(c.Filters)))
	}
	if c.Kernel < 1 || c.Kernel > 31 {
		faults = append(faults, fmt.Errorf("gan: --kernel %d: want 1 to 31", c.Kernel))
	}
	return faults
}

func (c Convolutional) fits(img model.Image) error {
	m := 1 << len(c.Filters)
	if img.H%m == 0 && img.W%m == 0 {
		return nil
	}
	size := (max(img.H, img.W) + m - 1) / m * m
	return fmt.Errorf("gan: images of %v: with %d layers of --filters rows and columns must be multiples of %d; use --size %d, or fewer --filters",
		img, len(c.Filters), m, size)
}

// network is that of a name, whose layers start as published.
func (c Convolutional) network(b *nn.Builder, name string) *nn.Builder {
	n := b.Network(name)
	n.Kernel, n.Bias, n.Gamma = nn.Normal(0, 0.02), nil, nn.Normal(1, 0.02)
	return n
}

func (c Convolutional) generate(b *nn.Builder, z *graph.Node, img model.Image) *graph.Node {
	g := c.network(b, generator)
	n := len(c.Filters)
	rows, cols, deepest := img.H>>n, img.W>>n, c.Filters[n-1]
	h := g.Dense("dense", g.Input("input_1", z), rows*cols*deepest, nn.None)
	h = g.Reshape("reshape", h, rows, cols, deepest)
	h = g.BatchNorm("batch_normalization", h, nn.ReLU)
	i := 0
	for _, filters := range slices.Backward(c.Filters[:n-1]) {
		h = g.ConvTranspose2D(nn.Numbered("conv2d_transpose", i), h, filters, c.Kernel, 2, graph.Same, nn.None)
		i++
		h = g.BatchNorm(nn.Numbered("batch_normalization", i), h, nn.ReLU)
	}
	return g.ConvTranspose2D(nn.Numbered("conv2d_transpose", i), h, img.C, c.Kernel, 2, graph.Same, nn.Tanh)
}

func (c Convolutional) judge(b *nn.Builder, x *graph.Node) *graph.Node {
	d := c.network(b, discriminator)
	leaky := nn.LeakyReLU(0.2)
	h := d.Conv2D("conv2d", d.Input("input_2", x), c.Filters[0], c.Kernel, 2, graph.Same, leaky)
	for i, filters := range c.Filters[1:] {
		h = d.Conv2D(nn.Numbered("conv2d", i+1), h, filters, c.Kernel, 2, graph.Same, nn.None)
		h = d.BatchNorm(nn.Numbered("batch_normalization", len(c.Filters)+i), h, leaky)
	}
	h = d.Flatten("flatten", h)
	return graph.Reshape(d.Dense("dense_1", h, 1, nn.None), -1)
}

func (c Convolutional) turns(s *scene) []turn { return joint(s) }
