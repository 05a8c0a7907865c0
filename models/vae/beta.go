package vae

import (
	"fmt"
	"math"
	"strconv"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/prob"
)

// beta weighs the KL; a weight of 1 is the evidence bound itself.
type beta struct {
	weight float64
	// warmup is the epochs of training over which the weight rises evenly from 0:
	// Bowman et al., arXiv:1511.06349, sec. 3.1; Sønderby et al., arXiv:1602.02282.
	warmup float64
	// freeBits is the KL of a unit, as a mean over the batch, below which training
	// asks for no less of it, nats: Kingma et al., arXiv:1606.04934, eq. 15.
	freeBits float64
}

// penalty returns β·KL(q(z|x) ‖ N(0, I)): Higgins et al. 2017, eq. 4. Warm-up and free
// bits are a matter of training: what is evaluated is the bound with the full β.
func (v beta) penalty(s *scene, q posterior) (*graph.Node, []term) {
	return v.weighed(s, q.kl, prob.GaussianKLUnits(q.mu, q.logVar)), nil
}

// weighed returns the penalty of a divergence: kl (B), the sum of its units (B,Z).
func (v beta) weighed(s *scene, kl, units *graph.Node) *graph.Node {
	if v.freeBits > 0 && s.epoch != nil {
		kl = freed(s, units, v.freeBits)
	}
	return graph.Mul(kl, v.now(s))
}

// now returns β, in training as far as it has risen: ().
func (v beta) now(s *scene) *graph.Node {
	if v.warmup == 0 || s.epoch == nil {
		return graph.Const(v.weight)
	}
	return graph.Scale(graph.Min(graph.Scale(s.epoch, 1/v.warmup), graph.Const(1)), v.weight)
}

// freed returns a number an image whose mean over the images of weight 1 is
//
//	Σ_j max(free, mean of kl_j)
//
// kl (B,Z) → (B). The gradient of a unit below free is 0.
func freed(s *scene, kl *graph.Node, free float64) *graph.Node {
	mean := graph.Div(graph.Sum(graph.Mul(graph.Reshape(s.weight, -1, 1), kl), 0), graph.Sum(s.weight))
	above := graph.Greater(mean, graph.Const(free))
	return graph.Sum(graph.Select(above, kl, graph.Const(free)), 1)
}

func (v beta) formula() string {
	kl := "KL(q(z|x) ‖ N(0, I))"
	if v.freeBits > 0 {
		kl = fmt.Sprintf("Σ_units max(%g, mean %s)", v.freeBits, kl)
	}
	return v.factor() + "·" + kl
}

// factor returns β in words.
func (v beta) factor() string {
	f := strconv.FormatFloat(v.weight, 'g', -1, 64)
	if v.warmup > 0 {
		f += fmt.Sprintf("·min(1, epoch/%g)", v.warmup)
	}
	return f
}

// Rise are the options of how the KL comes into a VAE's loss.
type Rise struct {
	Warmup   float64 `json:"warmup" flag:"warmup" help:"epochs over which the weight of the KL rises from 0"`                                       // ≥ 0
	FreeBits float64 `json:"free_bits" flag:"free-bits" help:"nats of KL that each latent unit has for free in training, as a mean over the batch"` // ≥ 0
}

func (o Rise) validate() []error {
	var faults []error
	if !(o.Warmup >= 0) || math.IsInf(o.Warmup, 0) {
		faults = append(faults, option.Errorf("vae: {Warmup} %v: want a number of epochs, 0 or more", o.Warmup))
	}
	if !(o.FreeBits >= 0) || math.IsInf(o.FreeBits, 0) {
		faults = append(faults, option.Errorf("vae: {FreeBits} %v: want nats a unit, 0 or more", o.FreeBits))
	}
	return faults
}
