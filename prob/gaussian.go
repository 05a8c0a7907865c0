package prob

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
)

// GaussianKL returns KL(N(μ, diag e^v) ‖ N(0, I)) for each item, in nats:
//
//	½ Σ_z (μ² + e^v − v − 1)
//
// It is the regulariser of a VAE with a Gaussian encoder. Kingma & Welling, arXiv:1312.6114, app. B.
//
// mu μ (B, Z), logVar v = ln σ² (B, Z), unbounded → (B), ≥ 0, and 0 only at μ = v = 0.
func GaussianKL(mu, logVar *graph.Node) *graph.Node {
	return graph.Scale(sumFeatures(twiceGaussianKL(mu, logVar)), 0.5)
}

// GaussianKLUnits returns the terms of GaussianKL, one for each latent unit, in nats:
//
//	½ (μ² + e^v − v − 1)
//
// A unit whose mean over the data is near 0 is not used by the model.
//
// mu μ (B, Z), logVar v (B, Z) → (B, Z), ≥ 0.
func GaussianKLUnits(mu, logVar *graph.Node) *graph.Node {
	return graph.Scale(twiceGaussianKL(mu, logVar), 0.5)
}

// twiceGaussianKL returns μ² + e^v − v − 1, element by element.
func twiceGaussianKL(mu, logVar *graph.Node) *graph.Node {
	requireSameShape("gaussian_kl", mu, logVar)
	a := graph.Add(graph.Square(mu), graph.Exp(logVar))
	return graph.Sub(a, graph.AddScalar(logVar, 1))
}

// GaussianKLBetween returns KL(N(μ₁, diag e^v₁) ‖ N(μ₂, diag e^v₂)) for each item, in nats:
//
//	½ Σ_z (v₂ − v₁ − 1 + e^(v₁−v₂) + (μ₁−μ₂)² e^(−v₂))
//
// Use it where the prior is learned, as in hierarchical and conditional VAEs.
//
// all (B, Z) → (B), ≥ 0.
func GaussianKLBetween(mu1, logVar1, mu2, logVar2 *graph.Node) *graph.Node {
	return sumFeatures(GaussianKLBetweenUnits(mu1, logVar1, mu2, logVar2))
}

// GaussianKLBetweenUnits returns the terms of GaussianKLBetween, one for each latent unit, in nats.
//
// all (B, Z) → (B, Z), ≥ 0.
func GaussianKLBetweenUnits(mu1, logVar1, mu2, logVar2 *graph.Node) *graph.Node {
	requireSameShape("gaussian_kl_between", mu1, logVar1, mu2, logVar2)
	d := graph.Sub(logVar1, logVar2)
	meanTerm := graph.Mul(graph.Square(graph.Sub(mu1, mu2)), graph.Exp(graph.Neg(logVar2)))
	return graph.Scale(graph.Sub(graph.Add(graph.Exp(d), meanTerm), graph.AddScalar(d, 1)), 0.5)
}

// NormalLogDensity returns ln N(z; 0, I) for each item, in nats:
//
//	−½ (Σ_z z² + Z ln 2π)
//
// z (B, Z) → (B).
func NormalLogDensity(z *graph.Node) *graph.Node {
	requireSameShape("normal_log_density", z)
	return graph.AddScalar(graph.Scale(sumFeatures(graph.Square(z)), -0.5), -halfLog2Pi*featureCount(z))
}

// GaussianLogDensity returns ln N(z; μ, diag e^v) for each item, in nats:
//
//	−½ (Σ_z ((z−μ)² e^(−v) + v) + Z ln 2π)
//
// z, mu μ, logVar v, all (B, Z) → (B).
func GaussianLogDensity(z, mu, logVar *graph.Node) *graph.Node {
	requireSameShape("gaussian_log_density", z, mu, logVar)
	d := graph.Mul(graph.Square(graph.Sub(z, mu)), graph.Exp(graph.Neg(logVar)))
	return graph.AddScalar(graph.Scale(sumFeatures(graph.Add(d, logVar)), -0.5), -halfLog2Pi*featureCount(z))
}

// GaussianNLL returns −ln N(x; y, σ² I) for each item, in nats, with one σ for all pixels:
//
//	Σ (x−y)² / (2σ²) + D ln σ + (D/2) ln 2π
//
// If logSigma is a learned parameter, σ converges to the root of the mean squared error: the data then determine the
// weight of the reconstruction against the KL. Rybkin, Daniilidis & Levine, arXiv:2006.13202, sec. 3.
//
// x (B, …), y (B, …), logSigma ln σ () → (B).
func GaussianNLL(x, y, logSigma *graph.Node) *graph.Node {
	precision := graph.Scale(graph.Exp(graph.Scale(requireScalar("gaussian_nll", logSigma), -2)), 0.5)
	constant := graph.AddScalar(graph.Scale(logSigma, featureCount(x)), halfLog2Pi*featureCount(x))
	return graph.Add(graph.Mul(SquaredError(x, y), precision), constant)
}

var halfLog2Pi = math.Log(2*math.Pi) / 2

// Reparameterize returns a draw from N(μ, diag e^v) through which gradients pass to μ and v (the reparameterisation
// trick):
//
//	z = μ + e^(v/2)·ε
//
// Kingma & Welling, arXiv:1312.6114, eq. 4 and app. B.
//
// mu μ (B, Z), logVar v = ln σ² (B, Z), eps ε (B, Z), drawn from N(0, I) → (B, Z).
func Reparameterize(mu, logVar, eps *graph.Node) *graph.Node {
	requireSameShape("reparameterize", mu, logVar, eps)
	return graph.Add(mu, graph.Mul(graph.Exp(graph.Scale(logVar, 0.5)), eps))
}

// GaussianSample returns a draw from N(μ, diag e^v): Reparameterize with ε drawn from N(0, I). The random numbers depend
// on key (int32[4]) and on stream, the name of the draw. Item i has the same random numbers in a batch of any size.
//
// mu μ (B, Z), logVar v = ln σ² (B, Z) → (B, Z).
func GaussianSample(mu, logVar, key *graph.Node, stream string) *graph.Node {
	return Reparameterize(mu, logVar, graph.Normal(key, stream, mu.Shape()...))
}
