// Package model says what a generative image model is, and holds the table of
// kinds and of named recipes.
//
// A Model is graphs and names: functions for a step of training, for evaluation
// and for what else it can do, the parameters and slots that they share, and the
// networks to show. Training, checkpoints, pictures and the command line work on
// any Model through the interfaces of this package and learn what one can do by
// asserting those of can.go (what a trained model does) and stage.go (how one is
// trained otherwise than in one go).
//
// The package knows no concrete model, no data set and no device.
package model

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// B images a batch, H×W×C pixels, Z latent units, K labels, in every comment of this package.

// The inputs of a model's functions. A function takes those it needs, and is
// given them by name.
const (
	InputX      = "x"      // float32 (B,H,W,C) in [0,1]
	InputWeight = "weight" // float32 (B): 1 for an image, 0 for what fills up a short batch
	InputKey    = "key"    // int32 (4): rng.Key.Words of the batch
	InputLR     = "lr"     // float32 (): learning rate
	InputZ      = "z"      // float32 (B,Z)

	// InputLabels is what is known of each image: float32 (B,K), 1 for its class and 0
	// for the others, or 1 for each attribute that it has; 0 throughout if nothing is.
	InputLabels = "labels"
	InputEpoch  = "epoch" // float32 (): epochs of training done, with a fraction; of a step of training only

	// A batch of labelled images beside the others: of a step of semi-supervised
	// training only.
	InputLabelledX = "labelled_x" // float32 (L,H,W,C) in [0,1]
	InputLabelledY = "labelled_y" // float32 (L,K)
)

// The outputs of a model's functions. A training step gives its metrics under
// their names; Eval gives the same, but for gradients, with SumSuffix.
const (
	Loss           = "loss"           // what is minimised, nats an image
	Reconstruction = "reconstruction" // −ln p(x|z) or another distance, an image
	KL             = "kl"             // KL(q(z|x) ‖ p(z)), nats an image, unweighted
	GradNorm       = "grad_norm"      // length of the gradient, before any clipping
	DLoss          = "d_loss"         // the discriminator's, nats an image: mean over real and made ones
	DAccuracy      = "d_accuracy"     // share of real and made images that it tells apart, 0 to 1
	GLoss          = "g_loss"         // the generator's, nats an image
	InfoLoss       = "info_loss"      // −ln q of the class and the codes of a made image, nats
	DPenalty       = "d_penalty"      // what the discriminator pays for a steep slope, weighted
	DInputGrad     = "d_input_grad"   // length of the slope of its logit in the pixels, in [−1,1], where it pays for one
	DGradNorm      = "d_grad_norm"    // GradNorm of the discriminator
	GGradNorm      = "g_grad_norm"    // of the generator
	SumSuffix      = "_sum"           // of a metric added over the images of weight 1

	OutputMean    = "mean"    // (B,Z), of q(z|x); the code of a deterministic model
	OutputLogVar  = "log_var" // (B,Z), ln σ² of q(z|x)
	OutputPicture = "image"   // (B,H,W,C) in [0,1]

	OutputLogWeight = "log_weight" // (B,k): ln p(x,z) − ln q(z|x) of k draws of z, nats
	OutputProbs     = "probs"      // (B,K): probability of each class
)

// An Image is the shape of the images a model is built for.
type Image struct{ H, W, C int }

// String returns 28x28x1.
func (s Image) String() string { return fmt.Sprintf("%dx%dx%d", s.H, s.W, s.C) }

// Size returns the number of values of an image, H·W·C.
func (s Image) Size() int { return s.H * s.W * s.C }

// An Input is the data a model is built for.
type Input struct {
	Image
	Labels int // K; 0 if nothing is known of the images
}

// A Model is a generative model built for images of one shape. Its functions
// share states by name: those of Params and those of Slots, and no others.
type Model interface {
	// Params are the parameters in order of declaration; Param.Draw starts them.
	Params() []nn.Param
	// Slots are the states of the optimisers.
	Slots() []optim.Slot
	// Networks are the networks as they appear in a summary or a diagram, axis 0
	// of every shape being the batch. The last one shows how the others are joined.
	Networks() []nn.Network
	// Objective states what is minimised, with its unit, on one line.
	Objective() string
	// Train is the functions that make up one step on a batch, run in order. Their
	// outputs are scalar metrics, each the mean over the images of weight 1. An
	// update whose loss or gradient is not finite changes no state, and neither do
	// those after it in the step; a batch without an image of weight 1 makes such
	// an update. Images of weight 0 are images too: batch statistics include them.
	Train(batch int) ([]*graph.Func, error)
	// Eval gives the sums of the metrics over the images of weight 1.
	Eval(batch int) (*graph.Func, error)
}
