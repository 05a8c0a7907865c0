package diagnose

import (
	"math"
	"slices"

	"github.com/imago-ml/imago/models/model"
)

// Adversarial has the rules of networks that learn against each other: a discriminator,
// with the metrics d_loss, d_accuracy and d_grad_norm, and a generator, with g_loss and
// g_grad_norm. In an adversarial autoencoder the encoder is the generator.
//
// The bounds are set by dense-gan and dcgan on MNIST: in their first thousand steps
// healthy runs generate images that hardly differ, with a spread of 0.05, 0.25 and 0.6 at
// steps 500, 1000 and 2500, have an accuracy of 99 % at a discriminator loss of 0.03 or
// more, and gradients of 0.2 to 25.
type Adversarial struct {
	IsCritic bool // the output of the discriminator has no threshold, so there is no accuracy
	Encodes  bool // the model has an encoder: a discriminator that only guesses is the aim

	DRate  Option // the learning rate of the discriminator, as a multiple of the run's
	DSteps Option // its updates to one of the generator

	Steadier      func(h *model.History) []model.Remedy // changes that make training steadier
	NonSaturating []model.Remedy                        // the change to a loss that has a gradient where the discriminator wins
	Won           func(h *model.History) []model.Remedy // further changes against a discriminator that has won; or nil
	Lost          []model.Remedy                        // further changes for a discriminator that does not learn

	Rest Rules // of the rest of the loss
}

const (
	firstSteps     = 500  // of a run, about which nothing is said
	perfectLoss    = 5e-4 // discriminator loss below which it makes no error
	hopelessLoss   = 20   // generator loss above which no image is taken for real
	aheadAccuracy  = 0.98 // accuracy of a discriminator that is far ahead
	collapseSpread = 0.15 // spread below which images are alike
	equalSpread    = 0.08 // spread below which images are equal
	fewNearest     = 0.03 // distance to the nearest below which there are few different images
)

// Rules returns the rules, in the order of their importance.
func (d Adversarial) Rules() Rules {
	return append(Rules{
		{Name: "mode-collapse", Interval: true, Check: d.modeCollapse},
		{Name: "d-won", Interval: true, Check: d.discriminatorWon},
		{Name: "d-ahead", Interval: true, Check: d.discriminatorAhead},
		{Name: "d-lost", Interval: true, Check: d.discriminatorLost},
		{Name: "vanishing", Interval: true, Check: d.vanishingGradient},
		{Name: "exploding", Interval: true, Check: d.explodingGradient},
		MissingClasses(d.Steadier),
	}, d.Rest...)
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
func (d Adversarial) modeCollapse(h *model.History) *model.Warning {
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
	return Warning(d.Steadier(h),
		"mode collapse: the generator repeats itself: of %d images of different noise two differ by %.2g %% of what two training images do, and an image from its nearest neighbour by %.2g %%",
		now.Images, 100*now.Spread, 100*now.Nearest)
}

// hasWon reports whether the discriminator makes no error and the generator has no
// gradient to learn from.
func (d Adversarial) hasWon(h *model.History) bool {
	return !d.IsCritic && lately(h, func(r model.Record) bool {
		accuracy := r.Train[model.DAccuracy]
		return accuracy > 0.99 && r.Train[model.DLoss] < perfectLoss || accuracy > 0.9 && r.Train[model.GLoss] > hopelessLoss
	})
}

func (d Adversarial) discriminatorWon(h *model.History) *model.Warning {
	if !d.hasWon(h) {
		return nil
	}
	ways := slices.Concat(d.NonSaturating, d.Steadier(h), d.DRate.Less())
	if d.Won != nil {
		ways = append(ways, d.Won(h)...)
	}
	return Warning(ways,
		"the discriminator has won: its accuracy is %.1f %%, at a loss of %.2g, and the generator does not learn, at a loss of %.3g with a gradient of %.2g",
		100*train(h, model.DAccuracy), train(h, model.DLoss), train(h, model.GLoss), train(h, model.GGradNorm))
}

// discriminatorAhead warns if the discriminator has made hardly any error for a quarter
// of the steps: the generator still learns, but not to remove the flaws by which its
// images are recognised. In healthy runs the accuracy has fallen by then, to 0.95 at step
// 4,000 and 0.83 at the end.
func (d Adversarial) discriminatorAhead(h *model.History) *model.Warning {
	if d.IsCritic || interval(h).Step < 8*firstSteps || d.hasWon(h) || !lately(h, func(r model.Record) bool { return r.Train[model.DAccuracy] > aheadAccuracy }) {
		return nil
	}
	return Warning(slices.Concat(d.Steadier(h), d.DRate.Less()),
		"the discriminator is far ahead: for a quarter of the steps its accuracy has been %.0f %% or more, %.1f %% now, at a loss of %.2g: flaws by which it recognises generated images stay",
		100*aheadAccuracy, 100*train(h, model.DAccuracy), train(h, model.DLoss))
}

// guesses reports whether the discriminator guesses and the generator learns nothing
// from it.
func (d Adversarial) guesses(h *model.History) bool {
	return !d.IsCritic && !d.Encodes && lately(h, func(r model.Record) bool {
		return math.Abs(r.Train[model.DAccuracy]-0.5) < 0.05 && r.Train[model.GGradNorm] < 0.05
	})
}

func (d Adversarial) discriminatorLost(h *model.History) *model.Warning {
	if !d.guesses(h) {
		return nil
	}
	return Warning(slices.Concat(d.DRate.More(), d.DSteps.More(), d.Lost),
		"the discriminator does not learn: its accuracy is %.0f %%, as by guessing, at a loss of %.3g, and the generator, whose gradient is %.2g, learns nothing from it",
		100*train(h, model.DAccuracy), train(h, model.DLoss), train(h, model.GGradNorm))
}

// vanishingGradient warns of a generator without gradient, where neither network has
// won.
func (d Adversarial) vanishingGradient(h *model.History) *model.Warning {
	largest := 0.0
	for _, r := range h.Intervals {
		largest = max(largest, r.Train[model.GGradNorm])
	}
	if d.hasWon(h) || d.guesses(h) || !lately(h, func(r model.Record) bool { return r.Train[model.GGradNorm] < max(1e-3*largest, 1e-6) }) {
		return nil
	}
	return Warning(slices.Concat(d.NonSaturating, d.Steadier(h)),
		"the gradient of the generator vanishes: it is %.2g, and was %.2g: the images change no more", train(h, model.GGradNorm), largest)
}

// explodingGradient warns of a gradient that is large, and a hundred times its median.
func (d Adversarial) explodingGradient(h *model.History) *model.Warning {
	for _, g := range []struct{ metric, network string }{{model.DGradNorm, "discriminator"}, {model.GGradNorm, "generator"}} {
		now, usual := train(h, g.metric), median(h, g.metric)
		if interval(h).Step >= firstSteps && now > 1000 && now > 100*usual {
			return Warning(d.Steadier(h), "the gradient of the %s explodes: it is %.2g, and was %.2g: what was learned is lost", g.network, now, usual)
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
