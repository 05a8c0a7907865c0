package vae

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// iwae is the importance weighted autoencoder of Burda, Grosse & Salakhutdinov,
// arXiv:1509.00519:
//
//	ln p(x) ≥ L_k = E ln (1/k) Σ_i w_i,  w_i = p(x,z_i)/q(z_i|x),  z_1 … z_k ~ q(z|x)   eq. 8
//
// The bound rises with k; with k = 1 it is that of the VAE, eq. 3. It is trained as in
// sec. 5: the biases of the last layer start where every pixel has its mean over the
// images, and Adam has an ε of 1e-4.
type iwae struct {
	networks
	likelihood likelihood.Likelihood
	samples    int    // k
	bias       string // the parameter with the biases of the last layer
}

func (w iwae) terms(in *Inputs) []Term {
	in = in.withTarget(w.likelihood)
	mu, logVar := w.encode(in)
	s := samplePosterior(in, mu, logVar, w.samples)
	s.z = in.Builder.Network("encoder").Layer("sampling", "Sampling", s.z, mu, logVar)
	logW, nll := importanceWeights(in, w.likelihood, s, w.decode)
	return []Term{
		{model.Loss, graph.Neg(prob.LogMeanExp(logW, 0))}, // −L_k: eq. 8
		{model.Reconstruction, graph.Mean(nll, 0)},
		{model.KL, graph.Tag(prob.GaussianKL(mu, logVar), model.KL)},
	}
}

// samples are k codes of each image drawn from q(z|x) = N(mu, diag e^logVar), all in one
// matrix: a network is applied to all of them at once, as one product of k·B rows. The
// images of the first draw come first, then those of the second.
type samples struct {
	k        int
	z        *graph.Node // (k·B,Z)
	logRatio *graph.Node // (k,B), ln p(z) − ln q(z|x), nats
}

// samplePosterior draws z = μ + σ ε, with
//
//	ln p(z) − ln q(z|x) = ½ Σ_z (ε² + ln σ² − z²)
//
// The constants of the two densities are the same. Written in ε, its gradient is that of
// eq. 13, through z(x, ε, θ) alone. Image i has the same ε in a batch of any size, and as
// its first that of prob.GaussianSample.
func samplePosterior(in *Inputs, mu, logVar *graph.Node, k int) samples {
	n, units := mu.Shape()[0], mu.Shape()[1]
	eps := graph.Transpose(graph.Normal(in.Key, "posterior", n, k, units), 1, 0, 2)
	z := graph.Add(mu, graph.Mul(graph.Exp(graph.Scale(logVar, 0.5)), eps))
	logRatio := graph.Sum(graph.Sub(graph.Add(graph.Square(eps), logVar), graph.Square(z)), 2)
	return samples{k, graph.Reshape(z, k*n, units), graph.Scale(logRatio, 0.5)}
}

// importanceWeights returns ln w = ln p(x|z) + ln p(z) − ln q(z|x), and −ln p(x|z), of
// every draw: (k,B).
func importanceWeights(in *Inputs, l likelihood.Likelihood, s samples, decode func(in *Inputs, z *graph.Node) *graph.Node) (logW, nll *graph.Node) {
	t := in.repeated(s.k)
	nll = graph.Reshape(t.reconstructionLoss(l, decode(t, s.z)), s.k, -1)
	return graph.Sub(s.logRatio, nll), nll
}

func (w iwae) logWeights(in *Inputs, k int) *graph.Node {
	in = in.withTarget(w.likelihood)
	mu, logVar := w.encode(in)
	logW, _ := importanceWeights(in, w.likelihood, samplePosterior(in, mu, logVar, k), w.decode)
	return logW
}

func (w iwae) objective() objective {
	rule := optim.DefaultAdam()
	rule.Epsilon = 1e-4 // sec. 5
	phases := onePhase(rule, w.terms)
	phases[0].name, phases[0].init = "train", w.initBias
	return objective{
		kind: "iwae", latent: w.latent, likelihood: w.likelihood,
		formula: fmt.Sprintf("loss = −ln mean of %d p(x,z)/q(z|x), −ln p(x|z) = %s, %s", w.samples, w.likelihood.Formula, w.likelihood.Unit),
		terms:   w.terms, encode: w.encode, decode: w.decode, logWeights: w.logWeights, phases: phases,
	}
}

