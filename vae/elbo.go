package vae

import (
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// A posterior is q(z|x) = N(mu, diag e^logVar) of a batch and one draw from it.
type posterior struct {
	mu, logVar *graph.Node // (B,Z); logVar is ln σ²
	z          *graph.Node // (B,Z)
	kl         *graph.Node // (B), KL(q(z|x) ‖ N(0, I)) in nats
}

// A variant is the one thing that most VAEs change.
type variant interface {
	// penalty is what is added to −ln p(x|z), (B).
	penalty(q posterior) *graph.Node
	// formula is the penalty in words.
	formula() string
}

// elbo is the design of a VAE, trained on the evidence bound
//
//	loss = −ln p(x|z) + penalty,   z ~ q(z|x)
//
// which with the penalty KL(q(z|x) ‖ p(z)) is an upper bound of −ln p(x).
// Kingma & Welling, arXiv:1312.6114, eq. 3 with one draw.
type elbo struct {
	pair
	likelihood
	variant
}

func (e elbo) encode(s *scene) (mu, logVar *graph.Node) {
	enc := s.b.Network("encoder")
	h := e.features(enc, s.x)
	return enc.Dense("z_mean", h, e.latent, nn.None), enc.Dense("z_log_var", h, e.latent, nn.None)
}

// sample is q(z|x) and the draw, which Keras counts to the encoder.
func (e elbo) sample(s *scene) posterior {
	mu, logVar := e.encode(s)
	z := prob.GaussianSample(mu, logVar, s.key, "posterior")
	return posterior{
		mu: mu, logVar: logVar,
		z:  s.b.Network("encoder").Layer("sampling", "Sampling", z, mu, logVar),
		kl: graph.Tag(prob.GaussianKL(mu, logVar), model.KL),
	}
}

func (e elbo) terms(s *scene) []term {
	q := e.sample(s)
	rec := graph.Tag(e.nll(s.x, e.decode(s, q.z)), model.Reconstruction)
	return []term{
		{model.Loss, graph.Add(rec, e.penalty(q))},
		{model.Reconstruction, rec},
		{model.KL, q.kl},
	}
}

func (e elbo) objective() string {
	return "loss = " + e.likelihood.formula + " + " + e.variant.formula() + ", " + e.unit
}
