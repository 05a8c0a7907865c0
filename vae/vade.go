package vae

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/mixture"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
	"github.com/imago-ml/imago/tensor"
)

// clustered is VaDE (Jiang, Zheng, Tan, Tang & Zhou, arXiv:1611.05148): a VAE whose
// prior is a mixture of K Gaussians, the clusters, all of whose numbers are learned:
//
//	p(c) = π_c,  p(z|c) = N(μ_c, diag σ_c²),  p(x|z);    q(z|x) = N(μ, diag σ²),  q(c|x) = p(c|z)
//
// It is trained as an autoencoder first; then the mixture is fitted to the codes, and
// all of it is trained together.
type clustered struct {
	elbo
	clusters int     // K
	corrupt  float64 // share of the pixels that the autoencoder does not see while it is pretrained
}

// gaussians is the prior.
type gaussians struct {
	logPi      *graph.Node // (K)
	mu, logVar *graph.Node // (K,Z); logVar is ln σ²
	logs       *graph.Node // ln p(c) + ln p(z|c) of the draws: (B,K)
}

const (
	priorLogits = "prior/clusters/logits"  // (K), ln π but for a constant
	priorMean   = "prior/clusters/mean"    // (K,Z)
	priorLogVar = "prior/clusters/log_var" // (K,Z)
)

// prior is the mixture, at z (B,Z).
func (d clustered) prior(s *scene, z *graph.Node) gaussians {
	b, k := s.b.Network("prior"), d.clusters
	b.Input("input_3", z)
	p := gaussians{
		logPi:  graph.Reshape(prob.LogSoftmax(graph.Reshape(b.Param("clusters/logits", nn.Zeros, k), 1, k)), k),
		mu:     b.Param("clusters/mean", nn.Normal(0, 1), k, d.latent),
		logVar: b.Param("clusters/log_var", nn.Zeros, k, d.latent),
	}
	// Σ_z (z−μ)²/σ² of all pairs, in three products and not in B·K·Z differences.
	w := graph.Exp(graph.Neg(p.logVar))
	square := graph.Sub(graph.MatMulT(graph.Square(z), w, false, true), graph.Scale(graph.MatMulT(z, graph.Mul(p.mu, w), false, true), 2))
	own := graph.Sum(graph.Add(graph.Mul(graph.Square(p.mu), w), p.logVar), 1)
	own = graph.AddScalar(own, float64(d.latent)*math.Log(2*math.Pi))
	logs := graph.Sub(p.logPi, graph.Scale(graph.Add(square, own), 0.5))
	p.logs = b.Layer("clusters", "GaussianMixture", logs, z)
	return p
}

// kl is KL(q(z,c|x) ‖ p(z,c)) of each image with γ = q(c|x), eq. 12 less its first term:
//
//	½ Σ_c γ_c Σ_z (ln σ_c² + σ²/σ_c² + (μ−μ_c)²/σ_c²) + Σ_c γ_c ln γ_c/π_c − ½ Σ_z (1 + ln σ²)
func (d clustered) kl(p gaussians, mu, logVar *graph.Node) *graph.Node {
	w := graph.Exp(graph.Neg(p.logVar))
	logGamma := prob.LogSoftmax(p.logs)
	near := graph.MatMulT(graph.Add(graph.Exp(logVar), graph.Square(mu)), w, false, true)
	near = graph.Sub(near, graph.Scale(graph.MatMulT(mu, graph.Mul(p.mu, w), false, true), 2))
	near = graph.Add(near, graph.Sum(graph.Add(graph.Mul(graph.Square(p.mu), w), p.logVar), 1))
	each := graph.Add(graph.Scale(near, 0.5), graph.Sub(logGamma, p.logPi))
	own := graph.Scale(graph.Sum(graph.AddScalar(logVar, 1), 1), 0.5)
	return graph.Sub(graph.Sum(graph.Mul(graph.Exp(logGamma), each), 1), own)
}

func (d clustered) terms(s *scene) []term {
	s = d.seen(s)
	mu, logVar := d.encode(s)
	z := prob.GaussianSample(mu, logVar, s.key, "posterior")
	z = s.b.Network("encoder").Layer("sampling", "Sampling", z, mu, logVar)
	kl := graph.Tag(d.kl(d.prior(s, z), mu, logVar), model.KL)
	rec := d.error(s, d.decode(s, z))
	return []term{{model.Loss, graph.Add(rec, kl)}, {model.Reconstruction, rec}, {model.KL, kl}}
}

// probs are the clusters' shares in the mean code, p(c|z = μ).
func (d clustered) probs(s *scene) *graph.Node {
	mu, _ := d.encode(s)
	return prob.Softmax(d.prior(s, mu).logs)
}

func (d clustered) logWeights(s *scene, k int) *graph.Node {
	s = d.seen(s)
	mu, logVar := d.encode(s)
	z := drawsOf(s, mu, logVar, k)
	w, _ := d.weights(s, z, d.decode)
	prior := graph.Sub(prob.LogSumExp(d.prior(s, z.z).logs, 1), prob.NormalLogDensity(z.z))
	return graph.Add(w, graph.Reshape(prior, k, -1))
}

