package vae

import (
	"errors"
	"fmt"

	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/optim"
)

// Options make a VAE of networks, a likelihood and a regulariser of your own: see New.
// Encoder, Decoder and Latent must be set; the zero value of any other field means the
// usual VAE.
type Options struct {
	Encoder Encoder // as MLP, CNN or EncoderFunc
	Decoder Decoder // as MLP, CNN or DecoderFunc
	Latent  int     // Z ≥ 1

	Likelihood  likelihood.Likelihood // p(x|z); zero is likelihood.Bernoulli
	Regularizer Regularizer           // nil is KL{Beta: 1}
	Conditional bool                  // both networks take the labels of the data

	// Updates returns further updates of a step of training, which follow that of the
	// loss, as of a discriminator of codes: see FactorVAE. The update of the loss does not
	// change the parameters that they change. q is the posterior of the batch. An update
	// without an Optimizer has Adam. It may be nil.
	Updates func(in *Inputs, q Posterior) []update.Update

	// Init initialises parameters from the training data before the first step; m is the
	// model. It may be nil.
	Init func(m *model.Model, c model.InitContext) error

	Overrides // the optimiser, and the initialiser of kernels
}

// New returns the model of the options for such data, with all that a VAE can do:
// training, evaluation, encoding, decoding, reconstruction, scores of single images and
// importance weights. name is what summaries call it.
func New(name string, o Options, in model.Input) (*model.Model, error) {
	var faults []error
	if o.Encoder == nil || o.Decoder == nil {
		faults = append(faults, fmt.Errorf("vae: %s: Encoder or Decoder is nil: want networks, as MLP{Hidden: []int{256}} for both", name))
	}
	faults = append(faults, model.CheckUnits("vae", "Latent", o.Latent)...)
	if o.Conditional && in.Labels == 0 {
		faults = append(faults, errNoLabels(name, in.Item))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if o.Likelihood.NLL == nil {
		o.Likelihood = likelihood.Bernoulli()
	}
	if o.Regularizer == nil {
		o.Regularizer = KL{Beta: 1}
	}
	e := elbo{networks{o.Encoder, o.Decoder, in.Item, o.Latent, o.Conditional, held{}}, o.Likelihood, o.Regularizer}
	objective := e.objective(name, optim.DefaultAdam(), o.Updates)
	objective.phases[0].init = o.Init
	if o.Conditional {
		objective = e.conditionalObjective(objective)
	}
	return o.diagnosis().modelOf(objective.build(in, o.Overrides))
}

// Kind returns a kind of model without options, whose models New makes of what options
// returns for the data, and a recipe that trains it for 50 epochs in batches of 128 with
// a learning rate of 1e-3. Register both in a model.Registry, and the command line
// trains it as any other.
func Kind(name, about string, options func(in model.Input) Options) (model.Kind, model.Recipe) {
	kind := model.NewKind(name, about, func(in model.Input) (*model.Model, error) { return New(name, options(in), in) })
	return published(name, about, kind.Default)
}
