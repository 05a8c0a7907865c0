package sequence

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/prob"
)

// DMMConfig configures kind dmm, the deep Markov model of sequences of vectors: Krishnan, Shalit
// & Sontag, Structured Inference Networks for Nonlinear State Space Models, arXiv:1609.09869.
//
//	z_t ~ N(μ(z_t−1), σ²(z_t−1))    the gated transition, sec. 5
//	x_t ~ Bernoulli(σ(e(z_t)))      the emitter, of two hidden layers
//	loss = Σ_t −ln p(x_t|z_t) + KL(q(z_t|z_t−1, x_t…x_T) ‖ p(z_t|z_t−1))    eq. 6
//
// The inference network is DKS, a recurrent network that reads the sequence backward, whose state
// is combined with the latent state before: sec. 4. The state before the first is a parameter,
// one of the transition and one of the inference network.
type DMMConfig struct {
	Latent         int     `json:"latent" flag:"latent" help:"number of latent units of a step"`                                            // Z ≥ 1
	Transition     int     `json:"transition_units" flag:"transition-units" help:"units of the layers of the transition"`                   // ≥ 1
	Emission       int     `json:"emission_units" flag:"emission-units" help:"units of the two layers of the emitter"`                      // ≥ 1
	Cell           string  `json:"cell" flag:"cell" help:"of the inference network: gru or lstm"`                                           //
	RecurrentUnits int     `json:"units" flag:"recurrent-units" help:"units of the inference network"`                                      // ≥ 1
	Dropout        float64 `json:"dropout" flag:"dropout" help:"share of the inputs of the inference network that is set to 0 in training"` // in [0, 1)
	Beta           float64 `json:"beta" flag:"beta" help:"weight of the KL; 1 is the evidence bound"`                                       // ≥ 0
	Warmup         float64 `json:"warmup" flag:"warmup" help:"epochs over which the weight of the KL rises from 0"`                         // ≥ 0
}

// DMM returns kind dmm and its recipe: the sizes of the paper, with a smaller inference network.
func DMM() (model.Kind, model.Recipe) {
	kind := model.Kind{Name: "dmm", About: "deep Markov model of sequences of numbers from 0 to 1", Default: func() model.Config {
		return &DMMConfig{Latent: 100, Transition: 200, Emission: 100, Cell: "gru", RecurrentUnits: 200, Beta: 1, Warmup: 50}
	}}
	return kind, model.Recipe{Name: "dmm", About: kind.About, Kind: kind.Name, Train: model.Training{Epochs: 400, Batch: 20, LearningRate: 1e-3, Schedule: "cosine"}}
}

// Validate reports every fault of the options.
func (c *DMMConfig) Validate() error {
	faults := checkCell(c.Cell)
	for _, u := range []struct {
		field string
		n     int
	}{{"Latent", c.Latent}, {"Transition", c.Transition}, {"Emission", c.Emission}, {"RecurrentUnits", c.RecurrentUnits}} {
		faults = append(faults, model.CheckUnits("sequence", u.field, u.n)...)
	}
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		faults = append(faults, option.Errorf("sequence: {Dropout} %v: want 0 (none) or more, and less than 1, as 0.1", c.Dropout))
	}
	if !(c.Beta >= 0) || math.IsInf(c.Beta, 0) {
		faults = append(faults, option.Errorf("sequence: {Beta} %v: want a finite number of 0 or more; 1 is the evidence bound", c.Beta))
	}
	if !(c.Warmup >= 0) || math.IsInf(c.Warmup, 0) {
		faults = append(faults, option.Errorf("sequence: {Warmup} %v: want a number of epochs, 0 or more", c.Warmup))
	}
	return errors.Join(faults...)
}

// New builds the model.
func (c *DMMConfig) New(in model.Input) (*model.Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	k, err := kindOf(in.Item)
	if err != nil {
		return nil, err
	}
	if k.tokens() {
		return nil, option.Errorf("sequence: items of tokens: the deep Markov model takes sequences of vectors, as piano-rolls; use language-model")
	}
	beta := fmt.Sprintf("%g", c.Beta)
	if c.Warmup > 0 {
		beta += fmt.Sprintf("·min(1, epoch/%g)", c.Warmup)
	}
	d := definition{
		name: "dmm", formula: "loss = Σ_steps −ln p(x_t|z_t) + " + beta + "·KL(q(z_t|z_t−1, x_≥t) ‖ p(z_t|z_t−1)), nats per image",
		terms: c.terms, sample: c.sample, reconstruct: c.reconstruct, logWeights: c.logWeights,
	}
	return d.build(in, k)
}

