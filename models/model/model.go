// Package model defines what a generative model is, and holds the table of kinds
// and of named recipes.
//
// A Model is a value that declares what it can do: functions that build graphs
// for a step of training, for evaluation, and for encoding, decoding, sampling and
// the rest, the parameters and optimiser slots that these graphs share, and the
// networks to show. A function that a model does not have is nil. Training,
// checkpoints, pictures and the command line work on any Model.
//
// To add a model, write a Config whose New returns a *Model, and register a Kind
// that makes it. Packages vae and gan build Models from networks, losses and
// regularisers of your own.
//
// The package knows no concrete model, no data set and no device.
package model

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// B images a batch, H×W×C pixels, Z latent units, K labels, in every comment of this package.

// The inputs of a model's functions, by name. A function takes those it needs.
const (
	InputX      = "x"      // float32 (B,H,W,C) in [0,1]
	InputWeight = "weight" // float32 (B): 1 for an image, 0 for what fills up a short batch
	InputKey    = "key"    // int32 (4): rng.Key.Words of the batch
	InputLR     = "lr"     // float32 (): learning rate
	InputZ      = "z"      // float32 (B,Z)

	// InputLabels holds what is known of each image: float32 (B,K), 1 for its class and
	// 0 for the others, or 1 for each attribute that it has; all 0 if nothing is known.
	InputLabels = "labels"

	// InputMeasures holds what the medium measures of each item, in the order of
	// medium.Measurer: float32 (B,M).
	InputMeasures = "measures"

	InputEpoch = "epoch" // float32 (): epochs of training done, with a fraction; of a step of training only

	// A batch of labelled images beside the others: of a step of semi-supervised
	// training only.
	InputLabelledX = "labelled_x" // float32 (L,H,W,C) in [0,1]
	InputLabelledY = "labelled_y" // float32 (L,K)
)

// The outputs of a model's functions. A training step returns its metrics under
// these names; Eval returns the same, without gradient norms, with SumSuffix.
const (
	Loss              = "loss"           // what is minimised, nats an image
	Reconstruction    = "reconstruction" // −ln p(x|z) or another distance, an image
	KL                = "kl"             // KL(q(z|x) ‖ p(z)), nats an image, unweighted
	Steps             = "steps"          // of the sequence that an item is, without what fills up the item after its end
	TotalCorrelation  = "tc"             // KL(q(z) ‖ Π q(z_j)) of the codes of all images, estimated by a discriminator, nats
	MutualInformation = "mi"             // of the codes and the items of a batch, nats: ln of the batch size at most
	GradNorm          = "grad_norm"      // norm of the gradient, before any clipping
	DLoss             = "d_loss"         // discriminator loss, nats an image: mean over real and generated ones
	DAccuracy         = "d_accuracy"     // share of real and generated images that the discriminator classifies correctly, 0 to 1
	GLoss             = "g_loss"         // generator loss, nats an image
	InfoLoss          = "info_loss"      // −ln q of the class and the codes of a generated image, nats
	DPenalty          = "d_penalty"      // gradient penalty of the discriminator, weighted
	DInputGrad        = "d_input_grad"   // norm of the gradient of its logit in the pixels, in [−1,1], where it is penalised
	DGradNorm         = "d_grad_norm"    // GradNorm of the discriminator
	GGradNorm         = "g_grad_norm"    // GradNorm of the generator
	SumSuffix         = "_sum"           // of a metric added over the images of weight 1

	OutputMean    = "mean"    // (B,Z), of q(z|x); the code of a deterministic model
	OutputLogVar  = "log_var" // (B,Z), ln σ² of q(z|x)
	OutputPicture = "image"   // (B,H,W,C) in [0,1]

	OutputLogWeight = "log_weight" // (B,k): ln p(x,z) − ln q(z|x) of k draws of z, nats
	OutputProbs     = "probs"      // (B,K): probability of each class
	OutputLogit     = "logit"      // (B): logit of "real", or the score of a critic
)

// An Input describes the data a model is built for, and how it is to be optimised.
type Input struct {
	medium.Item                // of every item: a dense network takes any shape, a convolutional one three axes
	Labels      int            // K; 0 if the items have no labels
	Optimizer   optim.Settings // of the steps of all phases, in place of the model's own
}

// A Function builds the graph of one task for batches of a size. A task that a model
// does not have is a nil Function.
type Function func(batch int) (*graph.Func, error)

