package vae

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// ladder is a VAE with L layers of codes, each under the one above: Sønderby, Raiko,
// Maaløe, Sønderby & Winther, arXiv:1602.02282.
//
//	p(x,z) = p(z_L) p(z_{L−1}|z_L) … p(z_1|z_2) p(x|z_1),   p(z_L) = N(0, I)
//
// The encoder goes bottom-up without noise, d_i from d_{i−1} with d_0 = x, and computes
// for each layer N(μ̂_i, σ̂_i²) from the image alone: eq. 13 to 15. The top-down network
// is the same for inference and for generation and computes N(μ_p, σ_p²) from the layer
// above. The posterior is the product of the two, weighted by their precisions,
//
//	σ_q² = 1/(σ̂⁻² + σ_p⁻²),   μ_q = (μ̂ σ̂⁻² + μ_p σ_p⁻²) σ_q²      eq. 17 and 18
//
// (at the top μ̂ and σ̂² themselves). The loss is −ln p(x|z_1) and the KL of every layer.
// The code of an image is that of the top layer; it is decoded with the layers below at
// the means of their priors.
type ladder struct {
	likelihood      likelihood.Likelihood
	kl              KL
	hidden, latents []int // of layer 1 … L
	img             medium.Item
}

// A gaussian is the distribution of a layer's codes: (B,Z_i) each.
type gaussian struct{ mu, logVar *graph.Node }

