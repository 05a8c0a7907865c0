package vae

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
)

// The metrics of the discriminator of codes. They are not those of a GAN, which compare
// images.
const (
	metricDLoss     = "tc_d_loss"     // its loss, nats an image: mean over codes and permuted codes
	metricDAccuracy = "tc_d_accuracy" // share of codes and permuted codes that it classifies correctly, 0 to 1
	metricDGradNorm = "tc_d_grad_norm"
)

// TotalCorrelation is the regulariser of FactorVAE, Kim & Mnih, arXiv:1802.05983:
//
//	KL(q(z|x) ‖ N(0, I)) + γ·TC(z)                             eq. 2, negated
//	TC(z) = KL(q(z) ‖ Π_j q(z_j)) ≈ E_q(z) ln D(z)/(1−D(z))    eq. 3
//
// q(z) is the distribution of the codes of all images. A discriminator D, a network of
// dense layers with leaky ReLU of 0.2, separates codes from codes whose units are permuted
// over the batch, which are drawn from Π_j q(z_j).
//
// Both methods are needed: the penalty lowers the estimate, and Updates trains D.
//
//	tc := vae.TotalCorrelation{KL: vae.KL{Beta: 1}, Gamma: 5, Hidden: []int{256, 256}}
//	o := vae.Options{Encoder: e, Decoder: d, Latent: 10, Regularizer: tc, Updates: tc.Updates}
type TotalCorrelation struct {
	KL     KL
	Gamma  float64 // γ ≥ 0
	Hidden []int   // units of the hidden layers of D
	Rate   float64 // learning rate of D as a multiple of the run's; 0 is 1
}

func (r TotalCorrelation) discriminator() codeDiscriminator {
	return codeDiscriminator{r.Hidden, nn.LeakyReLU(0.2)}
}

// Penalty returns KL + γ·(ln D(z) − ln(1−D(z))) of each image, and the estimate of the
// total correlation as metric tc.
func (r TotalCorrelation) Penalty(in *Inputs, q Posterior) (*graph.Node, []Term) {
	kl, more := r.KL.Penalty(in, q)
	tc := graph.Tag(r.discriminator().logits(in.Builder, q.Z), model.TotalCorrelation) // eq. 3
	return graph.Add(kl, graph.Scale(tc, r.Gamma)), append(more, Term{model.TotalCorrelation, tc})
}

// Formula returns the penalty as text.
func (r TotalCorrelation) Formula() string {
	return fmt.Sprintf("%s + %g·(ln D(z) − ln(1 − D(z)))", r.KL.Formula(), r.Gamma)
}

// Updates returns the update of D, the second of algorithm 2. The batch takes the place
// of both batches of the algorithm: every second image, from the first, gives codes, and
// the others give the permuted codes, so that the two are independent. The codes are
// those from before the update of the VAE. A batch must have two images or more.
func (r TotalCorrelation) Updates(in *Inputs, q Posterior) []update.Update {
	d := r.discriminator()
	codes, codesWeight := everySecond(q.Z, 0), everySecond(in.Weight, 0)
	permuted, permutedWeight := permuteDims(everySecond(q.Z, 1), everySecond(in.Weight, 1), in.Key)
	codeLogits, permutedLogits := d.logits(in.Builder, codes), d.logits(in.Builder, permuted)
	loss := mean2(weightedMean(negLogD(codeLogits), codesWeight), weightedMean(negLogOneMinusD(permutedLogits), permutedWeight))
	correct := mean2(weightedMean(isPositive(codeLogits), codesWeight), weightedMean(isNegative(permutedLogits), permutedWeight))
	return []update.Update{{
		Name: "discriminator", Loss: loss, Params: update.Params(in.Builder, "discriminator"),
		Optimizer: adversarialAdam("discriminator", 0.9), Rate: r.Rate, GradNorm: metricDGradNorm, Simultaneous: true,
		Metrics: []graph.Output{{Name: metricDLoss, Value: loss}, {Name: metricDAccuracy, Value: correct}},
	}}
}

// everySecond returns the rows first, first+2, … of x.
func everySecond(x *graph.Node, first int) *graph.Node {
	if x.Shape()[0] < 2 {
		panic(&graph.ShapeError{Op: "total correlation", In: []graph.Shape{x.Shape()}, Want: "want a batch of two images or more"})
	}
	start, stride := make([]int, len(x.Shape())), make([]int, len(x.Shape()))
	for i := range stride {
		stride[i] = 1
	}
	start[0], stride[0] = first, 2
	return graph.Slice(x, start, x.Shape(), stride)
}

// weightedMean returns the mean of value (B) over the images of weight 1, 0 if there are
// none.
func weightedMean(value, weight *graph.Node) *graph.Node {
	return graph.Div(graph.Sum(graph.Mul(weight, value)), graph.Max(graph.Sum(weight), graph.Const(1)))
}

