package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
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
	// penalty is what is added to −ln p(x|z), (B), and the terms it is made of
	// beside the KL.
	penalty(s *scene, q posterior) (*graph.Node, []term)
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

// sample returns q(z|x) and the draw, which Keras counts to the encoder.
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
	s = e.seen(s)
	q := e.sample(s)
	rec := e.error(s, e.decode(s, q.z))
	penalty, more := e.penalty(s, q)
	return append([]term{
		{model.Loss, graph.Add(rec, penalty)},
		{model.Reconstruction, rec},
		{model.KL, q.kl},
	}, more...)
}

func (e elbo) logWeights(s *scene, k int) *graph.Node {
	s = e.seen(s)
	mu, logVar := e.encode(s)
	w, _ := e.weights(s, drawsOf(s, mu, logVar, k), e.decode)
	return w
}

func (e elbo) objective() string {
	return "loss = " + e.likelihood.formula + " + " + e.variant.formula() + ", " + e.unit
}
