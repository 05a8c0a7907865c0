package vae

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/prob"
)

// A Regularizer is what a VAE adds to −ln p(x|z): the one thing that most variants
// change. KL, MMD, Sum and TotalCorrelation are Regularizers.
type Regularizer interface {
	// Penalty returns what is added to the loss of each image, (B), nats, and metrics of
	// it beside the KL. The penalty is nil if there is none, as that of a distribution
	// where images are scored one by one (in.Weight is nil).
	Penalty(in *Inputs, q Posterior) (penalty *graph.Node, metrics []Term)
	// Formula returns the penalty as text, as "4·KL(q(z|x) ‖ N(0, I))"; it may be "".
	Formula() string
}

// KL is β·KL(q(z|x) ‖ N(0, I)): the evidence bound with a Beta of 1, a β-VAE with
// another. Higgins et al. 2017, eq. 4.
//
// Warmup, FreeBits and FreeNats are in force in training only: the bound is evaluated with the
// full Beta.
type KL struct {
	Beta float64 // β ≥ 0

	// Warmup is the number of epochs of training over which the weight rises from 0 to Beta, KL
	// annealing, as Anneal says: Bowman et al., arXiv:1511.06349, sec. 3.1; Sønderby et al.,
	// arXiv:1602.02282.
	Warmup float64

	// Anneal is how the weight rises: "" or linear, evenly; logistic, as σ(12.5·(epoch/Warmup − ½)),
	// so that half of Beta is reached in the middle; cyclic, evenly, and after as many epochs of
	// Beta from 0 again, Cycles times in all: Fu et al., arXiv:1903.10145, eq. 6 with R = ½.
	Anneal string
	Cycles int

	// FreeBits is the KL of a latent unit, nats, as a mean over the batch, up to which it
	// is not penalised: Kingma et al., arXiv:1606.04934, eq. 15.
	FreeBits float64

	// FreeNats is the KL of an item, nats over all units, up to which it is not penalised, as
	// max(KL − FreeNats, 0): Roberts et al., arXiv:1803.05428, eq. 3.
	FreeNats float64
}

// Penalty returns β·KL of each image, with annealing and free bits in training.
func (r KL) Penalty(in *Inputs, q Posterior) (*graph.Node, []Term) {
	return r.weighted(in, q.KL, prob.GaussianKLUnits(q.Mu, q.LogVar)), nil
}

// weighted returns the penalty of any divergence: kl (B) is the sum of its units (B,Z).
func (r KL) weighted(in *Inputs, kl, units *graph.Node) *graph.Node {
	if r.FreeBits > 0 && in.Epoch != nil {
		kl = freeBits(in, units, r.FreeBits)
	}
	if r.FreeNats > 0 && in.Epoch != nil {
		kl = graph.ReLU(graph.AddScalar(kl, -r.FreeNats))
	}
	return graph.Mul(kl, r.weight(in))
}

// steepness is the slope of logistic annealing: 0.0025 a step about step 2,500, as Bowman et
// al. are reproduced, is 12.5 over twice as many steps.
const steepness = 12.5

// weight returns the weight of the KL, annealed in training: ().
func (r KL) weight(in *Inputs) *graph.Node {
	if r.Warmup == 0 || in.Epoch == nil {
		return graph.Const(r.Beta)
	}
	done := graph.Scale(in.Epoch, 1/r.Warmup)
	switch r.Anneal {
	case annealLogistic:
		return graph.Scale(graph.Sigmoid(graph.Scale(graph.AddScalar(done, -0.5), steepness)), r.Beta)
	case annealCyclic:
		for i := range r.Cycles - 1 { // a cycle is 2·Warmup long
			started := graph.Greater(in.Epoch, graph.Const(float64(i+1)*2*r.Warmup))
			done = graph.Sub(done, graph.Scale(started, 2))
		}
	}
	return graph.Scale(graph.Min(done, graph.Const(1)), r.Beta)
}

// freeBits returns a number for each image whose mean over the images of weight 1 is
//
//	Σ_j max(free, mean of kl_j)
//
// kl (B,Z) → (B). The gradient of a unit below free is 0.
func freeBits(in *Inputs, kl *graph.Node, free float64) *graph.Node {
	mean := graph.Div(graph.Sum(graph.Mul(graph.Reshape(in.Weight, -1, 1), kl), 0), graph.Sum(in.Weight))
	above := graph.Greater(mean, graph.Const(free))
	return graph.Sum(graph.Select(above, kl, graph.Const(free)), 1)
}