// bottomUp returns N(μ̂_i, σ̂_i²) of each layer, the lowest first: eq. 13 to 15.
func (l ladder) bottomUp(in *Inputs) []gaussian {
	enc := in.Builder.Network("encoder")
	h := enc.Input("input_1", graph.Reshape(in.X, in.X.Shape()[0], -1))
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

// hiddenLayers returns the features of layer i from which the layer below is computed:
// z (B,Z_i) → (B,F).
func (l ladder) hiddenLayers(b *nn.Builder, i int, z *graph.Node) *graph.Node {
	for part := range 2 {
		z = b.Dense(fmt.Sprintf("dense_%d_%d", i, part+1), z, l.hidden[i-1], leaky)
	}
	return z
}

// prior returns p(z_i|z_{i+1}), given z_{i+1}.
func (l ladder) prior(b *nn.Builder, i int, above *graph.Node) gaussian {
	return heads(b, i, l.hiddenLayers(b, i+1, above), l.latents[i-1])
}

// product returns the normalised product of two Gaussians: eq. 17 and 18.
func product(a, b gaussian) gaussian {
	d := graph.Sub(b.logVar, a.logVar) // ln of the ratio of the precisions, a's to b's
	share := graph.Sigmoid(d)          // weight of a in the mean
	return gaussian{
		graph.Add(b.mu, graph.Mul(share, graph.Sub(a.mu, b.mu))),
		graph.Sub(b.logVar, graph.Softplus(d)),
	}
}

// pixels returns the logits of the image: z_1 (B,Z_1) → (B,H,W,C).
func (l ladder) pixels(b *nn.Builder, z *graph.Node) *graph.Node {
	h := b.Dense("logits", l.hiddenLayers(b, 1, z), l.img.Size(), nn.None)
	return graph.Reshape(h, l.img.Batch(h.Shape()[0])...)
}

// topDown returns the logits of the image computed from the top layer downward. code
// returns the code of layer i given its prior, which is empty at the top.
func (l ladder) topDown(in *Inputs, code func(i int, prior gaussian) *graph.Node) *graph.Node {
	dec := in.Builder.Network("decoder")
	z := dec.Input("input_2", code(len(l.latents), gaussian{}))
	for i := len(l.latents) - 1; i >= 1; i-- {
		z = code(i, l.prior(dec, i, z))
	}
	return l.pixels(dec, z)
}

// noise draws ε of layer i, k of each of n images: (k·n,Z_i).
func (l ladder) noise(in *Inputs, i, n, k int) *graph.Node {
	units := l.latents[i-1]
	eps := graph.Normal(in.Key, fmt.Sprintf("posterior %d", i), n, k, units)
	return graph.Reshape(graph.Transpose(eps, 1, 0, 2), k*n, units)
}

// layerDraw is the draws of one layer from the posterior q, with the prior p, which is
// empty at the top: z = μ_q + σ_q·eps.
type layerDraw struct {
	layer  int
	q, p   gaussian
	eps, z *graph.Node
}

// inference draws k codes of every layer from the posterior of each image. It returns
// the logits (k·B,H,W,C), and the draws from the top layer downward.
func (l ladder) inference(in *Inputs, k int) (logits *graph.Node, draws []layerDraw) {
	up, n := l.bottomUp(in), in.X.Shape()[0]
	logits = l.topDown(in, func(i int, p gaussian) *graph.Node {
		q := gaussian{repeat(up[i-1].mu, k), repeat(up[i-1].logVar, k)}
		if p.mu != nil {
			q = product(q, p)
		}
		eps := l.noise(in, i, n, k)
		z := prob.Reparameterize(q.mu, q.logVar, eps)
		draws = append(draws, layerDraw{i, q, p, eps, z})
		return z
	})
	return logits, draws
}

func (l ladder) encode(in *Inputs) (mu, logVar *graph.Node) {
	top := l.bottomUp(in)[len(l.latents)-1]
	return top.mu, top.logVar
}

func (l ladder) decode(in *Inputs, z *graph.Node) *graph.Node {
	return l.topDown(in, func(_ int, p gaussian) *graph.Node {
		if p.mu == nil {
			return z
		}
		return p.mu
	})
}

// reconstruct returns the logits decoded from the means of the posteriors of all layers.
func (l ladder) reconstruct(in *Inputs) *graph.Node {
	up := l.bottomUp(in)
	return l.topDown(in, func(i int, p gaussian) *graph.Node {
		if p.mu == nil {
			return up[i-1].mu
		}
		return product(up[i-1], p).mu
	})
}

// sample returns the logits of images drawn with noise in every layer.
func (l ladder) sample(in *Inputs, n int) *graph.Node {
	return l.topDown(in, func(i int, p gaussian) *graph.Node {
		eps := graph.Normal(in.Key, fmt.Sprintf("prior %d", i), n, l.latents[i-1])
		if p.mu == nil {
			return eps
		}
		return prob.Reparameterize(p.mu, p.logVar, eps)
	})
}

func (l ladder) terms(in *Inputs) []Term {
	in = in.withTarget(l.likelihood)
	logits, draws := l.inference(in, 1)
	var layers []Term
	penalty, kl := graph.Const(0), graph.Const(0)
	for _, d := range draws {
		units := prob.GaussianKLUnits(d.q.mu, d.q.logVar)
		if d.p.mu != nil {
			units = prob.GaussianKLBetweenUnits(d.q.mu, d.q.logVar, d.p.mu, d.p.logVar)
		}
		name := fmt.Sprintf("%s_%d", model.KL, d.layer)
		layer := graph.Tag(graph.Sum(units, 1), name)
		layers = append(layers, Term{name, layer})
		kl = graph.Add(kl, layer)
		penalty = graph.Add(penalty, l.kl.weighted(in, layer, units))
	}
	reconstruction := in.reconstructionLoss(l.likelihood, logits)
	slices.Reverse(layers)
	return append([]Term{
		{model.Loss, graph.Add(reconstruction, penalty)},
		{model.Reconstruction, reconstruction},
		{model.KL, kl},
	}, layers...)
}

func (l ladder) logWeights(in *Inputs, k int) *graph.Node {
	in = in.withTarget(l.likelihood)
	logits, draws := l.inference(in, k)
	ratio := graph.Const(0)
	for _, d := range draws {
		// ln N(z; p) − ln N(z; q), the latter in ε, as in samplePosterior.
		density := graph.Add(graph.Square(d.eps), d.q.logVar)
		if d.p.mu == nil {
			density = graph.Sub(density, graph.Square(d.z))
		} else {
			off := graph.Square(graph.Sub(d.z, d.p.mu))
			density = graph.Sub(density, graph.Add(graph.Mul(off, graph.Exp(graph.Neg(d.p.logVar))), d.p.logVar))
		}
		ratio = graph.Add(ratio, graph.Scale(graph.Sum(density, 1), 0.5))
	}
	return graph.Reshape(graph.Sub(ratio, in.repeated(k).reconstructionLoss(l.likelihood, logits)), k, -1)
}

func (l ladder) objective() objective {
	return objective{
		kind: "ladder-vae", latent: l.latents[len(l.latents)-1], likelihood: l.likelihood,
		formula: fmt.Sprintf("loss = %s + Σ over %d layers of %s·KL(q(z_i|x) ‖ p(z_i|z_above)), %s",
			l.likelihood.Formula, len(l.latents), l.kl.factor(), l.likelihood.Unit),
		terms: l.terms, encode: l.encode, decode: l.decode, reconstruct: l.reconstruct, sample: l.sample, logWeights: l.logWeights,
		phases: onePhase(optim.DefaultAdam(), l.terms),
	}
}

// LadderConfig configures kind ladder-vae.
type LadderConfig struct {
	Latents []int `json:"latents" flag:"latents" help:"latent units of each layer, the lowest first; the code of an image is the last"` // L ≥ 2, each ≥ 1
	Hidden  []int `json:"hidden" flag:"hidden" help:"units of the two hidden layers under each latent layer, the lowest first"`         // L, each ≥ 1
	likelihood.Options
	Beta float64 `json:"beta" flag:"beta" help:"weight of the KL; 1 is the evidence bound"` // ≥ 0
	KLAnnealing
	Overrides
}

// Validate reports every fault of the options.
func (c *LadderConfig) Validate() error {
	faults := slices.Concat(model.CheckLayers("vae", "Latents", c.Latents), model.CheckLayers("vae", "Hidden", c.Hidden),
		c.Options.Validate(), checkBeta("Beta", c.Beta), c.KLAnnealing.validate())
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
	if err := c.Validate(); err != nil {
		return nil, err
	}
	l, err := c.Options.Likelihood()
	if err != nil {
		return nil, err
	}
	m, err := ladder{l, c.kl(c.Beta), c.Hidden, c.Latents, in.Item}.objective().build(in, c.Overrides)
	return c.KLAnnealing.diagnosis(c.Beta, c.Options, field("Hidden", c.Hidden)).modelOf(m, err)
}

// Ladder returns kind ladder-vae and its recipe: two layers of codes on binarised pixels,
// with the weight of the KL rising over ten epochs.
func Ladder() (model.Kind, model.Recipe) {
	return published("ladder-vae", "hierarchical VAE: several layers of codes, merged from below and above",
		func() model.Config {
			return &LadderConfig{Latents: []int{64, 32}, Hidden: []int{512, 256}, Options: binarized(), Beta: 1, KLAnnealing: KLAnnealing{Warmup: 10}}
		})
}