// A path is the latent states of a batch and the distributions that they come from, in the
// order of steps: (T·B, Z) each.
type path struct {
	z, before            *graph.Node // z_1 … z_T and z_0 … z_T−1
	mu, logVar           *graph.Node // of q(z_t|z_t−1, x_≥t)
	priorMu, priorLogVar *graph.Node // of p(z_t|z_t−1)
}

// varianceFloor is added to every variance, whose logarithm would be −∞ where softplus is 0 in
// float32.
const varianceFloor = 1e-6

// logVariance returns ln(softplus(x) + varianceFloor).
func logVariance(x *graph.Node) *graph.Node {
	return graph.Log(graph.AddScalar(graph.Softplus(x), varianceFloor))
}

// infer returns the states that the inference network draws, or, without noise, their means.
func (c *DMMConfig) infer(in *batch, noise func(t int) *graph.Node) path {
	b := in.b.Network("inference")
	x := b.Dropout("dropout", b.Input("input", in.values), c.Dropout)
	read, _, _ := b.Recurrent(c.Cell, c.Cell, x, c.RecurrentUnits, nn.Recurrence{Mask: in.mask, Reverse: true})
	z := graph.BroadcastTo(graph.Reshape(b.Param("first_state", nn.Zeros, c.Latent), 1, c.Latent), in.n, c.Latent)
	var zs, mus, logVars []*graph.Node
	for t := range in.steps() {
		h := graph.Reshape(graph.Slice(read, []int{0, t, 0}, []int{in.n, t + 1, c.RecurrentUnits}, []int{1, 1, 1}), in.n, c.RecurrentUnits)
		h = graph.Scale(graph.Add(b.Dense("state", z, c.RecurrentUnits, nn.Tanh), h), 0.5)
		mu, logVar := b.Dense("mean", h, c.Latent, nn.None), logVariance(b.Dense("variance", h, c.Latent, nn.None))
		if z = mu; noise != nil {
			z = prob.Reparameterize(mu, logVar, noise(t))
		}
		zs, mus, logVars = append(zs, z), append(mus, mu), append(logVars, logVar)
	}
	p := path{z: graph.Concat(0, zs...), mu: graph.Concat(0, mus...), logVar: graph.Concat(0, logVars...)}
	p.before = graph.Concat(0, append([]*graph.Node{c.first(in)}, zs[:len(zs)-1]...)...)
	p.priorMu, p.priorLogVar = c.transition(in, p.before)
	return p
}

// draw returns the states that the inference network draws from a stream.
func (c *DMMConfig) draw(in *batch, name string) path {
	return c.infer(in, func(t int) *graph.Node { return graph.Normal(in.key, stream(name, t), in.n, c.Latent) })
}

// first returns z_0 of the transition, a parameter: (B,Z).
func (c *DMMConfig) first(in *batch) *graph.Node {
	b := in.b.Network("transition")
	return graph.BroadcastTo(graph.Reshape(b.Param("first_state", nn.Zeros, c.Latent), 1, c.Latent), in.n, c.Latent)
}

// identity is the initialiser of a square kernel that passes on what it is given.
func identity(_ rng.Key, shape tensor.Shape, dst []float32) {
	clear(dst)
	for i := range shape[0] {
		dst[i*shape[1]+i] = 1
	}
}