// A Model is a generative model built for data of one shape. Its functions share
// states by name: those of Params and those of Slots, and no others.
//
// Functions that need labels take InputLabels beside what is said here; TakesLabels
// declares which of Decode and Sample do.
type Model struct {
	// Params lists the parameters in order of declaration; Param.Draw initialises them.
	Params []nn.Param
	// Slots lists the states of the optimisers of all phases.
	Slots []optim.Slot
	// Optimizer are those of Input that the steps apply. A model that leaves it zero has
	// an optimiser that cannot be chosen.
	Optimizer optim.Settings
	// Networks are the networks as they appear in a summary or a diagram, axis 0
	// of every shape being the batch. The last one shows how the others are joined.
	Networks []nn.Network
	// Objective states what is minimised, with its unit, on one line.
	Objective string

	// Phases are how the model is trained, one after another, over the same states;
	// at least one. Eval measures what the last one minimises.
	Phases []Phase
	// Supervision says which labels a semi-supervised model may use in training;
	// nil if it is none.
	Supervision *Supervision
	// Diagnostics finds what goes wrong in a training run; nil if nothing is known.
	Diagnostics Diagnostics
	// Extremes are the options of the configuration that are named first if a number of the
	// training is not finite.
	Extremes []Extreme

	// Eval takes the inputs of a batch and returns the sums of the metrics over the
	// images of weight 1, by their names with SumSuffix.
	Eval Function
	// Score takes InputX and InputKey and returns each metric of Eval, image by image,
	// under its name without SumSuffix: (B).
	Score Function

	// Latent is Z; 0 of a model without codes.
	Latent int
	// Encode takes InputX and returns OutputMean, and OutputLogVar unless the model is
	// Deterministic.
	Encode Function
	// Deterministic declares that Encode returns codes, not the parameters of q(z|x).
	Deterministic bool
	// Decode takes InputZ and returns OutputPicture.
	Decode Function
	// Reconstruct takes InputX and returns OutputPicture, decoded from the mean of
	// q(z|x): no noise is drawn.
	Reconstruct Function
	// Sample takes InputKey and returns OutputPicture. It is set if the model draws
	// otherwise than by decoding N(0, I): from a prior of its own, or with labels.
	Sample Function
	// Stepper decodes sequences of tokens one step at a time; nil of a model of anything else.
	Stepper *Stepper
	// Classify takes InputX and returns OutputProbs: q(y|x), or the responsibilities
	// of the clusters.
	Classify Function
	// Discriminate takes InputX and returns OutputLogit, by which real images are told from
	// generated ones.
	Discriminate Function
	// LogWeights takes InputX and InputKey and returns OutputLogWeight of k draws, the
	// Constant of the likelihood included: importance weights, from which the
	// likelihood of an image is estimated as ln p(x) ≈ ln (1/k) Σ_k p(x,z)/q(z|x),
	// z ~ q(z|x). Burda et al., arXiv:1509.00519, eq. 8.
	LogWeights func(batch, k int) (*graph.Func, error)

	// Likelihood describes p(x|z); nil of a model without one.
	Likelihood *Likelihood
	// Attributes are the attributes of the data with which the first latent units were trained to
	// rise, a unit each, in their order; nil if there are none.
	Attributes []string
	// TakesLabels declares which functions take InputLabels.
	TakesLabels Conditioning
}

// A Conditioning declares which functions of a conditional model take labels.
type Conditioning struct{ Decode, Sample bool }

// Last returns the last phase, whose loss Eval measures.
func (m *Model) Last() Phase { return m.Phases[len(m.Phases)-1] }

// HasPrior reports whether the model has something to draw images from: a prior of
// its own, or N(0, I), whose codes it was trained to decode. A deterministic
// autoencoder has none: its codes have no known distribution.
func (m *Model) HasPrior() bool {
	return m.Sample != nil || m.Decode != nil && (m.Encode == nil || !m.Deterministic)
}

// A Measure says what the probability of an image is a probability of.
type Measure int

// The measures.
const (
	Distance Measure = iota // none: the term is a distance, not a likelihood
	Binary                  // pixels that are 0 or 1
	Levels                  // pixels of 256 levels
	Density                 // pixels in [0,1]: a density
	Discrete                // tokens: a probability of the item as it is
)

// A Likelihood describes how a model scores an image given its code.
type Likelihood struct {
	Name     string // as in the option Loss
	Measure  Measure
	Constant float64 // nats an image that the metrics leave out, and LogWeights do not
}

// Build returns the function of a name that build makes. Inputs that neither an
// output nor an update depends on are left out: a deterministic model needs no key.
// A *graph.ShapeError of build is returned as an error.
func Build(name string, build func() (inputs []*graph.Node, outputs []graph.Output, updates []graph.Update)) (*graph.Func, error) {
	var inputs, used []*graph.Node
	f := &graph.Func{}
	if err := graph.Try(func() { inputs, f.Outputs, f.Updates = build() }); err != nil {
		return nil, err
	}
	needed := map[*graph.Node]bool{}
	for _, n := range f.Nodes() {
		needed[n] = true
	}
	for _, in := range inputs {
		if needed[in] {
			used = append(used, in)
		}
	}
	return graph.NewFunc(name, used, f.Outputs, f.Updates)
}