// Formula returns the penalty as text.
func (r KL) Formula() string {
	kl := "KL(q(z|x) ‖ N(0, I))"
	if r.FreeBits > 0 {
		kl = fmt.Sprintf("Σ_units max(%g, mean %s)", r.FreeBits, kl)
	}
	if r.FreeNats > 0 {
		kl = fmt.Sprintf("max(0, %s − %g)", kl, r.FreeNats)
	}
	return r.factor() + "·" + kl
}

// factor returns the weight as text.
func (r KL) factor() string {
	f := strconv.FormatFloat(r.Beta, 'g', -1, 64)
	switch {
	case r.Warmup == 0:
	case r.Anneal == annealLogistic:
		f += fmt.Sprintf("·σ(%g·(epoch/%g − ½))", steepness, r.Warmup)
	case r.Anneal == annealCyclic:
		f += fmt.Sprintf("·min(1, epoch/%g), in %d cycles of %g epochs", r.Warmup, r.Cycles, 2*r.Warmup)
	default:
		f += fmt.Sprintf("·min(1, epoch/%g)", r.Warmup)
	}
	return f
}

// metricMMD is the squared maximum mean discrepancy of the codes from the prior, of the
// batch as a whole.
const metricMMD = "mmd"

// MMD is λ·MMD²(q(z), N(0, I)), the squared maximum mean discrepancy between the codes of
// a batch and as many draws of the prior. It holds the codes of all images together to
// the prior, not those of each.
//
// Sum{KL{Beta: 1−α}, MMD{Weight: α+λ−1}} is the InfoVAE of Zhao, Song & Ermon,
// arXiv:1706.02262, eq. 6; MMD alone is the WAE-MMD of Tolstikhin et al.,
// arXiv:1711.01558, alg. 2, with a Gaussian encoder.
type MMD struct {
	Weight float64                 // λ ≥ 0
	Kernel func(z int) prob.Kernel // for Z units; nil is prob.IMQ
}

// Penalty returns λ·MMD², the same for each image of the batch. Where images are scored
// one by one there is no distribution, and no penalty.
func (r MMD) Penalty(in *Inputs, q Posterior) (*graph.Node, []Term) {
	if in.Weight == nil {
		return nil, nil
	}
	kernel := r.Kernel
	if kernel == nil {
		kernel = prob.IMQ
	}
	prior := graph.Normal(in.Key, "prior", q.Z.Shape()...)
	mmd := prob.MMD(q.Z, prior, in.Weight, kernel(q.Z.Shape()[1]))
	mmd = graph.Tag(graph.BroadcastTo(mmd, q.Z.Shape()[0]), metricMMD)
	return graph.Scale(mmd, r.Weight), []Term{{metricMMD, mmd}}
}

// Formula returns the penalty as text.
func (r MMD) Formula() string { return fmt.Sprintf("%g·MMD²(q(z), N(0, I))", r.Weight) }

// Sum is the sum of several Regularizers.
type Sum []Regularizer

// Penalty returns the sum of the penalties and all metrics.
func (s Sum) Penalty(in *Inputs, q Posterior) (*graph.Node, []Term) {
	var sum *graph.Node
	var all []Term
	for _, r := range s {
		penalty, metrics := r.Penalty(in, q)
		all = append(all, metrics...)
		switch {
		case sum == nil:
			sum = penalty
		case penalty != nil:
			sum = graph.Add(sum, penalty)
		}
	}
	return sum, all
}

// Formula returns the sum as text.
func (s Sum) Formula() string {
	var parts []string
	for _, r := range s {
		if f := r.Formula(); f != "" {
			parts = append(parts, f)
		}
	}
	return strings.Join(parts, " + ")
}

// The values of the option Anneal.
const (
	annealLinear   = "linear"
	annealLogistic = "logistic"
	annealCyclic   = "cyclic"
)

// maxCycles bounds the cycles of annealing, each of which is a node of the graph.
const maxCycles = 1000