// initBias sets the biases of the last layer to the logit of the mean of each pixel, kept
// off 0 and 1: sec. 5.
func (w iwae) initBias(_ *model.Model, c model.InitContext) error {
	mean, err := meanImage(c)
	if err != nil {
		return err
	}
	t := tensor.New(tensor.Float32, len(mean))
	for i, m := range mean {
		p := min(max(m, 0.001), 0.999)
		t.F32()[i] = float32(math.Log(p / (1 - p)))
	}
	return c.Set(w.bias, t)
}

// meanImage returns the mean of all training images, (Shape).
func meanImage(c model.InitContext) ([]float64, error) {
	images := c.Train()
	size := images.Item().Size()
	const batch = 256
	mean, values := make([]float64, size), make([]float32, batch*size)
	for i := 0; i < images.Len(); i += batch {
		index := make([]int32, min(batch, images.Len()-i))
		for k := range index {
			index[k] = int32(i + k)
		}
		if err := data.Floats(c.Context(), images, index, values); err != nil {
			return nil, err
		}
		for k, v := range values[:len(index)*len(mean)] {
			mean[k%len(mean)] += float64(v) / float64(images.Len())
		}
	}
	return mean, nil
}

// IWAEConfig configures kind iwae.
type IWAEConfig struct {
	Latent  int `json:"latent" flag:"latent" help:"number of latent units"`                              // Z ≥ 1
	Samples int `json:"samples" flag:"samples" help:"draws of the code for each image, k; 1 is the VAE"` // ≥ 1
	likelihood.Options
	MLP
	Overrides
}

// Validate reports every fault of the options.
func (c *IWAEConfig) Validate() error {
	return joined(model.CheckUnits("vae", "Latent", c.Latent), c.Options.Validate(), model.CheckUnits("vae", "Samples", c.Samples), c.MLP.validate())
}

// New builds the model.
func (c *IWAEConfig) New(in model.Input) (*model.Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	l, err := c.Options.Likelihood()
	if err != nil {
		return nil, err
	}
	w := iwae{networks{c.MLP, c.MLP, in.Item, c.Latent, false, held{}}, l, c.Samples, "decoder/" + c.outputLayer() + "/bias"}
	d := likelihoodDiagnosis(c.Options, c.MLP.size())
	d.latentOption = field("Latent", c.Latent)
	return d.modelOf(w.objective().build(in, c.Overrides))
}

// IWAE returns kind iwae and its recipes on binarised digits: the networks of Burda et
// al. with one stochastic layer, 784-200-200-50 and back, with one draw (the VAE
// that they compare with) and with 50. Four of the eight stages of their schedule,
// 40 of 3,280 epochs, are a recipe's default.
func IWAE() (model.Kind, model.Recipe, model.Recipe) {
	kind := model.Kind{Name: "iwae", About: "importance weighted autoencoder with dense networks", Default: func() model.Config {
		return &IWAEConfig{Latent: 50, Samples: 50, Options: binarized(), MLP: MLP{Hidden: []int{200, 200}, Activation: "tanh"}}
	}}
	train := model.Training{Epochs: 40, Batch: 20, LearningRate: 1e-3, Schedule: "burda"}
	return kind,
		model.Recipe{Name: "iwae", About: "importance weighted autoencoder of 50 draws, on binarised pixels", Kind: "iwae", Train: train},
		model.Recipe{Name: "burda-vae", About: "the same networks with one draw: a VAE on binarised pixels", Kind: "iwae", Config: `{"samples": 1}`, Train: train}
}

// binarized returns the options of Bernoulli pixels that are drawn anew in each batch.
func binarized() likelihood.Options {
	o := likelihood.DefaultOptions("bce")
	o.Binarize = true
	return o
}
