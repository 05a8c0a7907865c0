package gan

import (
	"github.com/imago-ml/imago/models/diagnose"
	"github.com/imago-ml/imago/models/model"
)

// diagnosis has the rules of adversarial training for a configuration.
type diagnosis struct {
	// config are the options of the kind; nil if it has other ones.
	config *Adversarial
	dNorm  string          // the norm of the discriminator; "" if it is no option
	dRate  diagnose.Option // the learning rate of the discriminator, as a multiple of the run's
	dSteps diagnose.Option // its updates to one of the generator

	isCritic bool // its output has no threshold, so there is no accuracy
	encodes  bool // the model has an encoder

	others diagnose.Rules // of the rest of the loss
}

// diagnosis returns the rules for the options of a kind; dNorm is "" if the norm of the
// discriminator is no option of the kind.
func (c *Adversarial) diagnosis(dNorm string) diagnosis {
	l, err := LossByName(c.Loss)
	return diagnosis{
		config: c, dNorm: dNorm, dRate: diagnose.Option{Field: "DRate", Value: c.DRate}, dSteps: diagnose.Option{Field: "DSteps", Value: c.DSteps},
		isCritic: err == nil && l.IsCritic,
	}
}

// diagnosis returns the rules of a VAE-GAN. Its posterior has the rules of any other
// VAE.
func (c *VAEGANConfig) diagnosis() diagnosis {
	d := c.Adversarial.diagnosis(c.DNorm)
	d.encodes = true
	d.others = diagnose.Posterior{Weight: 1, Latent: diagnose.Option{Field: "Latent", Value: c.Latent}}.Rules()
	return d
}

// diagnosis returns the rules for options of the caller's own.
func (o Options) diagnosis() diagnosis {
	return diagnosis{isCritic: o.Loss.IsCritic, dRate: diagnose.Option{Field: "DRate", Value: o.DRate}, dSteps: diagnose.Option{Field: "DSteps", Value: o.DSteps}}
}

const smallSet = 10_000 // training images that a discriminator can learn by heart

// rules returns the rules, in the order of their importance.
func (d diagnosis) rules() diagnose.Rules {
	return diagnose.Adversarial{
		IsCritic: d.isCritic, Encodes: d.encodes, DRate: d.dRate, DSteps: d.dSteps,
		Steadier: d.steadier, NonSaturating: d.nonSaturating(), Won: d.augmented, Lost: d.smallerPenalty(), Rest: d.others,
	}.Rules()
}

// modelOf returns the model of a GAN that was built without an error, with the rules.
func (d diagnosis) modelOf(m *adversary, err error) (*model.Model, error) {
	if err != nil {
		return nil, err
	}
	m.model.Diagnostics = d.rules()
	return m.model, nil
}

// augmented returns the change to augmented images, for few training images that are not.
func (d diagnosis) augmented(h *model.History) []model.Remedy {
	if c := d.config; c == nil || c.Augment != noAugmentation || h.Items >= smallSet {
		return nil
	}
	return diagnose.Option{Field: "Augment", Value: d.config.Augment}.Set("color,translation,cutout", "")
}

// smallerPenalty returns the changes to a smaller weight of the gradient penalties that
// are in use.
func (d diagnosis) smallerPenalty() []model.Remedy {
	var ways []model.Remedy
	if c := d.config; c != nil && c.GP > 0 {
		ways = append(ways, diagnose.Option{Field: "GP", Value: c.GP}.Less()...)
	}
	if c := d.config; c != nil && c.R1 > 0 {
		ways = append(ways, diagnose.Option{Field: "R1", Value: c.R1}.Less()...)
	}
	return ways
}

// steadier returns the changes that make adversarial training steadier, of those that
// are not made yet.
func (d diagnosis) steadier(h *model.History) []model.Remedy {
	ways := diagnose.LearningRate(h).Less()
	c := d.config
	if c == nil {
		return ways
	}
	r1, norm := diagnose.Option{Field: "R1", Value: c.R1}, diagnose.Option{Field: "DNorm", Value: d.dNorm}
	switch d.dNorm {
	case batchNorm:
		way := norm.Set(noNorm, "")
		way[0].With = r1.Set("1", "")
		ways = append(ways, way...)
	case noNorm:
		ways = append(ways, norm.Set(spectralNorm, "")...)
	}
	if d.dNorm != batchNorm && c.R1 == 0 && c.GP == 0 { // batch norm mixes images, and R1 is a penalty of each
		ways = append(ways, r1.More()...)
	}
	if c.Beta1 > 0.5 {
		ways = append(ways, diagnose.Option{Field: "Beta1", Value: c.Beta1}.Less()...)
	}
	return ways
}

// nonSaturating returns the change to a loss that has a gradient where the discriminator
// wins, for one that has none there.
func (d diagnosis) nonSaturating() []model.Remedy {
	if d.config == nil || d.config.Loss != Minimax().Name {
		return nil
	}
	return diagnose.Option{Field: "Loss", Value: d.config.Loss}.Set(NonSaturating().Name, "which has a gradient where the discriminator wins")
}