// KLAnnealing are the options by which the KL enters the loss in training.
type KLAnnealing struct {
	Warmup   float64 `json:"warmup" flag:"warmup" help:"epochs over which the weight of the KL rises from 0"`                                       // ≥ 0
	FreeBits float64 `json:"free_bits" flag:"free-bits" help:"nats of KL that each latent unit has for free in training, as a mean over the batch"` // ≥ 0
}

// kl returns the term of the options.
func (o KLAnnealing) kl(beta float64) KL {
	return KL{Beta: beta, Warmup: o.Warmup, FreeBits: o.FreeBits}
}

func (o KLAnnealing) validate() []error {
	var faults []error
	if !(o.Warmup >= 0) || math.IsInf(o.Warmup, 0) {
		faults = append(faults, option.Errorf("vae: {Warmup} %v: want a number of epochs, 0 or more", o.Warmup))
	}
	if !(o.FreeBits >= 0) || math.IsInf(o.FreeBits, 0) {
		faults = append(faults, option.Errorf("vae: {FreeBits} %v: want nats a unit, 0 or more", o.FreeBits))
	}
	return faults
}

// WayOfAnnealing are further options of the KL in training, for decoders that do without the codes easily.
type WayOfAnnealing struct {
	Anneal   string  `json:"anneal" flag:"anneal" help:"how the weight of the KL rises over --warmup: linear, logistic, or cyclic, several times from 0"` // "" is linear
	Cycles   int     `json:"cycles" flag:"cycles" help:"how often it rises with --anneal cyclic; each time it stays as long as it rose"`                  // ≥ 2 of cyclic, else 0
	FreeNats float64 `json:"free_nats" flag:"free-nats" help:"nats of KL that each image has for free in training, over all its latent units"`            // ≥ 0
}

// validate returns the faults of the options, of which the first is annealed over warmup epochs.
func (o WayOfAnnealing) validate(warmup float64) []error {
	var faults []error
	switch o.Anneal {
	case "", annealLinear, annealLogistic, annealCyclic:
		if o.Anneal != "" && warmup == 0 {
			faults = append(faults, option.Errorf("vae: {Anneal} %s has no effect without {Warmup}: say over how many epochs the weight rises, as {Warmup} 5", o.Anneal))
		}
	default:
		faults = append(faults, option.Errorf("vae: {Anneal} %q: want linear, logistic or cyclic", o.Anneal))
	}
	switch {
	case o.Anneal == annealCyclic && (o.Cycles < 2 || o.Cycles > maxCycles):
		faults = append(faults, option.Errorf("vae: {Cycles} %d: want 2 to %d of {Anneal} cyclic, as {Cycles} 4", o.Cycles, maxCycles))
	case o.Anneal != annealCyclic && o.Cycles != 0:
		faults = append(faults, option.Errorf("vae: {Cycles} %d is for {Anneal} cyclic: leave it out, or say {Anneal} cyclic", o.Cycles))
	}
	if !(o.FreeNats >= 0) || math.IsInf(o.FreeNats, 0) {
		faults = append(faults, option.Errorf("vae: {FreeNats} %v: want nats, 0 or more", o.FreeNats))
	}
	return faults
}

// kernels are the values of the option MMDKernel.
var kernels = map[string]func(z int) prob.Kernel{"imq": prob.IMQ, "rbf": prob.RBF}

// MMDOptions are the options of InfoVAE and WAE.
type MMDOptions struct {
	MMD       float64 `json:"mmd" flag:"mmd" help:"weight of the discrepancy of all codes from the prior: InfoVAE, and with --beta 0 WAE-MMD"` // ≥ 0
	MMDKernel string  `json:"mmd_kernel" flag:"mmd-kernel" help:"kernel by which --mmd compares codes: imq (inverse multiquadratics) or rbf (Gaussian)"`
}

func (o MMDOptions) validate() []error {
	var faults []error
	if !(o.MMD >= 0) || math.IsInf(o.MMD, 0) {
		faults = append(faults, option.Errorf("vae: {MMD} %v: want a finite number of 0 or more", o.MMD))
	}
	if kernels[o.MMDKernel] == nil {
		faults = append(faults, option.Errorf("vae: {MMDKernel} %q: want imq or rbf", o.MMDKernel))
	}
	if o.MMD == 0 && o.MMDKernel != "imq" {
		faults = append(faults, option.Errorf("vae: {MMDKernel} %s has no effect without {MMD}: give it a weight, as {MMD} 10", o.MMDKernel))
	}
	return faults
}
