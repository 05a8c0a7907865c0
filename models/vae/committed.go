package vae

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
)

// held is by what the KL of q(z|x) is kept above 0; the zero value is by nothing.
type held struct {
	codeNorm float64 // γ of the batch normalisation of the means; 0 = none
	rate     float64 // δ, nats of the KL of a code at least; 0 = none
}

// committed returns the log-variances of q(z|x) for an output of the encoder: x (B,Z) → (B,Z). They are below the bound at which
// the KL of a code to N(0, I) is rate or more, whatever its means are:
//
//	ln σ² = ln s² + ln sigmoid(x)    ½ (s² − 1 − ln s²) = rate/Z,  s < 1
//
// A δ-VAE: Razavi, van den Oord, Poole & Vinyals, arXiv:1901.03416, sec. 2, for one Gaussian code. The rate alone says
// nothing of the items. But where variances are s² at most, means of a small variance v over the items cost v/2 nats and
// say v/(2·s²), so that the first nats of a code are cheaper than what they save.
func committed(x *graph.Node, rate float64) *graph.Node {
	bound := committedLogVar(rate / float64(x.Shape()[1]))
	return graph.AddScalar(graph.Neg(graph.Softplus(graph.Neg(x))), bound)
}

// committedLogVar returns ln s² ≤ 0 at which ½ (s² − 1 − ln s²) is rate, by Newton's method.
func committedLogVar(rate float64) float64 {
	v := -2*rate - 1 // below the root, where the function is convex and falls
	for range 100 {
		v -= (math.Exp(v) - 1 - v - 2*rate) / (math.Exp(v) - 1)
	}
	return v
}

// CommittedOptions is the option of a δ-VAE.
type CommittedOptions struct {
	CommittedRate float64 `json:"committed_rate,omitempty" flag:"committed-rate" help:"nats of KL that each code has at least, as 5 (δ-VAE); by a bound on its variances; 0 = none"` // ≥ 0
}

// maxCommitted bounds the nats of a unit: at 20, σ of a code is 1e-9.
const maxCommitted = 20

// validate returns the fault of the option for codes of that many units.
func (o CommittedOptions) validate(latent int) []error {
	if o.CommittedRate >= 0 && o.CommittedRate <= maxCommitted*float64(latent) {
		return nil
	}
	return []error{option.Errorf("vae: {CommittedRate} %v: want nats, as 5, %d for each latent unit at most, or 0 (none)", o.CommittedRate, maxCommitted)}
}
