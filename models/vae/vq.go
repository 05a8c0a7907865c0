package vae

import (
	"fmt"
	"math"
	"strconv"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// vqVAE is the VQ-VAE of van den Oord, Vinyals & Kavukcuoglu, arXiv:1711.00937. The
// encoder computes a vector z_e for each of h×w = H/4 × W/4 places, and the decoder takes
// the nearest e of a codebook of K in its place: eq. 1 and 2. In the first phase the loss
// is eq. 3:
//
//	loss = −ln p(x|z_q) + Σ ‖sg[z_e] − e‖² + β Σ ‖z_e − sg[e]‖²,   z_q = z_e + sg[e − z_e]
//
// with sums over the places and sg = StopGradient: the gradient at the decoder's input is
// passed to the encoder unchanged. The second phase learns a prior over the codes
// (pixelcnn.go): with −ln p(codes) in place of the last two terms the loss is an upper
// bound of −ln p(x), sec. 3.3.
type vqVAE struct {
	likelihood likelihood.Likelihood
	img        medium.Item
	size       int     // K, of the codebook
	dim        int     // D, of its vectors
	filters    int     // F, of the networks
	blocks     int     // residual blocks of each network
	commitment float64 // β
	prior      pixelCNN
}

const (
	metricQuantization = "quantization" // Σ ‖z_e − e‖² of an image
	metricPerplexity   = "perplexity"   // e^entropy of the codes of a batch, 1 to K: how many are in use
)

// firstPhase returns the terms of eq. 3, and the codes: (B·h·w,K), one-hot.
func (v vqVAE) firstPhase(in *Inputs) (terms []Term, codes *graph.Node) {
	in = in.withTarget(v.likelihood)
	sg := graph.StopGradient
	q := v.quantize(in)
	zq := graph.Add(q.ze, sg(graph.Sub(q.e, q.ze))) // straight-through
	reconstruction := in.reconstructionLoss(v.likelihood, v.decodeVectors(in.Builder, zq))
	codebook, commitment := v.squaredDistance(sg(q.ze), q.e), v.squaredDistance(q.ze, sg(q.e))
	loss := graph.Add(reconstruction, graph.Add(codebook, graph.Scale(commitment, v.commitment))) // eq. 3
	return []Term{{model.Loss, loss}, {model.Reconstruction, reconstruction}, {metricQuantization, codebook}}, q.codes
}

// terms returns those of the second phase: the bound of −ln p(x).
func (v vqVAE) terms(in *Inputs) []Term {
	in = in.withTarget(v.likelihood)
	q := v.quantize(in)
	reconstruction := in.reconstructionLoss(v.likelihood, v.decodeVectors(in.Builder, q.e))
	rows, cols := v.grid()
	kl := graph.Tag(v.prior.nll(in.Builder, graph.Reshape(q.codes, -1, rows, cols, v.size)), model.KL)
	return []Term{
		{model.Loss, graph.Add(reconstruction, kl)}, {model.Reconstruction, reconstruction}, {model.KL, kl},
		{metricQuantization, v.squaredDistance(q.ze, q.e)},
	}
}

func (v vqVAE) phases(pretrain int) []phase {
	return []phase{
		{name: "codebook", epochs: pretrain, updates: minimize("codebook", adam("codebook"), func(in *Inputs) []graph.Output {
			terms, codes := v.firstPhase(in)
			return append(in.metrics(terms), graph.Output{Name: metricPerplexity, Value: v.perplexity(in, codes)})
		})},
		{name: "prior", updates: minimize("prior", adam("prior"), func(in *Inputs) []graph.Output {
			return in.metrics(v.terms(in))
		}, "encoder", "codebook", "decoder")},
	}
}

// vectorPair are the vectors of a batch before and after quantisation.
type vectorPair struct {
	ze    *graph.Node // (B·h·w,D), eq. 1
	e     *graph.Node // (B·h·w,D), the nearest of the codebook, eq. 2
	codes *graph.Node // (B·h·w,K), one-hot
}

func (v vqVAE) quantize(in *Inputs) vectorPair {
	ze := v.encodeVectors(in)
	codes := v.nearest(in.Builder, ze)
	return vectorPair{ze, graph.MatMul(codes, v.codebook(in.Builder)), codes}
}

// grid returns the rows h and columns w of the codes of an image.
func (v vqVAE) grid() (h, w int) {
	h, w, _, _ = medium.HWC(v.img) // fits has checked
	return h / 4, w / 4
}

// residualBlocks returns blocks of h + conv1×1(relu(conv3×3(relu(h)))), and a relu: sec. 4.1.
func (v vqVAE) residualBlocks(b *nn.Builder, h *graph.Node) *graph.Node {
	for i := range v.blocks {
		name := nn.LayerName("residual", i)
		y := b.Conv2D(name+"_3x3", graph.ReLU(h), max(1, v.filters/2), 3, 1, graph.Same, nn.ReLU)
		y = b.Conv2D(name+"_1x1", y, v.filters, 1, 1, graph.Same, nn.None)
		h = b.Layer(name, "Add", graph.Add(h, y), h, y)
	}
	return graph.ReLU(h)
}

// encodeVectors returns z_e: (B·h·w,D).
func (v vqVAE) encodeVectors(in *Inputs) *graph.Node {
	enc := in.Builder.Network("encoder")
	h := enc.Input("input_1", in.X)
	h = enc.Conv2D("conv2d", h, max(1, v.filters/2), 4, 2, graph.Same, nn.ReLU)
	h = enc.Conv2D("conv2d_1", h, v.filters, 4, 2, graph.Same, nn.ReLU)
	h = enc.Conv2D("conv2d_2", h, v.filters, 3, 1, graph.Same, nn.None)
	h = enc.Conv2D("code", v.residualBlocks(enc, h), v.dim, 1, 1, graph.Same, nn.None)
	return graph.Reshape(h, -1, v.dim)
}

// codebook returns the vectors e: (K,D).
func (v vqVAE) codebook(b *nn.Builder) *graph.Node {
	r := 1 / math.Sqrt(float64(v.dim))
	return b.Network("codebook").Param("codes/vectors", nn.Normal(0, r), v.size, v.dim)
}

// nearest returns the code of the vector of the codebook that is nearest to each z, the
// first of equals: (R,D) → (R,K), one-hot. Eq. 1.
func (v vqVAE) nearest(b *nn.Builder, z *graph.Node) *graph.Node {
	c := b.Network("codebook")
	c.Input("input_2", z)
	e := v.codebook(b)
	// ‖z − e‖² = ‖z‖² − 2 z·e + ‖e‖²; the first is the same for all e.
	distance := graph.Sub(graph.Sum(graph.Square(e), 1), graph.Scale(graph.MatMulT(z, e, false, true), 2))
	return c.Layer("codes", "VectorQuantizer", argmaxOneHot(graph.Neg(distance)), z)
}

// decodeVectors returns the logits: (B·h·w,D) → (B,H,W,C).
func (v vqVAE) decodeVectors(b *nn.Builder, z *graph.Node) *graph.Node {
	rows, cols := v.grid()
	dec := b.Network("decoder")
	h := dec.Input("input_3", graph.Reshape(z, -1, rows, cols, v.dim))
	h = dec.Conv2D("conv2d", h, v.filters, 3, 1, graph.Same, nn.None)
	h = dec.ConvTranspose2D("conv2d_transpose", v.residualBlocks(dec, h), max(1, v.filters/2), 4, 2, graph.Same, nn.ReLU)
	_, _, channels, _ := medium.HWC(v.img)
	return dec.ConvTranspose2D("conv2d_transpose_1", h, channels, 4, 2, graph.Same, nn.None)
}

// squaredDistance returns Σ ‖a − b‖² over the places of an image: (B·h·w,D) twice → (B).
func (v vqVAE) squaredDistance(a, b *graph.Node) *graph.Node {
	rows, cols := v.grid()
	return graph.Sum(graph.Reshape(graph.Square(graph.Sub(a, b)), -1, rows*cols*v.dim), 1)
}

// encode returns the vectors of the codes: (B,h·w·D).
func (v vqVAE) encode(in *Inputs) (code, logVar *graph.Node) {
	return graph.Reshape(v.quantize(in).e, in.X.Shape()[0], -1), nil
}

// decode returns the logits of the codes nearest to z (B,h·w·D).
func (v vqVAE) decode(in *Inputs, z *graph.Node) *graph.Node {
	codes := v.nearest(in.Builder, graph.Reshape(z, -1, v.dim))
	return v.decodeVectors(in.Builder, graph.MatMul(codes, v.codebook(in.Builder)))
}

// perplexity returns e^(−Σ_k p_k ln p_k), with p_k the share of code k in the batch. Far
// below K, the codebook is collapsing.
func (v vqVAE) perplexity(in *Inputs, codes *graph.Node) *graph.Node {
	rows, cols := v.grid()
	counts := graph.Sum(graph.Reshape(codes, -1, rows*cols, v.size), 1)
	p := graph.MatMul(graph.Reshape(in.Weight, 1, -1), counts)
	p = graph.Div(p, graph.Scale(graph.Sum(in.Weight), float64(rows*cols)))
	return graph.Tag(graph.Exp(graph.Neg(graph.Sum(graph.Mul(p, graph.Log(graph.AddScalar(p, 1e-10)))))), metricPerplexity)
}

// logWeights returns −loss: an image has one code, whatever is drawn.
func (v vqVAE) logWeights(in *Inputs, k int) *graph.Node {
	loss := v.terms(in)[0].Value
	return graph.BroadcastTo(graph.Neg(loss), k, loss.Shape()[0])
}

// sample returns the logits of codes drawn from the prior.
func (v vqVAE) sample(in *Inputs, n int) *graph.Node {
	rows, cols := v.grid()
	codes := v.prior.sample(in.Builder, in.Key, gridShape{n, rows, cols, v.size})
	return v.decodeVectors(in.Builder, graph.MatMul(graph.Reshape(codes, -1, v.size), v.codebook(in.Builder)))
}

func (v vqVAE) objective(pretrain int) objective {
	rows, cols := v.grid()
	l := v.likelihood
	return objective{
		kind: "vq-vae", latent: rows * cols * v.dim, likelihood: l,
		formula: "loss = " + l.Formula + " + Σ ‖sg[z] − e‖² + " + strconv.FormatFloat(v.commitment, 'g', -1, 64) +
			"·Σ ‖z − sg[e]‖²; then " + l.Formula + " − ln p(codes), " + l.Unit,
		terms: v.terms, encode: v.encode, decode: v.decode, sample: v.sample, logWeights: v.logWeights,
		deterministic: true, phases: v.phases(pretrain),
	}
}

// VQVAEConfig configures kind vq-vae.
type VQVAEConfig struct {
	Codebook   int     `json:"codebook" flag:"codebook" help:"vectors in the codebook"`                                       // K, 2 to 65536
	Dim        int     `json:"dim" flag:"dim" help:"length of a vector of the codebook"`                                      // D ≥ 1
	Width      int     `json:"width" flag:"width" help:"filters of the convolutions"`                                         // F ≥ 1
	Blocks     int     `json:"blocks" flag:"blocks" help:"residual blocks of the encoder and of the decoder"`                 // ≥ 0
	Commitment float64 `json:"commitment" flag:"commitment" help:"weight of the term that holds the encoder to the codebook"` // β ≥ 0
	likelihood.Options
	Pretraining
	PixelCNN
	Overrides
}

// Validate reports every fault of the options.
func (c *VQVAEConfig) Validate() error {
	var faults []error
	if c.Codebook < 2 || c.Codebook > model.MaxUnits {
		faults = append(faults, option.Errorf("vae: {Codebook} %d: want 2 to %d", c.Codebook, model.MaxUnits))
	}
	faults = append(append(faults, model.CheckUnits("vae", "Dim", c.Dim)...), model.CheckUnits("vae", "Width", c.Width)...)
	if c.Blocks < 0 || c.Blocks > 64 {
		faults = append(faults, option.Errorf("vae: {Blocks} %d: want 0 to 64", c.Blocks))
	}
	if !(c.Commitment >= 0) || math.IsInf(c.Commitment, 0) {
		faults = append(faults, option.Errorf("vae: {Commitment} %v: want a finite number of 0 or more, as 0.25", c.Commitment))
	}
	return joined(faults, c.Options.Validate(), c.Pretraining.validate(), c.PixelCNN.validate())
}

// maxPlaces bounds the codes of an image: they are drawn one after the other, each by
// operations of its own.
const maxPlaces = 1024

// maxSide is the side of a square image of maxPlaces codes.
const maxSide = 128

func (c *VQVAEConfig) fits(img medium.Item) error {
	h, w, _, err := medium.HWC(img)
	if err != nil {
		return fmt.Errorf("vae: vq-vae: %w; use dense networks, as those of mlp-vae", err)
	}
	if h%4 != 0 || w%4 != 0 {
		way := fmt.Sprintf("use {Size} %d", min((min(h, w)+3)/4*4, maxSide)) // images are cropped to a square before they are resized
		if h != w && min(h, w) < 4 {
			way = "use dense networks, as those of mlp-vae"
		}
		return option.Errorf("vae: images of %v: vq-vae wants rows and columns that are multiples of 4; "+way, img)
	}
	if n := h / 4 * (w / 4); n > maxPlaces {
		return option.Errorf("vae: images of %v have %d codes: vq-vae draws at most %d; use {Size} %d or less", img, n, maxPlaces, maxSide)
	}
	return nil
}

// New builds the model.
func (c *VQVAEConfig) New(in model.Input) (*model.Model, error) {
	if err := check(c.Validate(), c, in.Item); err != nil {
		return nil, err
	}
	l, err := c.Options.Likelihood()
	if err != nil {
		return nil, err
	}
	return likelihoodDiagnosis(c.Options).modelOf(c.vqVAE(l, in.Item).objective(c.Pretrain).build(in, c.Overrides))
}

func (c *VQVAEConfig) vqVAE(l likelihood.Likelihood, img medium.Item) vqVAE {
	return vqVAE{
		likelihood: l, img: img, size: c.Codebook, dim: c.Dim, filters: c.Width, blocks: c.Blocks, commitment: c.Commitment,
		prior: pixelCNN{c.PixelCNN},
	}
}

// VQVAE returns kind vq-vae and its recipe, narrower than the published one, which is for
// photographs: 512 codes of 64, 256 filters, 250,000 steps.
func VQVAE() (model.Kind, model.Recipe) {
	about := "autoencoder with a codebook, and a learned prior over its codes"
	return model.Kind{Name: "vq-vae", About: about, Default: func() model.Config {
			return &VQVAEConfig{
				Codebook: 128, Dim: 16, Width: 64, Blocks: 2, Commitment: 0.25,
				Options: likelihood.DefaultOptions("bce"), Pretraining: Pretraining{10}, PixelCNN: PixelCNN{64, 4},
			}
		}},
		model.Recipe{Name: "vq-vae", About: about, Kind: "vq-vae", Train: model.Training{Epochs: 25, Batch: 128, LearningRate: 1e-3}}
}
