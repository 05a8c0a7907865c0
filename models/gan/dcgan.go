package gan

import (
	"errors"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// Convolutional are the networks of DCGAN. With n = len(Filters), h = H/2ⁿ and
// w = W/2ⁿ:
//
//	generator      Z – h·w·Filtersₙ₋₁ bn relu – ConvT Filtersₙ₋₂ ·2 bn relu – … – ConvT Filters₀ ·2 bn relu – ConvT C ·2 tanh
//	discriminator  (H,W,C) – Conv Filters₀ /2 leaky – Conv Filters₁ /2 bn leaky – … – Conv Filtersₙ₋₁ /2 bn leaky – 1 logit
//
// ·2 doubles rows and columns, /2 halves them, bn is batch norm. All convolutions have
// same padding and no bias; the leaky relu has the slope 0.2. Weights start from
// N(0, 0.02²), scales of batch norm from N(1, 0.02²). H and W are multiples of 2ⁿ.
// Radford, Metz & Chintala, arXiv:1511.06434. The dense layers at the noise and at the
// logit are there a transposed convolution of a single place and a convolution that
// leaves one, which is the same.
//
// A network whose norm is not batch has biases in place of bn, and weights that start as
// in He et al., arXiv:1502.01852.
type Convolutional struct {
	Filters []int  `json:"filters" flag:"filters" help:"filters of the discriminator's convolutions, each of which halves the image; the generator has them in reverse (default by the image: from 32 on, or 64 for 64 pixels and more, twice as many each time, to a side of 4 to 7)"` // each ≥ 1
	Kernel  int    `json:"kernel" flag:"kernel" help:"rows and columns of the convolution kernels"`                                                                                                                                                                                     // 1 to 31
	DNorm   string `json:"d_norm" flag:"d-norm" help:"how the discriminator is kept in bounds: batch (batch norm), spectral (spectral norm) or none"`                                                                                                                                   // a norm
	GNorm   string `json:"g_norm" flag:"g-norm" help:"how the generator's layers are normalised: batch (batch norm), spectral (spectral norm) or none"`                                                                                                                                 // a norm
}

func (c Convolutional) faults() []error {
	faults := checkFilters(c.Filters)
	if c.Kernel < 1 || c.Kernel > 31 {
		faults = append(faults, option.Errorf("gan: {Kernel} %d: want 1 to 31", c.Kernel))
	}
	return append(faults, checkNorms(c.DNorm, c.GNorm)...)
}

func (c Convolutional) fits(img medium.Item) error {
	return model.CheckHalvings("gan", "Filters", img, len(c.Filters), "dense-gan")
}

func (c Convolutional) mixesImages() bool { return c.DNorm == batchNorm }

// withFilters returns c with the default filters for images of that shape, unless it has
// filters.
func (c Convolutional) withFilters(img medium.Item) Convolutional {
	if c.Filters == nil {
		c.Filters = defaultFilters(img, 64)
	}
	return c
}

// layers returns b with the initial values that layers have with a norm.
func (c Convolutional) layers(b *nn.Builder, norm string) *nn.Builder {
	n := *b
	if norm != batchNorm {
		n.Kernel, n.Spectral = nn.HeNormal, norm == spectralNorm
	} else {
		n.Kernel, n.Bias, n.Gamma = nn.Normal(0, 0.02), nil, nn.Normal(1, 0.02)
	}
	return &n
}

// Generate returns images: z (B,Z) → (B,H,W,C) in [−1, 1].
func (c Convolutional) Generate(b *nn.Builder, z, _ *graph.Node, img medium.Item) *graph.Node {
	return c.images(b, b.Input("input_1", z), img, nn.Tanh)
}

// images returns the output of the generator after its input h (B,…): act of the last
// convolution, (B,H,W,C).
func (c Convolutional) images(b *nn.Builder, h *graph.Node, img medium.Item, act nn.Activation) *graph.Node {
	g, n := c.layers(b, c.GNorm), len(c.Filters)
	height, width, channels, _ := medium.HWC(img) // fits has checked
	rows, cols, deepest := height>>n, width>>n, c.Filters[n-1]
	h = g.Dense("dense", h, rows*cols*deepest, nn.None)
	h = g.Reshape("reshape", h, rows, cols, deepest)
	h = normalise(g, c.GNorm, "batch_normalization", h, nn.ReLU)
	i := 0
	for _, filters := range slices.Backward(c.Filters[:n-1]) {
		h = g.ConvTranspose2D(nn.LayerName("conv2d_transpose", i), h, filters, c.Kernel, 2, graph.Same, nn.None)
		i++
		h = normalise(g, c.GNorm, nn.LayerName("batch_normalization", i), h, nn.ReLU)
	}
	return g.ConvTranspose2D(nn.LayerName("conv2d_transpose", i), h, channels, c.Kernel, 2, graph.Same, act)
}

// Discriminate returns logits: x (B,H,W,C) → (B).
func (c Convolutional) Discriminate(b *nn.Builder, x, _ *graph.Node) *graph.Node {
	return c.logits(b, c.features(b, x))
}

// features returns the input of the last layer of the discriminator: (B,H,W,C) → (B,D).
func (c Convolutional) features(b *nn.Builder, x *graph.Node) *graph.Node {
	d, leaky := c.layers(b, c.DNorm), nn.LeakyReLU(0.2)
	h := d.Conv2D("conv2d", d.Input("input_2", x), c.Filters[0], c.Kernel, 2, graph.Same, leaky)
	for i, filters := range c.Filters[1:] {
		h = d.Conv2D(nn.LayerName("conv2d", i+1), h, filters, c.Kernel, 2, graph.Same, nn.None)
		h = normalise(d, c.DNorm, nn.LayerName("batch_normalization", len(c.Filters)+i), h, leaky)
	}
	return d.Flatten("flatten", h)
}

// logits returns the output of the discriminator, given its features: (B,D) → (B).
func (c Convolutional) logits(b *nn.Builder, features *graph.Node) *graph.Node {
	return graph.Reshape(c.layers(b, c.DNorm).Dense("dense_1", features, 1, nn.None), -1)
}

// DCGANConfig configures kind dcgan.
type DCGANConfig struct {
	Noise
	Convolutional
	Adversarial
}

// Validate reports every fault of the options.
func (c *DCGANConfig) Validate() error {
	return errors.Join(c.Adversarial.faults(c.Noise, c.Convolutional)...)
}

// New builds the model.
func (c *DCGANConfig) New(in model.Input) (*model.Model, error) {
	return c.Adversarial.diagnosis(c.DNorm).modelOf(c.build(in))
}

func (c *DCGANConfig) build(in model.Input) (*adversary, error) {
	o, err := c.Adversarial.prepare(c, c.Noise, c.Convolutional.withFilters(in.Item), in.Item)
	if err != nil {
		return nil, err
	}
	return build("dcgan", o, in)
}

// DCGAN returns kind dcgan and its recipes: the published convolutional GAN, 3,576,704
// parameters of the generator and 2,765,568 of the discriminator for 64x64x3, and WGAN-GP
// with the same networks, without batch norm in the discriminator.
func DCGAN() (kind model.Kind, dcgan, wgan model.Recipe) {
	const name, about = "dcgan", "generative adversarial network with convolutional networks"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			return &DCGANConfig{Noise{100}, Convolutional{nil, 4, batchNorm, batchNorm}, DefaultAdversarial()}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Image: [3]int{64, 64, 3}, Train: model.Training{Epochs: 25, Batch: 64, LearningRate: 2e-4}},
		wganGP()
}
