package vae

import (
	"math"
	"strconv"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// quantized is the VQ-VAE of van den Oord, Vinyals & Kavukcuoglu, arXiv:1711.00937.
// The encoder gives a vector z_e at each of h×w = H/4 × W/4 places, of which the
// nearest e of a codebook of K goes to the decoder. Eq. 3:
//
//	loss = −ln p(x|z_q) + Σ ‖sg[z_e] − e‖² + β Σ ‖z_e − sg[e]‖²,   z_q = z_e + sg[e − z_e]
//
// sums over the places, sg being StopGradient: the gradient at the decoder's input is
// handed to the encoder as it is. Then a prior over the codes is learned (pixelcnn.go),
// and with −ln p(codes) in the place of the last two terms the loss is a bound of −ln p(x).
type quantized struct {
	likelihood
	img        model.Image
	size       int     // K, of the codebook
	dim        int     // D, of its vectors
	filters    int     // F, of the networks
	blocks     int     // residual blocks of each
	commitment float64 // β
	prior      pixelCNN
}

const (
	quantization = "quantization" // Σ ‖z_e − e‖² of an image
	perplexity   = "perplexity"   // e^entropy of the codes of a batch, 1 to K: how many are in use
)

func (d quantized) grid() (h, w int) { return d.img.H / 4, d.img.W / 4 }

// residual returns blocks of h + conv1×1(relu(conv3×3(relu(h)))), and a relu: sec. 4.1.
func (d quantized) residual(b *nn.Builder, h *graph.Node) *graph.Node {
	for i := range d.blocks {
		name := nn.LayerName("residual", i)
		y := b.Conv2D(name+"_3x3", graph.ReLU(h), max(1, d.filters/2), 3, 1, graph.Same, nn.ReLU)
		y = b.Conv2D(name+"_1x1", y, d.filters, 1, 1, graph.Same, nn.None)
		h = b.Layer(name, "Add", graph.Add(h, y), h, y)
	}
	return graph.ReLU(h)
}

// vectors returns z_e: (B·h·w,D).
func (d quantized) vectors(s *scene) *graph.Node {
	enc := s.b.Network("encoder")
	h := enc.Input("input_1", s.x)
	h = enc.Conv2D("conv2d", h, max(1, d.filters/2), 4, 2, graph.Same, nn.ReLU)
	h = enc.Conv2D("conv2d_1", h, d.filters, 4, 2, graph.Same, nn.ReLU)
	h = enc.Conv2D("conv2d_2", h, d.filters, 3, 1, graph.Same, nn.None)
	h = enc.Conv2D("code", d.residual(enc, h), d.dim, 1, 1, graph.Same, nn.None)
	return graph.Reshape(h, -1, d.dim)
}

func (d quantized) codebook(b *nn.Builder) *graph.Node {
	r := 1 / math.Sqrt(float64(d.dim))
	return b.Network("codebook").Param("codes/vectors", nn.Normal(0, r), d.size, d.dim)
}

// nearest returns which of the codebook each vector is nearest to, the first of equals:
// (R,D) → (R,K), one-hot.
func (d quantized) nearest(b *nn.Builder, z *graph.Node) *graph.Node {
	c := b.Network("codebook")
	c.Input("input_2", z)
	e := d.codebook(b)
	// ‖z − e‖² = ‖z‖² − 2 z·e + ‖e‖²; the first is the same for all e.
	away := graph.Sub(graph.Sum(graph.Square(e), 1), graph.Scale(graph.MatMulT(z, e, false, true), 2))
	return c.Layer("codes", "VectorQuantizer", largest(graph.Neg(away)), z)
}

// decodeVectors gives the logits: (B·h·w,D) → (B,H,W,C).
func (d quantized) decodeVectors(b *nn.Builder, z *graph.Node) *graph.Node {
	rows, cols := d.grid()
	dec := b.Network("decoder")
	h := dec.Input("input_3", graph.Reshape(z, -1, rows, cols, d.dim))
	h = dec.Conv2D("conv2d", h, d.filters, 3, 1, graph.Same, nn.None)
	h = dec.ConvTranspose2D("conv2d_transpose", d.residual(dec, h), max(1, d.filters/2), 4, 2, graph.Same, nn.ReLU)
	return dec.ConvTranspose2D("conv2d_transpose_1", h, d.img.C, 4, 2, graph.Same, nn.None)
}

// coded is the path of a batch up to the codes.
type coded struct {
	ze, e *graph.Node // (B·h·w,D)
	codes *graph.Node // (B·h·w,K), one-hot
}

func (d quantized) code(s *scene) coded {
	ze := d.vectors(s)
	codes := d.nearest(s.b, ze)
	return coded{ze, graph.MatMul(codes, d.codebook(s.b)), codes}
}

// distance returns Σ ‖a − b‖² over the places of an image: (B·h·w,D) twice → (B).
func (d quantized) distance(a, b *graph.Node) *graph.Node {
	rows, cols := d.grid()
	return graph.Sum(graph.Reshape(graph.Square(graph.Sub(a, b)), -1, rows*cols*d.dim), 1)
}

func (d quantized) encode(s *scene) (mean, logVar *graph.Node) {
	return graph.Reshape(d.code(s).e, s.x.Shape()[0], -1), nil
}

// decode returns of the codes nearest to z (B,h·w·D).
func (d quantized) decode(s *scene, z *graph.Node) *graph.Node {
	codes := d.nearest(s.b, graph.Reshape(z, -1, d.dim))
	return d.decodeVectors(s.b, graph.MatMul(codes, d.codebook(s.b)))
}

func (d quantized) terms(s *scene) []term {
	s = d.seen(s)
	c := d.code(s)
	rec := d.error(s, d.decodeVectors(s.b, c.e))
	rows, cols := d.grid()
	kl := graph.Tag(d.prior.nll(s.b, graph.Reshape(c.codes, -1, rows, cols, d.size)), model.KL)
	return []term{{model.Loss, graph.Add(rec, kl)}, {model.Reconstruction, rec}, {model.KL, kl}, {quantization, d.distance(c.ze, c.e)}}
}

func (d quantized) lessons(pretrain int) []lesson {
	return []lesson{
		{name: "codebook", epochs: pretrain, adam: adam, goal: func(s *class) []graph.Output {
			seen := d.seen(s.scene)
			c := d.code(seen)
			zq := graph.Add(c.ze, graph.StopGradient(graph.Sub(c.e, c.ze)))
			rec := d.error(seen, d.decodeVectors(s.b, zq))
			book := d.distance(graph.StopGradient(c.ze), c.e)
			commit := d.distance(c.ze, graph.StopGradient(c.e))
			loss := graph.Add(rec, graph.Add(book, graph.Scale(commit, d.commitment)))
			return append(s.means([]term{{model.Loss, loss}, {model.Reconstruction, rec}, {quantization, book}}),
				graph.Output{Name: perplexity, Value: d.perplexity(s, c.codes)})
		}},
		{name: "prior", adam: adam, frozen: []string{"encoder", "codebook", "decoder"}, goal: func(s *class) []graph.Output {
			return s.means(d.terms(s.scene))
		}},
	}
}

// perplexity returns e^(−Σ_k p_k ln p_k), p_k being the share of code k in the batch. Far
// below K, the codebook is collapsing.
func (d quantized) perplexity(s *class, codes *graph.Node) *graph.Node {
	rows, cols := d.grid()
	each := graph.Sum(graph.Reshape(codes, -1, rows*cols, d.size), 1)
	p := graph.MatMul(graph.Reshape(s.weight, 1, -1), each)
	p = graph.Div(p, graph.Scale(graph.Sum(s.weight), float64(rows*cols)))
	return graph.Tag(graph.Exp(graph.Neg(graph.Sum(graph.Mul(p, graph.Log(graph.AddScalar(p, 1e-10)))))), perplexity)
}

// logWeights returns −loss: an image has one code, whatever is drawn.
func (d quantized) logWeights(s *scene, k int) *graph.Node {
	loss := d.terms(s)[0].value
	return graph.BroadcastTo(graph.Neg(loss), k, loss.Shape()[0])
}

// draw draws the codes from the prior, and decodes them.
func (d quantized) draw(s *scene, n int) *graph.Node {
	rows, cols := d.grid()
	codes := d.prior.draw(s.b, s.key, n, rows, cols, d.size)
	return d.decodeVectors(s.b, graph.MatMul(graph.Reshape(codes, -1, d.size), d.codebook(s.b)))
}

func (d quantized) objective() string {
	return "loss = " + d.formula + " + Σ ‖sg[z] − e‖² + " + strconv.FormatFloat(d.commitment, 'g', -1, 64) +
		"·Σ ‖z − sg[e]‖²; then " + d.formula + " − ln p(codes), " + d.unit
}

// VQVAEConfig configures kind vq-vae.
type VQVAEConfig struct {
	Codebook   int     `json:"codebook" flag:"codebook" help:"vectors in the codebook"`                              // K, 2 to 65536
	Dim        int     `json:"dim" flag:"dim" help:"length of a vector of the codebook"`                             // D ≥ 1
	Width      int     `json:"width" flag:"width" help:"filters of the convolutions"`                                // F ≥ 1
	Blocks     int     `json:"blocks" flag:"blocks" help:"residual blocks of the encoder and of the decoder"`        // ≥ 0
	Commitment float64 `json:"commitment" flag:"commitment" help:"weight of what holds the encoder to the codebook"` // β ≥ 0
	Scored
	Pretrained
	PixelCNN
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
	return joined(faults, c.Scored.validate(), c.Pretrained.validate(), c.PixelCNN.validate())
}

// maxPlaces bounds the codes of an image: they are drawn one after the other, each by
// operations of its own.
const maxPlaces = 1024

func (c *VQVAEConfig) fits(img model.Image) error {
	if img.H%4 != 0 || img.W%4 != 0 {
		return option.Errorf("vae: images of %v: vq-vae wants rows and columns that are multiples of 4; use {Size} %d", img, (max(img.H, img.W)+3)/4*4)
	}
	if n := img.H / 4 * (img.W / 4); n > maxPlaces {
		return option.Errorf("vae: images of %v have %d codes: vq-vae draws at most %d; use {Size} 128 or less", img, n, maxPlaces)
	}
	return nil
}

// New builds the model.
func (c *VQVAEConfig) New(in model.Input) (*model.Model, error) {
	if err := check(c.Validate(), c, in.Image); err != nil {
		return nil, err
	}
	d := quantized{
		likelihood: c.Pixels.of(c.Loss), img: in.Image, size: c.Codebook, dim: c.Dim, filters: c.Width, blocks: c.Blocks, commitment: c.Commitment,
		prior: pixelCNN{c.PixelCNN},
	}
	rows, cols := d.grid()
	return buildStaged("vq-vae", d, in, rows*cols*c.Dim, model.Supervision{}, d.lessons(c.Pretrain)...)
}

// VQVAE returns kind vq-vae and its recipe, narrower than the published one, which is for
// photographs: 512 codes of 64, 256 filters, 250,000 steps.
func VQVAE() (model.Kind, model.Recipe) {
	about := "autoencoder with a codebook, and a learned prior over its codes"
	return model.Kind{Name: "vq-vae", About: about, Default: func() model.Config {
			return &VQVAEConfig{128, 16, 64, 2, 0.25, scored("bce"), Pretrained{10}, PixelCNN{64, 4}}
		}},
		model.Recipe{Name: "vq-vae", About: about, Kind: "vq-vae", Train: model.Training{Epochs: 25, Batch: 128, LearningRate: 1e-3}}
}