// permuteDims returns codes (B,Z) with each unit permuted over the images of weight 1 by a
// permutation of its own: algorithm 1. They are the first rows of the result, whose
// weight (B) is 1; the others are padding.
//
// A permutation is the order of random numbers, one for each image and unit, so that it
// does not depend on the padding.
func permuteDims(z, weight, key *graph.Node) (permuted, permutedWeight *graph.Node) {
	n, units := z.Shape()[0], z.Shape()[1]
	u := graph.Uniform(key, "permutation", n, units)
	u = graph.Add(u, graph.Reshape(graph.Scale(graph.Sub(graph.Const(1), weight), 2), n, 1)) // padding comes last
	// rank (n,Z) counts, for each image and unit, the numbers that are smaller, or equal
	// and of an earlier image.
	a, b := graph.Reshape(u, n, 1, units), graph.Reshape(u, 1, n, units)
	earlier := graph.Greater(graph.Reshape(indices(n), n, 1, 1), graph.Reshape(indices(n), 1, n, 1))
	rank := graph.Sum(graph.Add(graph.Greater(a, b), graph.Mul(graph.Equal(a, b), earlier)), 1)
	// Row r of the result has unit j of the image whose rank of j is r.
	chosen := graph.Equal(graph.Reshape(rank, 1, n, units), graph.Reshape(indices(n), n, 1, 1))
	permuted = graph.Sum(graph.Mul(chosen, graph.Reshape(z, 1, n, units)), 1)
	return permuted, graph.Greater(graph.Sum(weight), indices(n))
}

// FactorVAEConfig configures kind factor-vae.
type FactorVAEConfig struct {
	Latent int `json:"latent" flag:"latent" help:"number of latent units"` // Z ≥ 1
	likelihood.Options
	Gamma   float64 `json:"gamma" flag:"gamma" help:"weight of the total correlation of the codes; 0 is the VAE"`                                 // γ ≥ 0
	DHidden []int   `json:"d_hidden" flag:"d-hidden" help:"units of the hidden layers of the discriminator of codes; the paper has six of 1,000"` // each ≥ 1
	DRate   float64 `json:"d_rate" flag:"d-rate" help:"learning rate of the discriminator, as a multiple of --lr"`                                // > 0
	KLAnnealing
	CNN
	Overrides
}

// Validate reports every fault of the options.
func (c *FactorVAEConfig) Validate() error {
	var faults []error
	if !(c.Gamma >= 0) || math.IsInf(c.Gamma, 0) {
		faults = append(faults, option.Errorf("vae: {Gamma} %v: want a finite number of 0 or more, as 5", c.Gamma))
	}
	return joined(model.CheckUnits("vae", "Latent", c.Latent), c.Options.Validate(), faults, model.CheckLayers("vae", "DHidden", c.DHidden),
		checkRate("DRate", c.DRate), c.KLAnnealing.validate(), c.CNN.validate())
}

// New builds the model.
func (c *FactorVAEConfig) New(in model.Input) (*model.Model, error) {
	if err := check(c.Validate(), c.CNN, in.Item); err != nil {
		return nil, err
	}
	l, err := c.Options.Likelihood()
	if err != nil {
		return nil, err
	}
	tc := TotalCorrelation{c.kl(1), c.Gamma, c.DHidden, c.DRate}
	return New("factor-vae", Options{
		Encoder: c.CNN, Decoder: c.CNN, Latent: c.Latent, Likelihood: l, Regularizer: tc, Updates: tc.Updates, Overrides: c.Overrides,
	}, in)
}

// FactorVAE returns kind factor-vae and its recipe. The published networks are
// --filters 32,32,64,64 --dense 128 and a discriminator of six layers of 1,000, with
// γ = 35 and a learning rate of 1e-4 for 300,000 steps of 64 images of dSprites.
//
// On faces of 16x16, grey, with six units and Gaussian pixels of σ = 0.1, the estimate of
// the total correlation is 0.3 nats with γ = 5, and 1.7 with γ = 0, stopped where its
// reconstructions are as good.
func FactorVAE() (model.Kind, model.Recipe) {
	const name, about = "factor-vae", "VAE whose latent units a discriminator makes independent of each other"
	return model.Kind{Name: name, About: about, Default: func() model.Config {
			return &FactorVAEConfig{
				Latent: 10, Options: likelihood.DefaultOptions("bce"), Gamma: 5, DHidden: []int{256, 256, 256}, DRate: 1,
				CNN: CNN{Filters: []int{32, 64}, Dense: 128, Kernel: 4, Mirror: true},
			}
		}},
		model.Recipe{Name: name, About: about, Kind: name, Train: model.Training{Epochs: 30, Batch: 64, LearningRate: 1e-3}}
}
