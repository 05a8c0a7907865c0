package vae

import (
	"fmt"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// iwae is the design of an importance weighted autoencoder:
//
//	loss = −ln (1/k) Σ_i p(x,z_i)/q(z_i|x),   z_1 … z_k ~ q(z|x)
//
// an upper bound of −ln p(x) that falls as k rises; with k = 1 it is the VAE's.
// Burda, Grosse & Salakhutdinov, arXiv:1509.00519, eq. 8, trained as in sec. 5: the
// biases of the last layer start where every pixel has its mean over the images,
// and Adam has an ε of 1e-4.
type iwae struct {
	pair
	likelihood
	samples int
	bias    string // the parameter
}

func (w iwae) terms(s *scene) []term {
	s = w.seen(s)
	mu, logVar := w.encode(s)
	d := drawsOf(s, mu, logVar, w.samples)
	d.z = s.b.Network("encoder").Layer("sampling", "Sampling", d.z, mu, logVar)
	weights, nll := w.weights(s, d, w.decode)
	return []term{
		{model.Loss, graph.Neg(prob.LogMeanExp(weights, 0))},
		{model.Reconstruction, graph.Mean(nll, 0)},
		{model.KL, graph.Tag(prob.GaussianKL(mu, logVar), model.KL)},
	}
}

func (w iwae) logWeights(s *scene, k int) *graph.Node {
	s = w.seen(s)
	mu, logVar := w.encode(s)
	weights, _ := w.weights(s, drawsOf(s, mu, logVar, k), w.decode)
	return weights
}

func (w iwae) objective() string {
	return fmt.Sprintf("loss = −ln mean of %d p(x,z)/q(z|x), −ln p(x|z) = %s, %s", w.samples, w.formula, w.unit)
}

func (w iwae) adam() optim.Adam {
	a := optim.DefaultAdam()
	a.Epsilon = 1e-4
	return a
}

// begin sets the biases: logit of the mean of each pixel, kept off 0 and 1.
func (w iwae) begin(s model.InitContext) error {
	mean, err := meanImage(s)
	if err != nil {
		return err
	}
	t := tensor.New(tensor.Float32, len(mean))
	for i, m := range mean {
		p := min(max(m, 0.001), 0.999)
		t.F32()[i] = float32(math.Log(p / (1 - p)))
	}
	return s.Set(w.bias, t)
}

// meanImage returns the mean of all images to train on, H·W·C values.
func meanImage(s model.InitContext) ([]float64, error) {
	images := s.Train()
	h, w, c := images.Shape()
	const at = 256
	mean, some := make([]float64, h*w*c), make([]float32, at*h*w*c)
	for i := 0; i < images.Len(); i += at {
		index := make([]int32, min(at, images.Len()-i))
		for k := range index {
			index[k] = int32(i + k)
		}
		if err := data.Floats(s.Context(), images, index, some); err != nil {
			return nil, err
		}
		for k, v := range some[:len(index)*len(mean)] {
			mean[k%len(mean)] += float64(v) / float64(images.Len())
		}
	}
	return mean, nil
}

// IWAEConfig configures kind iwae.
type IWAEConfig struct {
	Latent  int    `json:"latent" flag:"latent" help:"number of latent units"`                              // Z ≥ 1
	Samples int    `json:"samples" flag:"samples" help:"draws of the code for each image, k; 1 is the VAE"` // ≥ 1
	Loss    string `json:"loss" flag:"loss" help:"reconstruction loss, summed over pixels: bce (Bernoulli pixels), cb (continuous Bernoulli), mse (Gaussian pixels of σ² = ½), gaussian (with --sigma), sigma (one σ, learned), mae (Laplace pixels) or logistic (256 levels, scale learned)"`
	Pixels
	MLP
}

// Validate reports every fault of the options.
func (c *IWAEConfig) Validate() error {
	return joined(Bound{c.Latent, c.Loss, 1}.validate(), model.CheckUnits("vae", "Samples", c.Samples), c.Pixels.validate(c.Loss), c.MLP.validate())
}

// New builds the model.
func (c *IWAEConfig) New(in model.Input) (*model.Model, error) {
	if err := check(c.Validate(), c.MLP, in.Image); err != nil {
		return nil, err
	}
	d := iwae{pair{c.MLP, in.Image, c.Latent, false}, c.Pixels.of(c.Loss), c.Samples, "decoder/" + c.last() + "/bias"}
	return build("iwae", d, in, c.Latent)
}

// IWAE returns kind iwae and its recipes on binarised digits: the networks of Burda et
// al. with one stochastic layer, 784-200-200-50 and back, with one draw (the VAE
// that they compare with) and with 50. Four of the eight stages of their schedule,
// 40 of 3,280 epochs, are a recipe's default.
func IWAE() (model.Kind, model.Recipe, model.Recipe) {
	kind := model.Kind{Name: "iwae", About: "importance weighted autoencoder with dense networks", Default: func() model.Config {
		return &IWAEConfig{50, 50, "bce", Pixels{defaultSigma, true}, MLP{[]int{200, 200}, "tanh"}}
	}}
	train := model.Training{Epochs: 40, Batch: 20, LearningRate: 1e-3, Schedule: "burda"}
	return kind,
		model.Recipe{Name: "iwae", About: "importance weighted autoencoder of 50 draws, on binarised pixels", Kind: "iwae", Train: train},
		model.Recipe{Name: "burda-vae", About: "the same networks with one draw: a VAE on binarised pixels", Kind: "iwae", Config: `{"samples": 1}`, Train: train}
}
