package vae

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// ladder is the design of a VAE with L layers of codes, each under the one above:
//
//	p(x,z) = p(z_L) p(z_{L−1}|z_L) … p(z_1|z_2) p(x|z_1),   p(z_L) = N(0, I)
//
// The encoder goes up without noise, d_i from d_{i−1} and d_0 = x, and says of each
// layer what the image alone tells, N(μ̂_i, σ̂_i²). The way down is the same for
// inference and for generation: it says what the layer above expects, N(μ_p, σ_p²),
// and the posterior is the two merged by their precisions,
//
//	σ_q² = 1/(σ̂⁻² + σ_p⁻²),   μ_q = (μ̂ σ̂⁻² + μ_p σ_p⁻²) σ_q²
//
// (at the top μ̂ and σ̂² themselves). The loss is −ln p(x|z_1) and the KL of every
// layer. Sønderby, Raiko, Maaløe, Sønderby & Winther, arXiv:1602.02282, eq. 13 to 18.
// The code of an image is that of the top layer; it is decoded with the layers
// below at the means that they are expected at.
type ladder struct {
	likelihood
	beta
	hidden, latents []int // of layer 1 … L
	img             model.Image
}

// A gaussian is the distribution of a layer's codes: (B,Z_i) each.
type gaussian struct{ mu, logVar *graph.Node }

// up gives what the image alone tells of each layer, the lowest first.
func (l ladder) up(s *scene) []gaussian {
	enc := s.b.Network("encoder")
	h := enc.Input("input_1", graph.Reshape(s.x, s.x.Shape()[0], -1))
	var q []gaussian
	for i, units := range l.hidden {
		for part := range 2 {
			h = enc.Dense(fmt.Sprintf("dense_%d_%d", i+1, part+1), h, units, leaky)
		}
		q = append(q, heads(enc, i+1, h, l.latents[i]))
	}
	return q
}

// heads returns μ and ln σ² of layer i.
func heads(b *nn.Builder, i int, h *graph.Node, units int) gaussian {
	return gaussian{b.Dense(fmt.Sprintf("z%d_mean", i), h, units, nn.None), b.Dense(fmt.Sprintf("z%d_log_var", i), h, units, nn.None)}
}

var leaky = nn.LeakyReLU(0.1)

// below returns the features that layer i says of what is under it: z (B,Z_i) → (B,F).
func (l ladder) below(b *nn.Builder, i int, z *graph.Node) *graph.Node {
	for part := range 2 {
		z = b.Dense(fmt.Sprintf("dense_%d_%d", i, part+1), z, l.hidden[i-1], leaky)
	}
	return z
}

// expected returns p(z_i|z_{i+1}).
func (l ladder) expected(b *nn.Builder, i int, above *graph.Node) gaussian {
	return heads(b, i, l.below(b, i+1, above), l.latents[i-1])
}

// merged returns the product of two Gaussians, as one.
func merged(a, b gaussian) gaussian {
	d := graph.Sub(b.logVar, a.logVar) // ln of the ratio of the precisions, a's to b's
	share := graph.Sigmoid(d)          // a's part in the mean
	return gaussian{
		graph.Add(b.mu, graph.Mul(share, graph.Sub(a.mu, b.mu))),
		graph.Sub(b.logVar, graph.Softplus(d)),
	}
}

// pixels returns the logits of the image: z_1 (B,Z_1) → (B,H,W,C).
func (l ladder) pixels(b *nn.Builder, z *graph.Node) *graph.Node {
	h := b.Dense("logits", l.below(b, 1, z), l.img.Size(), nn.None)
	return graph.Reshape(h, h.Shape()[0], l.img.H, l.img.W, l.img.C)
}

// down goes from the top to the pixels. next gives the code of layer i, whose
// expectation is p, which is empty at the top.
func (l ladder) down(s *scene, next func(i int, p gaussian) *graph.Node) *graph.Node {
	dec := s.b.Network("decoder")
	z := dec.Input("input_2", next(len(l.latents), gaussian{}))
	for i := len(l.latents) - 1; i >= 1; i-- {
		z = next(i, l.expected(dec, i, z))
	}
	return l.pixels(dec, z)
}

// noise draws ε of layer i, k of each of n images: (k·n,Z_i).
func (l ladder) noise(s *scene, i, n, k int) *graph.Node {
	units := l.latents[i-1]
	eps := graph.Normal(s.key, fmt.Sprintf("posterior %d", i), n, k, units)
	return graph.Reshape(graph.Transpose(eps, 1, 0, 2), k*n, units)
}

// infer goes down with k draws from the posterior of each image. It gives the
// logits (k·B,H,W,C) and tells each layer's posterior, expectation and draw.
func (l ladder) infer(s *scene, k int, tell func(i int, q, p gaussian, eps, z *graph.Node)) *graph.Node {
	up, n := l.up(s), s.x.Shape()[0]
	return l.down(s, func(i int, p gaussian) *graph.Node {
		q := gaussian{repeat(up[i-1].mu, k), repeat(up[i-1].logVar, k)}
		if p.mu != nil {
			q = merged(q, p)
		}
		eps := l.noise(s, i, n, k)
		z := prob.Reparameterize(q.mu, q.logVar, eps)
		tell(i, q, p, eps, z)
		return z
	})
}

func (l ladder) encode(s *scene) (mu, logVar *graph.Node) {
	top := l.up(s)[len(l.latents)-1]
	return top.mu, top.logVar
}

func (l ladder) decode(s *scene, z *graph.Node) *graph.Node {
	return l.down(s, func(_ int, p gaussian) *graph.Node {
		if p.mu == nil {
			return z
		}
		return p.mu
	})
}

