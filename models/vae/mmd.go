package vae

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/prob"
)

// metricMMD is the square of the discrepancy of the codes from the prior, of the
// batch as a whole.
const metricMMD = "mmd"

// matching adds to the penalty of each image's posterior one of all codes together:
//
//	β·KL(q(z|x) ‖ N(0, I)) + λ·MMD²(q(z), N(0, I))
//
// With β = 1−α and λ as α+λ−1 this is the InfoVAE of Zhao, Song & Ermon,
// arXiv:1706.02262, eq. 6; with β = 0 the WAE-MMD of Tolstikhin et al.,
// arXiv:1711.01558, alg. 2, with a Gaussian encoder.
type matching struct {
	beta
	lambda float64
	kernel string
}

// kernels are what codes may be compared by, for Z units.
var kernels = map[string]func(z int) prob.Kernel{"imq": prob.IMQ, "rbf": prob.RBF}

// penalty compares the codes with as many draws of the prior. A single image has no
// distribution: where each is scored on its own there is no such term.
func (v matching) penalty(s *scene, q posterior) (*graph.Node, []term) {
	kl, more := v.beta.penalty(s, q)
	if s.weight == nil {
		return kl, more
	}
	prior := graph.Normal(s.key, "prior", q.z.Shape()...)
	mmd := prob.MMD(q.z, prior, s.weight, kernels[v.kernel](q.z.Shape()[1]))
	mmd = graph.Tag(graph.BroadcastTo(mmd, q.z.Shape()[0]), metricMMD)
	return graph.Add(kl, graph.Scale(mmd, v.lambda)), append(more, term{metricMMD, mmd})
}

func (v matching) formula() string {
	return fmt.Sprintf("%s + %g·MMD²(q(z), N(0, I))", v.beta.formula(), v.lambda)
}

// Match are the options of InfoVAE and WAE.
type Match struct {
	MMD       float64 `json:"mmd" flag:"mmd" help:"weight of the discrepancy of all codes from the prior: InfoVAE, and with --beta 0 WAE-MMD"` // ≥ 0
	MMDKernel string  `json:"mmd_kernel" flag:"mmd-kernel" help:"what --mmd compares codes by: imq (inverse multiquadratics) or rbf (Gaussian)"`
}

func (o Match) validate() []error {
	var faults []error
	if !(o.MMD >= 0) || math.IsInf(o.MMD, 0) {
		faults = append(faults, option.Errorf("vae: {MMD} %v: want a finite number of 0 or more", o.MMD))
	}
	if kernels[o.MMDKernel] == nil {
		faults = append(faults, option.Errorf("vae: {MMDKernel} %q: want imq or rbf", o.MMDKernel))
	}
	if o.MMD == 0 && o.MMDKernel != "imq" {
		faults = append(faults, option.Errorf("vae: {MMDKernel} %s has no part without {MMD}: give it a weight, as {MMD} 10", o.MMDKernel))
	}
	return faults
}

// WAEMMD returns a recipe of kind cnn-vae without a KL: the codes of all images together,
// not those of each, are held to the prior. Tolstikhin et al., arXiv:1711.01558, have
// 8 units on MNIST too; the MMD-VAE of Zhao et al. is the same.
func WAEMMD() model.Recipe {
	return model.Recipe{
		Name: "wae-mmd", About: "Wasserstein autoencoder (MMD): all codes together are held to the prior", Kind: "cnn-vae",
		Config: `{"latent": 8, "dense": 256, "beta": 0, "mmd": 100}`,
		Train:  model.Training{Epochs: 50, Batch: 128, LearningRate: 1e-3},
	}
}
