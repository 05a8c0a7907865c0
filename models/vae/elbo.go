package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// elbo is a VAE, trained on the evidence lower bound: Kingma & Welling, arXiv:1312.6114.
//
//	ln p(x) ≥ −KL(q(z|x) ‖ p(z)) + E_q ln p(x|z)      eq. 3
//	loss    = regulariser + −ln p(x|z),  z ~ q(z|x)   eq. 7 with L = 1 draw, negated
//
// The regulariser is the KL, or what a variant of the VAE has in its place.
type elbo struct {
	networks
	likelihood  likelihood.Likelihood
	regularizer Regularizer
}

// posterior returns q(z|x) and one draw from it. Keras counts the draw to the encoder.
func (e elbo) posterior(in *Inputs) Posterior {
	mu, logVar := e.encode(in)
	z := prob.GaussianSample(mu, logVar, in.Key, "posterior") // z = μ + σ·ε: sec. 2.4
	return Posterior{
		Mu: mu, LogVar: logVar,
		Z:  in.Builder.Network("encoder").Layer("sampling", "Sampling", z, mu, logVar),
		KL: graph.Tag(prob.GaussianKL(mu, logVar), model.KL), // in closed form: app. B
	}
}

func (e elbo) terms(in *Inputs) []Term {
	in = in.withTarget(e.likelihood)
	terms, _ := e.bound(in)
	return terms
}

// bound returns the terms of images whose likelihood is computed as they are, and the
// posterior.
func (e elbo) bound(in *Inputs) ([]Term, Posterior) {
	q := e.posterior(in)
	reconstruction := in.reconstructionLoss(e.likelihood, e.decode(in, q.Z)) // −ln p(x|z)
	loss := reconstruction
	penalty, more := e.regularizer.Penalty(in, q)
	if penalty != nil {
		loss = graph.Add(reconstruction, penalty) // eq. 7
	}
	return append([]Term{{model.Loss, loss}, {model.Reconstruction, reconstruction}, {model.KL, q.KL}}, more...), q
}

// updates returns the updates of a step: that of the bound, which changes every parameter
// that no update of further changes, and those of further, which may be nil.
func (e elbo) updates(rule optim.Rule, further func(in *Inputs, q Posterior) []update.Update) func(in *Inputs) []update.Update {
	return func(in *Inputs) []update.Update {
		t := in.withTarget(e.likelihood)
		terms, q := e.bound(t)
		metrics := t.metrics(terms)
		u := update.Update{Name: "model", Loss: metrics[0].Value, Optimizer: rule, GradNorm: model.GradNorm, Metrics: metrics}
		var more []update.Update
		others := map[string]bool{}
		if further != nil {
			more = further(t, q)
			for _, v := range more {
				for _, p := range v.Params {
					others[p.Name()] = true
				}
			}
		}
		for _, p := range in.Builder.States() {
			if !others[p.Name()] {
				u.Params = append(u.Params, p)
			}
		}
		return append([]update.Update{u}, more...)
	}
}

// logWeights returns the importance weights: see importanceWeights.
func (e elbo) logWeights(in *Inputs, k int) *graph.Node {
	in = in.withTarget(e.likelihood)
	mu, logVar := e.encode(in)
	logW, _ := importanceWeights(in, e.likelihood, samplePosterior(in, mu, logVar, k), e.decode)
	return logW
}

func (e elbo) formula() string {
	f := "loss = " + e.likelihood.Formula
	if penalty := e.regularizer.Formula(); penalty != "" {
		f += " + " + penalty
	}
	return f + ", " + e.likelihood.Unit
}

// objective returns what the model is and can do; further updates may be nil.
func (e elbo) objective(kind string, rule optim.Rule, further func(in *Inputs, q Posterior) []update.Update) objective {
	return objective{
		kind: kind, latent: e.latent, likelihood: e.likelihood, formula: e.formula(),
		terms: e.terms, encode: e.encode, decode: e.generate, logWeights: e.logWeights,
		phases: []phase{{updates: e.updates(rule, further)}}, steps: e.steps(),
	}
}
