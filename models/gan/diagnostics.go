package gan

import (
	"math"
	"slices"

	"github.com/imago-ml/imago/models/diagnose"
	"github.com/imago-ml/imago/models/model"
)

// diagnosis has the rules of adversarial training for a configuration. The bounds are set
// by dense-gan and dcgan on MNIST: in their first thousand steps healthy runs generate
// images that hardly differ, with a spread of 0.05, 0.25 and 0.6 at steps 500, 1000 and
// 2500, have an accuracy of 99 % at a discriminator loss of 0.03 or more, and gradients
// of 0.2 to 25.
type diagnosis struct {
	// config are the options of the kind; nil if it has other ones.
	config *Adversarial
	dNorm  string          // the norm of the discriminator; "" if it is no option
	dRate  diagnose.Option // the learning rate of the discriminator, as a multiple of the run's
	dSteps diagnose.Option // its updates to one of the generator
	rate   diagnose.Option // the learning rate of both networks of an adversarial autoencoder

	isCritic bool // its output has no threshold, so there is no accuracy
	encodes  bool // the model has an encoder: in an AAE, a discriminator that only guesses is the aim

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

// diagnosis returns the rules of an adversarial autoencoder. Its reconstruction is judged
// as that of any other autoencoder.
func (c *AAEConfig) diagnosis() diagnosis {
	learning := diagnose.Learning{Size: []diagnose.Option{{Field: "Latent", Value: c.Latent}, {Field: "Hidden", Value: c.Hidden}}}
	return diagnosis{rate: diagnose.Option{Field: "Rate", Value: c.Rate}, encodes: true, others: diagnose.Rules{learning.Blank()}}
}

// diagnosis returns the rules of a VAE-GAN. Its posterior is judged as that of any other
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

const (
	firstSteps     = 500    // of a run, about which nothing is said
	perfectLoss    = 5e-4   // discriminator loss below which it makes no error
	hopelessLoss   = 20     // generator loss above which no image is taken for real
	aheadAccuracy  = 0.98   // accuracy of a discriminator that is far ahead
	collapseSpread = 0.15   // spread below which images are alike
	equalSpread    = 0.08   // spread below which images are equal
	fewNearest     = 0.03   // distance to the nearest below which there are few different images
	smallSet       = 10_000 // training images that a discriminator can learn by heart
)

// rules returns the rules, in the order of their importance.
func (d diagnosis) rules() diagnose.Rules {
	return append(diagnose.Rules{
		{Name: "mode-collapse", Interval: true, Check: d.modeCollapse},
		{Name: "d-won", Interval: true, Check: d.discriminatorWon},
		{Name: "d-ahead", Interval: true, Check: d.discriminatorAhead},
		{Name: "d-lost", Interval: true, Check: d.discriminatorLost},
		{Name: "vanishing", Interval: true, Check: d.vanishingGradient},
		{Name: "exploding", Interval: true, Check: d.explodingGradient},
		diagnose.MissingClasses(d.steadier),
	}, d.others...)
}

// modelOf returns the model of a GAN that was built without an error, with the rules.
func (d diagnosis) modelOf(m *adversary, err error) (*model.Model, error) {
	if err != nil {
		return nil, err
	}
	m.model.Diagnostics = d.rules()
	return m.model, nil
}

// interval returns the interval that has just ended.
func interval(h *model.History) model.Record { return h.Intervals[len(h.Intervals)-1] }

// train returns a metric of the interval that has just ended.
func train(h *model.History, name string) float64 { return model.Metric(interval(h).Train, name) }

// lately reports whether something held in the last quarter of the steps, and at its
// beginning.
func lately(h *model.History, holds func(r model.Record) bool) bool {
	now := interval(h)
	if _, ok := now.Train[model.DLoss]; !ok || now.Step < firstSteps {
		return false
	}
	for _, r := range slices.Backward(h.Intervals) {
		if !holds(r) {
			return false
		}
		if 4*r.Step <= 3*now.Step {
			return true
		}
	}
	return false
}

// before returns the last interval before the last quarter of the steps.
func before(h *model.History) model.Record {
	for _, r := range slices.Backward(h.Intervals) {
		if 4*r.Step <= 3*interval(h).Step {
			return r
		}
	}
	return h.Intervals[0]
}

// modeCollapse warns if all images are alike, and do not become more different, or if
// each image has nearly equal ones.
func (d diagnosis) modeCollapse(h *model.History) *model.Warning {
	low := func(number func(model.Diversity) float64, bound float64) bool {
		return lately(h, func(r model.Record) bool { return number(r.Diversity) < bound })
	}
	spread := func(v model.Diversity) float64 { return v.Spread }
	nearest := func(v model.Diversity) float64 { return v.Nearest }
	alike, few := collapseSpread, fewNearest
	switch step := interval(h).Step; {
	case step < 3*firstSteps: // images of healthy runs are often alike
		return nil
	case step >= 8*firstSteps: // and no more by then
		alike, few = 2*alike, 2*few
	}
	now := interval(h).Diversity
	stays := low(spread, alike) && now.Spread < 1.25*before(h).Diversity.Spread
	if !stays && !low(spread, equalSpread) && !low(nearest, few) {
		return nil
	}
	return diagnose.Warning(d.steadier(h),
		"mode collapse: the generator repeats itself: of %d images of different noise two differ by %.2g %% of what two training images do, and an image from its nearest neighbour by %.2g %%",
		now.Images, 100*now.Spread, 100*now.Nearest)
}

// hasWon reports whether the discriminator makes no error and the generator has no
// gradient to learn from.
func (d diagnosis) hasWon(h *model.History) bool {
	return !d.isCritic && lately(h, func(r model.Record) bool {
		accuracy := r.Train[model.DAccuracy]
		return accuracy > 0.99 && r.Train[model.DLoss] < perfectLoss || accuracy > 0.9 && r.Train[model.GLoss] > hopelessLoss
	})
}

func (d diagnosis) discriminatorWon(h *model.History) *model.Warning {
	if !d.hasWon(h) {
		return nil
	}
	ways := slices.Concat(d.nonSaturating(), d.steadier(h), d.dRate.Less())
	if c := d.config; c != nil && c.Augment == noAugmentation && h.Items < smallSet {
		ways = append(ways, diagnose.Option{Field: "Augment", Value: c.Augment}.Set("color,translation,cutout", "")...)
	}
	return diagnose.Warning(ways,
		"the discriminator has won: its accuracy is %.1f %%, at a loss of %.2g, and the generator does not learn, at a loss of %.3g with a gradient of %.2g",
		100*train(h, model.DAccuracy), train(h, model.DLoss), train(h, model.GLoss), train(h, model.GGradNorm))
}

// discriminatorAhead warns if the discriminator has made hardly any error for a quarter
// of the steps: the generator still learns, but not to remove the flaws by which its
// images are recognised. In healthy runs the accuracy has fallen by then, to 0.95 at step
// 4,000 and 0.83 at the end.
func (d diagnosis) discriminatorAhead(h *model.History) *model.Warning {
	if d.isCritic || interval(h).Step < 8*firstSteps || d.hasWon(h) || !lately(h, func(r model.Record) bool { return r.Train[model.DAccuracy] > aheadAccuracy }) {
		return nil
	}
	return diagnose.Warning(slices.Concat(d.steadier(h), d.dRate.Less()),
		"the discriminator is far ahead: for a quarter of the steps its accuracy has been %.0f %% or more, %.1f %% now, at a loss of %.2g: flaws by which it recognises generated images stay",
		100*aheadAccuracy, 100*train(h, model.DAccuracy), train(h, model.DLoss))
}

// guesses reports whether the discriminator guesses and the generator learns nothing
// from it.
func (d diagnosis) guesses(h *model.History) bool {
	return !d.isCritic && !d.encodes && lately(h, func(r model.Record) bool {
		return math.Abs(r.Train[model.DAccuracy]-0.5) < 0.05 && r.Train[model.GGradNorm] < 0.05
	})
}

func (d diagnosis) discriminatorLost(h *model.History) *model.Warning {
	if !d.guesses(h) {
		return nil
	}
	ways := slices.Concat(d.dRate.More(), d.dSteps.More())
	if c := d.config; c != nil && c.GP > 0 {
		ways = append(ways, diagnose.Option{Field: "GP", Value: c.GP}.Less()...)
	}
	if c := d.config; c != nil && c.R1 > 0 {
		ways = append(ways, diagnose.Option{Field: "R1", Value: c.R1}.Less()...)
	}
	return diagnose.Warning(ways,
		"the discriminator does not learn: its accuracy is %.0f %%, as by guessing, at a loss of %.3g, and the generator, whose gradient is %.2g, learns nothing from it",
		100*train(h, model.DAccuracy), train(h, model.DLoss), train(h, model.GGradNorm))
}

// vanishingGradient warns of a generator without gradient, where neither network has
// won.
func (d diagnosis) vanishingGradient(h *model.History) *model.Warning {
	largest := 0.0
	for _, r := range h.Intervals {
		largest = max(largest, r.Train[model.GGradNorm])
	}
	if d.hasWon(h) || d.guesses(h) || !lately(h, func(r model.Record) bool { return r.Train[model.GGradNorm] < max(1e-3*largest, 1e-6) }) {
		return nil
	}
	return diagnose.Warning(slices.Concat(d.nonSaturating(), d.steadier(h)),
		"the gradient of the generator vanishes: it is %.2g, and was %.2g: the images change no more", train(h, model.GGradNorm), largest)
}

// explodingGradient warns of a gradient that is large, and a hundred times its median.
func (d diagnosis) explodingGradient(h *model.History) *model.Warning {
	for _, g := range []struct{ metric, network string }{{model.DGradNorm, discriminator}, {model.GGradNorm, generator}} {
		now, usual := train(h, g.metric), median(h, g.metric)
		if interval(h).Step >= firstSteps && now > 1000 && now > 100*usual {
			return diagnose.Warning(d.steadier(h), "the gradient of the %s explodes: it is %.2g, and was %.2g: what was learned is lost", g.network, now, usual)
		}
	}
	return nil
}

// median returns that of a metric over the intervals before the last, NaN without any.
func median(h *model.History, metric string) float64 {
	var all []float64
	for _, r := range h.Intervals[:len(h.Intervals)-1] {
		all = append(all, r.Train[metric])
	}
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// steadier returns the changes that make adversarial training steadier, of those that
// are not made yet.
func (d diagnosis) steadier(h *model.History) []model.Remedy {
	ways := slices.Concat(diagnose.LearningRate(h).Less(), d.rate.Less())
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