// transition returns the mean and the log-variance of p(z_t|z_t−1), z (N,Z) → (N,Z) each:
//
//	g = σ(W₂·relu(W₁·z))    h = W₄·relu(W₃·z)
//	μ = (1−g)·(W_μ·z) + g·h    σ² = softplus(W_σ·relu(h))
//
// W_μ is the identity at first. Sec. 5 of the paper.
func (c *DMMConfig) transition(in *batch, z *graph.Node) (mu, logVar *graph.Node) {
	b := in.b.Network("transition")
	z = b.Input("input", z)
	g := b.Dense("gate", b.Dense("gate_hidden", z, c.Transition, nn.ReLU), c.Latent, nn.Sigmoid)
	h := b.Dense("proposal", b.Dense("proposal_hidden", z, c.Transition, nn.ReLU), c.Latent, nn.None)
	kernel := b.Kernel
	b.Kernel = identity
	linear := b.Dense("linear", z, c.Latent, nn.None)
	b.Kernel = kernel
	mu = graph.Add(graph.Mul(graph.Sub(graph.Const(1), g), linear), graph.Mul(g, h))
	return b.Layer("mean", "Gate", mu, z), logVariance(b.Dense("variance", nn.ReLU(h), c.Latent, nn.None))
}

// emit returns the logits of x_t: z (N,Z) → (N,D).
func (c *DMMConfig) emit(in *batch, z *graph.Node) *graph.Node {
	b := in.b.Network("emitter")
	h := b.Dense(nn.LayerName("dense", 0), b.Input("input", z), c.Emission, nn.ReLU)
	h = b.Dense(nn.LayerName("dense", 1), h, c.Emission, nn.ReLU)
	return b.Dense("logits", h, in.width(), nn.None)
}

// bySequence returns rows in the order of steps as sequences: (T·B, …) → (B,T, …).
func bySequence(in *batch, x *graph.Node) *graph.Node {
	s := x.Shape()[1:]
	order := []int{1, 0}
	for i := range s {
		order = append(order, i+2)
	}
	return graph.Transpose(graph.Reshape(x, append([]int{in.steps(), in.n}, s...)...), order...)
}

// terms returns the bound: eq. 6.
func (c *DMMConfig) terms(in *batch) []term {
	p := c.draw(in, "posterior")
	nll := in.nll(bySequence(in, c.emit(in, p.z)))
	kl := in.total(bySequence(in, prob.GaussianKLBetween(p.mu, p.logVar, p.priorMu, p.priorLogVar)))
	weight := graph.Const(c.Beta)
	if in.epoch != nil && c.Warmup > 0 {
		weight = graph.Scale(graph.Min(graph.Const(1), graph.Scale(in.epoch, 1/c.Warmup)), c.Beta)
	}
	loss := graph.Add(nll, graph.Mul(weight, kl))
	return []term{{model.Loss, loss}, {model.Reconstruction, nll}, {model.KL, kl}, in.stepsTerm()}
}

// logWeights returns the importance weights of k paths that the inference network draws.
func (c *DMMConfig) logWeights(in *batch, draws int) *graph.Node {
	var all []*graph.Node
	for i := range draws {
		p := c.draw(in, stream("posterior", i))
		ratio := graph.Sub(prob.GaussianLogDensity(p.z, p.priorMu, p.priorLogVar), prob.GaussianLogDensity(p.z, p.mu, p.logVar))
		w := graph.Sub(in.total(bySequence(in, ratio)), in.nll(bySequence(in, c.emit(in, p.z))))
		all = append(all, graph.Reshape(w, in.n, 1))
	}
	return graph.Concat(1, all...)
}

// sample draws sequences from the model.
func (c *DMMConfig) sample(in *batch) *graph.Node {
	z := c.first(in)
	var values []*graph.Node
	for t := range in.steps() {
		mu, logVar := c.transition(in, z)
		z = prob.Reparameterize(mu, logVar, graph.Normal(in.key, stream("state", t), in.n, c.Latent))
		values = append(values, in.draw(c.emit(in, z), stream("step", t)))
	}
	return in.picture(values, nil)
}

// reconstruct returns the probabilities of the numbers of each step, from the means of the
// inference network.
func (c *DMMConfig) reconstruct(in *batch) *graph.Node {
	probabilities := graph.Sigmoid(c.emit(in, c.infer(in, nil).z))
	var values []*graph.Node
	for t := range in.steps() {
		values = append(values, graph.Slice(probabilities, []int{t * in.n, 0}, []int{(t + 1) * in.n, in.width()}, []int{1, 1}))
	}
	return in.picture(values, in.mask)
}