// draw draws a cluster, a code of it, and the image.
func (d clustered) draw(s *scene, n int) *graph.Node {
	p := d.prior(s, graph.Normal(s.key, "code", n, d.latent))
	c := drawn(graph.BroadcastTo(p.logPi, n, d.clusters), s.key, "cluster")
	mu, logVar := graph.MatMul(c, p.mu), graph.MatMul(c, p.logVar)
	return d.decode(s, prob.GaussianSample(mu, logVar, s.key, "code"))
}

func (d clustered) lessons(pretrain int) []lesson {
	rule := optim.DefaultAdam()
	rule.Epsilon = 1e-4 // the paper's
	return []lesson{
		{name: "autoencoder", epochs: pretrain, adam: rule, goal: func(s *class) []graph.Output {
			seen := d.seen(s.scene)
			mu, _ := d.encode(d.corrupted(seen))
			rec := d.error(seen, d.decode(seen, mu))
			return s.means([]term{{model.Loss, rec}, {model.Reconstruction, rec}})
		}},
		{name: "clusters", adam: rule, begin: d.fit, goal: func(s *class) []graph.Output { return s.means(d.terms(s.scene)) }},
	}
}

// corrupted is the scene with some pixels 0, others in each batch: Vincent et al. 2008.
func (d clustered) corrupted(s *scene) *scene {
	t := *s
	if d.corrupt > 0 {
		kept := graph.Greater(graph.Uniform(s.key, "corrupt", s.x.Shape()...), graph.Const(d.corrupt))
		t.x = graph.Tag(graph.Mul(s.x, kept), "corrupt")
	}
	return &t
}

// fit makes the prior the mixture of the training images' codes.
func (d clustered) fit(m *staged, s model.Scene) error {
	out, err := s.Run(m.Encode)
	if err != nil {
		return err
	}
	x, k := out[model.OutputMean], d.clusters
	fitted, err := mixture.Fit(s.Context(), x, len(x)/d.latent, d.latent, k, mixture.Options{Key: s.Key().Split("mixture"), Restarts: 5})
	if err != nil {
		return fmt.Errorf("vae: the clusters of the autoencoder's codes: %w", err)
	}
	set := func(name string, of []float64, f func(float64) float64, shape ...int) error {
		t := tensor.New(tensor.Float32, shape...)
		for i, v := range of {
			t.F32()[i] = float32(f(v))
		}
		return s.Set(name, t)
	}
	return errors.Join(
		set(priorLogits, fitted.Weights, func(w float64) float64 { return math.Log(max(w, 1e-6)) }, k),
		set(priorMean, fitted.Means, func(v float64) float64 { return v }, k, d.latent),
		set(priorLogVar, fitted.Covs, math.Log, k, d.latent),
	)
}

func (d clustered) objective() string {
	return "loss = " + d.likelihood.formula + "; then + KL(q(z,c|x) ‖ p(z|c) p(c)), " + d.unit
}

// clustering is the model of VaDE.
type clustering struct {
	*staged
	classifies
	samples
}

// VaDEConfig configures kind vade.
type VaDEConfig struct {
	Latent   int `json:"latent" flag:"latent" help:"number of latent units"`                          // Z ≥ 1
	Clusters int `json:"clusters" flag:"clusters" help:"components of the mixture that is the prior"` // K ≥ 1
	Scored
	MLP
	Pretrained
	Corrupt float64 `json:"corrupt" flag:"corrupt" help:"share of the pixels that the first stage sets to 0 in what the encoder sees"` // 0 to below 1
}

// Validate reports every fault of the options.
func (c *VaDEConfig) Validate() error {
	var faults []error
	if !(c.Corrupt >= 0 && c.Corrupt < 1) {
		faults = append(faults, fmt.Errorf("vae: --corrupt %v: want a share from 0 to below 1, as 0.2", c.Corrupt))
	}
	return joined(faults, model.CheckUnits("vae", "latent", c.Latent), model.CheckUnits("vae", "clusters", c.Clusters), c.Scored.validate(), c.MLP.validate(), c.Pretrained.validate())
}

// New builds the model.
func (c *VaDEConfig) New(in model.Input) (model.Model, error) {
	if err := check(c.Validate(), c.MLP, in.Image); err != nil {
		return nil, err
	}
	d := clustered{elbo{pair{c.MLP, in.Image, c.Latent, false}, c.Pixels.of(c.Loss), beta{weight: 1}}, c.Clusters, c.Corrupt}
	m, err := buildStaged("vade", d, in, c.Latent, model.Labelled{}, d.lessons(c.Pretrain)...)
	if err != nil {
		return nil, err
	}
	return clustering{m, classifies{m}, samples{m}}, nil
}

// VaDE is kind vade and its recipe, as published: 784-500-500-2000-10.
func VaDE() (model.Kind, model.Recipe) {
	about := "VAE whose prior is a mixture of clusters, learned without labels"
	return model.Kind{Name: "vade", About: about, Default: func() model.Config {
			return &VaDEConfig{10, 10, scored("bce"), MLP{[]int{500, 500, 2000}, "relu"}, Pretrained{15}, 0.2}
		}},
		model.Recipe{Name: "vade", About: about, Kind: "vade", Train: model.Training{Epochs: 45, Batch: 100, LearningRate: 2e-3, Schedule: "step:10:0.9"}}
}
