package vae

import (
	"math"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/diagnose"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// SequenceVAEConfig configures kind sequence-vae: the VAE of sequences of tokens of Bowman,
// Vilnis, Vinyals, Dai, Jozefowicz & Bengio, arXiv:1511.06349.
//
//	loss = β·KL(q(z|x) ‖ N(0, I)) − Σ_t ln p(x_t|x_<t, z)
//
// A strong decoder does without the code, and the KL goes to 0: posterior collapse. What helps is
// WordDropout, Skip, Warmup with Anneal, FreeBits, FreeNats, CodeNorm, CommittedRate, Lagging, Pretrain and a Beta below 1.
type SequenceVAEConfig struct {
	Latent int     `json:"latent" flag:"latent" help:"number of latent units"`                // Z ≥ 1
	Beta   float64 `json:"beta" flag:"beta" help:"weight of the KL; 1 is the evidence bound"` // ≥ 0
	KLAnnealing
	WayOfAnnealing
	// CodeNorm is γ of a batch normalisation of the means of q(z|x), μ = γ·(μ' − mean)/σ + β with γ
	// fixed, by which the KL is Z·γ²/2 or more in the mean: Zhu et al., arXiv:2004.12585, sec. 3.2.
	CodeNorm float64 `json:"code_norm" flag:"code-norm" help:"scale of a batch normalisation of the codes' means, as 0.6: it keeps the KL above 0 (BN-VAE); 0 is none"` // ≥ 0
	CommittedOptions
	LaggingOptions
	EncoderPretraining
	AttributeOptions
	Recurrent
	Overrides
}

// Validate reports every fault of the options.
func (c *SequenceVAEConfig) Validate() error {
	return joined(model.CheckUnits("vae", "Latent", c.Latent), checkBeta("Beta", c.Beta), c.KLAnnealing.validate(), c.WayOfAnnealing.validate(c.Warmup), checkNorm(c.CodeNorm), c.CommittedOptions.validate(c.Latent), c.LaggingOptions.validate(c.Shared), c.EncoderPretraining.validate(), c.AttributeOptions.validate(), c.Recurrent.validate())
}

// checkNorm returns the fault of CodeNorm.
func checkNorm(gamma float64) []error {
	if gamma >= 0 && !math.IsInf(gamma, 0) {
		return nil
	}
	return []error{option.Errorf("vae: {CodeNorm} %v: want a number above 0, as 0.6, or 0 (none)", gamma)}
}

// New builds the model.
func (c *SequenceVAEConfig) New(in model.Input) (*model.Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n, err := c.Recurrent.For(in.Item)
	if err != nil {
		return nil, err
	}
	nets := networks{encoder: n, decoder: n, img: in.Item, latent: c.Latent, held: held{c.CodeNorm, c.CommittedRate}}
	kl := KL{Beta: c.Beta, Warmup: c.Warmup, Anneal: c.Anneal, Cycles: c.Cycles, FreeBits: c.FreeBits, FreeNats: c.FreeNats}
	order, err := c.AttributeOptions.order(in.Item, c.Latent)
	if err != nil {
		return nil, err
	}
	e := elbo{networks: nets, likelihood: likelihood.Tokens(in.Item)}
	terms := Sum{kl}
	if c.Lagging > 0 {
		terms = append(terms, MutualInformation{})
	}
	if order != nil {
		terms = append(terms, order)
	}
	e.regularizer = terms
	o := e.objective("sequence-vae", optim.DefaultAdam(), nil)
	if c.Lagging > 0 {
		o.phases[0].updates = e.lagging(c.Lagging)
	}
	if c.Pretrain > 0 {
		o = e.pretrained(o, c.Pretrain)
	}
	d := diagnosis{
		beta: c.Beta, betaOption: field("Beta", c.Beta), warmup: float64(c.Pretrain) + c.Warmup, warmupOption: field("Warmup", c.Warmup), freeBitsOption: field("FreeBits", c.FreeBits),
		latentOption: field("Latent", c.Latent), others: c.needCodes(), sizes: []diagnose.Option{field("Units", c.Units)},
	}
	m, err := d.modelOf(o.build(in, c.Overrides))
	if err != nil {
		return nil, err
	}
	m.Attributes = c.AttributeOptions.names()
	return m, nil
}

// needCodes returns the remedies by which the decoder needs the codes more.
func (c *SequenceVAEConfig) needCodes() []model.Remedy {
	ways := field("WordDropout", c.WordDropout).More()
	if !c.Skip {
		ways = append(ways, field("Skip", c.Skip).Set("true", "which gives the decoder the code at each step")...)
	}
	if c.CodeNorm == 0 {
		ways = append(ways, field("CodeNorm", c.CodeNorm).Set("0.6", "which keeps the codes apart")...)
	}
	return ways
}

// SequenceVAE returns kind sequence-vae and its recipes for texts.
//
// sentence-vae is the VAE of Bowman et al. for sentences of words, in the setting of a
// reproduction that many use: a GRU of 256 units each, embeddings of 300 numbers, of which
// half are dropped before the decoder, 16 latent units, and a weight of the KL that rises
// along a logistic curve about step 2,500 of batches of 32. char-vae reads characters, in both
// directions, and gives the code to each step.
func SequenceVAE() (model.Kind, model.Recipe, model.Recipe) {
	kind := model.Kind{Name: "sequence-vae", About: "variational autoencoder of sequences of tokens with recurrent networks", Default: func() model.Config {
		return &SequenceVAEConfig{Latent: 32, Beta: 1, Recurrent: Recurrent{Cell: "gru", Embedding: 64, EncoderUnits: 256, Bidirectional: true, Units: []int{256}, Skip: true}}
	}}
	return kind,
		model.Recipe{Name: "sentence-vae", About: "variational autoencoder of sentences, word by word", Kind: "sequence-vae",
			Config: `{"latent": 16, "warmup": 3.8, "anneal": "logistic", "embedding": 300, "shared_embedding": true, "bidirectional": false, "skip": false, "dropout": 0.5}`,
			Train:  model.Training{Epochs: 10, Batch: 32, LearningRate: 1e-3}},
		model.Recipe{Name: "char-vae", About: "variational autoencoder of short texts, character by character", Kind: "sequence-vae",
			Config: `{"latent": 56, "beta": 0.3, "warmup": 1, "embedding": 32, "encoder_units": 128}`,
			Train:  model.Training{Epochs: 30, Batch: 128, LearningRate: 2e-3}}
}

// steps is a decoder of sequences, one step at a time; see Autoregressive.
type steps struct {
	start func(in *Inputs, z *graph.Node) *graph.Node
	step  func(in *Inputs, z, state, token *graph.Node) (logits, next *graph.Node)
}

// steps returns those of the decoder, nil if it is no Autoregressive.
func (n networks) steps() *steps {
	d, ok := n.decoder.(Autoregressive)
	if !ok {
		return nil
	}
	return &steps{
		start: func(in *Inputs, z *graph.Node) *graph.Node {
			dec := in.Builder.Network("decoder")
			return d.Start(dec, n.input(in, dec, z))
		},
		step: func(in *Inputs, z, state, token *graph.Node) (logits, next *graph.Node) {
			dec := in.Builder.Network("decoder")
			return d.Step(dec, n.input(in, dec, z), state, token)
		},
	}
}

// stepper returns the functions of the steps of a decoder.
func (b builder) stepper() *model.Stepper {
	code := func(n int) *graph.Node { return graph.Input(model.InputZ, tensor.Float32, n, b.latent) }
	return &model.Stepper{
		Start: func(n int) (*graph.Func, error) {
			return model.Build("start", func() ([]*graph.Node, []graph.Output, []graph.Update) {
				in, z := b.inputs(n), code(n)
				return in.nodes(z), []graph.Output{{Name: model.OutputState, Value: graph.Tag(b.steps.start(in, z), model.OutputState)}}, nil
			})
		},
		Step: func(n int) (*graph.Func, error) {
			return model.Build("step", func() ([]*graph.Node, []graph.Output, []graph.Update) {
				in, z := b.inputs(n), code(n)
				size := b.steps.start(in, z).Shape()[1]
				state := graph.Input(model.InputState, tensor.Float32, n, size)
				token := graph.Input(model.InputToken, tensor.Float32, n)
				logits, next := b.steps.step(in, z, state, token)
				return in.nodes(z, state, token), []graph.Output{
					{Name: model.OutputNext, Value: graph.Tag(logits, model.OutputNext)}, {Name: model.OutputState, Value: graph.Tag(next, model.OutputState)},
				}, nil
			})
		},
	}
}
