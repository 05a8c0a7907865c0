package prob

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
)

// GaussianKL returns KL(N(μ, diag e^v) ‖ N(0, I)) of each image, in nats:
//
//	½ Σ_z (μ² + e^v − v − 1)
//
// mu (B, Z), logVar (B, Z) → (B). logVar is v = ln σ², unclamped. The result is
// ≥ 0, and 0 only at μ = v = 0. Kingma & Welling, arXiv:1312.6114, app. B.
func GaussianKL(mu, logVar *graph.Node) *graph.Node {
	return graph.Scale(sumFeatures(twiceGaussianKL(mu, logVar)), 0.5)
}

// GaussianKLUnits returns the terms of GaussianKL, a unit each:
//
//	½ (μ² + e^v − v − 1)
//
// mu (B, Z), logVar (B, Z) → (B, Z), ≥ 0.
func GaussianKLUnits(mu, logVar *graph.Node) *graph.Node {
	return graph.Scale(twiceGaussianKL(mu, logVar), 0.5)
}

func twiceGaussianKL(mu, logVar *graph.Node) *graph.Node {
	requireSameShape("gaussian_kl", mu, logVar)
	a := graph.Add(graph.Square(mu), graph.Exp(logVar))
	return graph.Sub(a, graph.AddScalar(logVar, 1))
}

// GaussianKLBetween returns KL(N(μ₁, diag e^v₁) ‖ N(μ₂, diag e^v₂)) of each image, in
// nats:
//
//	½ Σ_z (v₂ − v₁ − 1 + e^(v₁−v₂) + (μ₁−μ₂)² e^(−v₂))
//
// all (B, Z) → (B), ≥ 0.
func GaussianKLBetween(mu1, logVar1, mu2, logVar2 *graph.Node) *graph.Node {
	return sumFeatures(GaussianKLBetweenUnits(mu1, logVar1, mu2, logVar2))
}

// GaussianKLBetweenUnits returns the terms of GaussianKLBetween, a unit each: (B, Z)
// four times → (B, Z), ≥ 0.
func GaussianKLBetweenUnits(mu1, logVar1, mu2, logVar2 *graph.Node) *graph.Node {
	requireSameShape("gaussian_kl_between", mu1, logVar1, mu2, logVar2)
	d := graph.Sub(logVar1, logVar2)
	near := graph.Mul(graph.Square(graph.Sub(mu1, mu2)), graph.Exp(graph.Neg(logVar2)))
	return graph.Scale(graph.Sub(graph.Add(graph.Exp(d), near), graph.AddScalar(d, 1)), 0.5)
}

// NormalLogDensity returns ln N(z; 0, I) of each image, in nats, constant included:
//
//	−½ (Σ_z z² + Z ln 2π)
//
// z (B, Z) → (B).
func NormalLogDensity(z *graph.Node) *graph.Node {
	requireSameShape("normal_log_density", z)
	return graph.AddScalar(graph.Scale(sumFeatures(graph.Square(z)), -0.5), -halfLog2Pi*featureCount(z))
}

// GaussianLogDensity returns ln N(z; μ, diag e^v) of each image, in nats, constant
// included:
//
//	−½ (Σ_z ((z−μ)² e^(−v) + v) + Z ln 2π)
//
// z, mu, logVar (B, Z) → (B).
func GaussianLogDensity(z, mu, logVar *graph.Node) *graph.Node {
	requireSameShape("gaussian_log_density", z, mu, logVar)
	d := graph.Mul(graph.Square(graph.Sub(z, mu)), graph.Exp(graph.Neg(logVar)))
	return graph.AddScalar(graph.Scale(sumFeatures(graph.Add(d, logVar)), -0.5), -halfLog2Pi*featureCount(z))
}

// GaussianNLL returns −ln N(x; y, σ² I) of each image in nats, constant included,
// with one σ for all pixels, fixed or learned:
//
//	Σ (x−y)² / (2σ²) + D ln σ + (D/2) ln 2π
//
// x (B, …) with D values an image, y (B, …), logSigma () = ln σ → (B). Learned, σ
// becomes the root of the mean squared error, and the reconstruction's weight
// against the KL is what the data ask for: Rybkin, Daniilidis & Levine,
// arXiv:2006.13202, sec. 3.
func GaussianNLL(x, y, logSigma *graph.Node) *graph.Node {
	precision := graph.Scale(graph.Exp(graph.Scale(requireScalar("gaussian_error", logSigma), -2)), 0.5)
	constant := graph.AddScalar(graph.Scale(logSigma, featureCount(x)), halfLog2Pi*featureCount(x))
	return graph.Add(graph.Mul(SquaredError(x, y), precision), constant)
}

var halfLog2Pi = math.Log(2*math.Pi) / 2

// Reparameterize returns a draw from N(μ, diag e^v) that has gradients in μ and v:
//
//	z = μ + e^(v/2)·ε
//
// mu (B, Z), logVar (B, Z) = ln σ², eps (B, Z) ~ N(0, I) → (B, Z).
// Kingma & Welling, arXiv:1312.6114, eq. 4.
func Reparameterize(mu, logVar, eps *graph.Node) *graph.Node {
	requireSameShape("reparameterize", mu, logVar, eps)
	return graph.Add(mu, graph.Mul(graph.Exp(graph.Scale(logVar, 0.5)), eps))
}

// GaussianSample returns Reparameterize with ε drawn at key (int32[4]) in the stream
// of that name. Image i draws the same ε in a batch of any size.
//
// mu (B, Z), logVar (B, Z) → (B, Z).
func GaussianSample(mu, logVar, key *graph.Node, stream string) *graph.Node {
	return Reparameterize(mu, logVar, graph.Normal(key, stream, mu.Shape()...))
}
