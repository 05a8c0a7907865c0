package vae

import (
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
)

// autoencoderTerms returns the terms of the networks as an autoencoder: the codes are the means of q(z|x), and no
// noise is drawn.
func (e elbo) autoencoderTerms(in *Inputs) []Term {
	in = in.withTarget(e.likelihood)
	mu, _ := e.encode(in)
	reconstruction := in.reconstructionLoss(e.likelihood, e.decode(in, mu))
	return []Term{{model.Loss, reconstruction}, {model.Reconstruction, reconstruction}}
}

// pretrained returns an objective that is trained as an autoencoder first, for some epochs, and after them as it is, with
// a new decoder: Li, He, Neubig, Berg-Kirkpatrick & Yang, arXiv:1909.00868, sec. 3. The encoder then has codes that tell of the
// items, and the decoder has not learned to do without them. Epochs of annealing count from the second phase on.
func (e elbo) pretrained(o objective, epochs int) objective {
	second := o.phases[0]
	updates := second.updates
	second.name, second.init = "vae", newDecoder
	second.updates = func(in *Inputs) []update.Update {
		t := *in
		t.Epoch = graph.AddScalar(in.Epoch, -float64(epochs))
		return updates(&t)
	}
	const name = "autoencoder"
	first := phase{name: name, epochs: epochs, updates: minimize(name, adam(name), func(in *Inputs) []graph.Output {
		return in.metrics(e.autoencoderTerms(in))
	})}
	o.phases = []phase{first, second}
	o.formula = "loss = " + e.likelihood.Formula + " of an autoencoder; then, with a new decoder, " + o.formula
	return o
}

// newDecoder gives the parameters of the decoder new initial values.
func newDecoder(m *model.Model, c model.InitContext) error {
	for _, p := range m.Params {
		if !strings.HasPrefix(p.Name, "decoder/") {
			continue
		}
		if err := c.Set(p.Name, p.Draw(c.Key())); err != nil {
			return err
		}
	}
	return nil
}

// EncoderPretraining is the option of a first phase that is left out as it is.
type EncoderPretraining struct {
	Pretrain int `json:"pretrain,omitempty" flag:"pretrain" help:"epochs as an autoencoder at first; the encoder is kept, and the decoder begins anew; 0 = none"` // ≥ 0
}

func (o EncoderPretraining) validate() []error {
	if o.Pretrain < 0 {
		return []error{option.Errorf("vae: {Pretrain} %d: want epochs of the first phase, or 0 (none)", o.Pretrain)}
	}
	return nil
}
