package diagnose

import (
	"math"
	"slices"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
)

const (
	deadKL   = 0.01 // nats: a latent unit of less carries no information
	activeKL = 0.1  // nats: a unit of more carries some
)

// Posterior is what rules of the posterior q(z|x) need: the weight of its KL and the
// options that change it.
type Posterior struct {
	Weight float64 // β; 0 = the loss has no KL
	Warmup float64 // epochs in which the weight rises

	Beta, WarmupOption, FreeBits, Latent Option
	// LearnedScale are the remedies that make the likelihood learn its scale; nil if it
	// has no fixed one.
	LearnedScale []model.Remedy
	// Others are further remedies of a collapse, as those by which a decoder of sequences needs the
	// codes.
	Others []model.Remedy
}

// Rules returns the rules of a posterior under a KL: one that has collapsed to the
// prior (collapse), a KL that outweighs the reconstruction (swamped), and latent units
// that are not used (dead-units).
func (o Posterior) Rules() Rules {
	return Rules{
		{Name: "collapse", Check: o.collapse},
		{Name: "swamped", Check: o.swamped},
		{Name: "dead-units", Check: o.deadUnits},
	}
}

// Weighs reports whether the loss has a KL of some weight.
func (o Posterior) Weighs(h *model.History) bool {
	return o.Weight > 0 && !math.IsNaN(Test(h, model.KL))
}

// Collapsed reports whether the codes carry no information about the images: the KL of
// each unit is near 0.
func (o Posterior) Collapsed(h *model.History) bool {
	return o.Weighs(h) && HoldsTwice(h, o.Warmup, func(r model.Record) bool {
		return model.Metric(r.Test, model.KL) < max(activeKL, deadKL*float64(h.Latent)) && (r.UnitKL == nil || slices.Max(r.UnitKL) < activeKL)
	})
}

func (o Posterior) collapse(h *model.History) *model.Warning {
	if !o.Collapsed(h) {
		return nil
	}
	return Warning(slices.Concat(o.Beta.Less(), o.WarmupOption.More(), o.FreeBits.More(), o.Others, o.LearnedScale),
		"posterior collapse: the KL is %.2g nats over %s, so the codes carry no information about the image, and all decode to the same image", Test(h, model.KL), english.Plural(h.Latent, "unit"))
}

func (o Posterior) swamped(h *model.History) *model.Warning {
	if !o.Weighs(h) || !Settled(h, 2, o.Warmup) || !(h.ExplainedVariance < nearBlank) || o.Collapsed(h) {
		return nil
	}
	return Warning(slices.Concat(o.Beta.Less(), o.WarmupOption.More(), o.LearnedScale),
		"the KL outweighs the reconstruction: the reconstructions explain %.0f %% of the variance of the test images about the mean image, at a KL of %.3g nats",
		100*max(0, h.ExplainedVariance), Test(h, model.KL))
}

func (o Posterior) deadUnits(h *model.History) *model.Warning {
	found := o.Weighs(h) && HoldsTwice(h, o.Warmup, func(r model.Record) bool {
		return deadUnits(r) > 0 && slices.Max(r.UnitKL) >= activeKL
	})
	if !found {
		return nil
	}
	return Warning(slices.Concat(o.Latent.Fewer(), o.Beta.Less(), o.FreeBits.More(), o.WarmupOption.More()),
		"%d of %d latent units are dead, with a KL below %g nats: the model does not use them at this weight of the KL", deadUnits(Last(h)), len(Last(h).UnitKL), deadKL)
}

// deadUnits returns the number of latent units that carry no information.
func deadUnits(r model.Record) int {
	n := 0
	for _, kl := range r.UnitKL {
		if kl < deadKL {
			n++
		}
	}
	return n
}