// reconstruct goes down by the means of the posteriors of all layers.
func (l ladder) reconstruct(s *scene) *graph.Node {
	up := l.up(s)
	return l.down(s, func(i int, p gaussian) *graph.Node {
		if p.mu == nil {
			return up[i-1].mu
		}
		return merged(up[i-1], p).mu
	})
}

// draw goes down with noise in every layer.
func (l ladder) draw(s *scene, n int) *graph.Node {
	return l.down(s, func(i int, p gaussian) *graph.Node {
		eps := graph.Normal(s.key, fmt.Sprintf("prior %d", i), n, l.latents[i-1])
		if p.mu == nil {
			return eps
		}
		return prob.Reparameterize(p.mu, p.logVar, eps)
	})
}

func (l ladder) terms(s *scene) []term {
	s = l.seen(s)
	var layers []term
	penalty, kl := graph.Const(0), graph.Const(0)
	logits := l.infer(s, 1, func(i int, q, p gaussian, _, _ *graph.Node) {
		name := fmt.Sprintf("%s_%d", model.KL, i)
		each := prob.GaussianKLUnits(q.mu, q.logVar)
		if p.mu != nil {
			each = prob.GaussianKLBetweenUnits(q.mu, q.logVar, p.mu, p.logVar)
		}
		own := graph.Tag(graph.Sum(each, 1), name)
		layers = append(layers, term{name, own})
		kl = graph.Add(kl, own)
		penalty = graph.Add(penalty, l.weighed(s, own, each))
	})
	rec := l.error(s, logits)
	slices.Reverse(layers)
	return append([]term{
		{model.Loss, graph.Add(rec, penalty)},
		{model.Reconstruction, rec},
		{model.KL, kl},
	}, layers...)
}

func (l ladder) logWeights(s *scene, k int) *graph.Node {
	s = l.seen(s)
	ratio := graph.Const(0)
	logits := l.infer(s, k, func(_ int, q, p gaussian, eps, z *graph.Node) {
		// ln N(z; q) in ε, as in drawsOf, and ln N(z; p).
		density := graph.Add(graph.Square(eps), q.logVar)
		if p.mu == nil {
			density = graph.Sub(density, graph.Square(z))
		} else {
			off := graph.Square(graph.Sub(z, p.mu))
			density = graph.Sub(density, graph.Add(graph.Mul(off, graph.Exp(graph.Neg(p.logVar))), p.logVar))
		}
		ratio = graph.Add(ratio, graph.Scale(graph.Sum(density, 1), 0.5))
	})
	return graph.Reshape(graph.Sub(ratio, l.error(s.repeated(k), logits)), k, -1)
}

func (l ladder) objective() string {
	return fmt.Sprintf("loss = %s + Σ over %d layers of %s·KL(q(z_i|x) ‖ p(z_i|z_above)), %s",
		l.likelihood.formula, len(l.latents), l.factor(), l.unit)
}

// LadderConfig configures kind ladder-vae.
type LadderConfig struct {
	Latents []int   `json:"latents" flag:"latents" help:"latent units of each layer, the lowest first; the code of an image is the last"` // L ≥ 2, each ≥ 1
	Hidden  []int   `json:"hidden" flag:"hidden" help:"units of the two hidden layers under each latent layer, the lowest first"`         // L, each ≥ 1
	Loss    string  `json:"loss" flag:"loss" help:"reconstruction loss, summed over pixels: bce (Bernoulli pixels), cb (continuous Bernoulli), mse (Gaussian pixels of σ² = ½), gaussian (with --sigma), sigma (one σ, learned), mae (Laplace pixels) or logistic (256 levels, scale learned)"`
	Beta    float64 `json:"beta" flag:"beta" help:"weight of the KL; 1 is the evidence bound"` // ≥ 0
	Pixels
	Rise
}

// Validate reports every fault of the options.
func (c *LadderConfig) Validate() error {
	faults := slices.Concat(model.CheckLayers("vae", "Latents", c.Latents), model.CheckLayers("vae", "Hidden", c.Hidden),
		Bound{1, c.Loss, c.Beta}.validate(), c.Pixels.validate(c.Loss), c.Rise.validate())
	switch {
	case len(faults) > 0:
	case len(c.Latents) < 2 || len(c.Latents) > 16:
		faults = append(faults, option.Errorf("vae: {Latents} has %d layers: want 2 to 16, as {Latents} 64,32", len(c.Latents)))
	case len(c.Hidden) != len(c.Latents):
		faults = append(faults, option.Errorf("vae: {Hidden} has %d layers and {Latents} %d: want as many", len(c.Hidden), len(c.Latents)))
	}
	return joined(faults)
}

// New builds the model.
func (c *LadderConfig) New(in model.Input) (*model.Model, error) {
	if err := check(c.Validate(), MLP{}, in.Image); err != nil {
		return nil, err
	}
	l := ladder{c.Pixels.of(c.Loss), beta{c.Beta, c.Warmup, c.FreeBits}, c.Hidden, c.Latents, in.Image}
	return build("ladder-vae", l, in, c.Latents[len(c.Latents)-1])
}

// Ladder returns kind ladder-vae and its recipe: two layers of codes on binarised pixels,
// the KL coming in over ten epochs.
func Ladder() (model.Kind, model.Recipe) {
	return published("ladder-vae", "hierarchical VAE: several layers of codes, merged from below and above",
		func() model.Config {
			return &LadderConfig{[]int{64, 32}, []int{512, 256}, "bce", 1, Pixels{defaultSigma, true}, Rise{Warmup: 10}}
		})
}
