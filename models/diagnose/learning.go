package diagnose

import (
	"slices"
	"strings"

	"github.com/imago-ml/imago/models/model"
)

// Learning are the options that rules of any loss need.
type Learning struct {
	Warmup float64 // epochs in which the weight of a term of the loss rises
	// Size are the options that make the networks larger or smaller, Latent first.
	Size []Option
	// Posterior is that of a model with a KL, whose collapse explains a loss that does not
	// fall; nil of other models.
	Posterior *Posterior
}

// nearBlank is the share of the variance below which reconstructions are no better
// than the mean image.
const nearBlank = 0.05

// plateau is the number of epochs in which a loss that has stopped falling does not
// fall.
const plateau = 5

// Rules returns the rules of the training loss and the test loss: a loss that rises
// (rising), that has stopped falling (plateau), and a test loss that rises while the
// training loss falls (overfit).
func (o Learning) Rules() Rules {
	return Rules{
		{Name: "rising", Check: o.rising},
		{Name: "overfit", Check: o.overfit},
		{Name: "plateau", Check: o.plateau},
	}
}

// Blank returns the rule of reconstructions that are no better than the mean image
// (blank). If the loss has a KL, the rule swamped of Posterior takes its place.
func (o Learning) Blank() Rule {
	return Rule{Name: "blank", Check: func(h *model.History) *model.Warning {
		if !Settled(h, 3, o.Warmup) || !(h.ExplainedVariance < nearBlank) || o.Posterior != nil && o.Posterior.Weighs(h) {
			return nil
		}
		var more []model.Remedy
		if len(o.Size) > 0 {
			more = o.Size[0].More()
		}
		return Warning(slices.Concat(LearningRate(h).Another(), more, Length(h).More()),
			"the reconstructions are no better than the mean image: they explain %.0f %% of the variance of the test images about it", 100*max(0, h.ExplainedVariance))
	}}
}

// losses returns the training losses that can be compared, one an epoch.
func (o Learning) losses(h *model.History) []float64 {
	var losses []float64
	for i, r := range h.Epochs {
		if v, ok := r.Train[model.Loss]; ok && float64(i) >= o.Warmup {
			losses = append(losses, v)
		}
	}
	return losses
}

// rises reports whether the loss has risen twice in a row, by more than noise.
func rises(losses []float64) bool {
	n := len(losses)
	if n < 3 || !(losses[n-1] > losses[n-2] && losses[n-2] > losses[n-3]) {
		return false
	}
	return losses[n-1]-losses[n-3] > 0.02*(slices.Max(losses)-slices.Min(losses))
}

func (o Learning) rising(h *model.History) *model.Warning {
	losses := o.losses(h)
	if !rises(losses) {
		return nil
	}
	n := len(losses)
	return Warning(slices.Concat(LearningRate(h).Less(), Schedule(h).Another()), "the training loss rises: %.5g, %.5g, %.5g", losses[n-3], losses[n-2], losses[n-1])
}

// overfit warns if, three epochs or more after its minimum, the test loss has lost a
// fiftieth of what it had gained, while the training loss went on falling.
func (o Learning) overfit(h *model.History) *model.Warning {
	test := func(r model.Record) float64 { return model.Metric(r.Test, model.Loss) }
	best, now, first := lowest(h), Last(h), h.Epochs[0]
	if Warming(h, o.Warmup) || now.Epoch-best.Epoch < 3 || !(test(now)-test(best) > 0.02*(test(first)-test(best))) || !(now.Train[model.Loss] < best.Train[model.Loss]) {
		return nil
	}
	ways := Length(h).Fewer()
	for _, size := range o.Size {
		ways = append(ways, size.Fewer()...)
	}
	return Warning(ways, "the model overfits: since epoch %d the test loss has risen from %.5g to %.5g while the training loss fell; the best checkpoint is kept", best.Epoch, test(best), test(now))
}

// plateau warns if what the last epochs have gained is small beside what those before
// had gained, at a learning rate that the schedule has not lowered.
func (o Learning) plateau(h *model.History) *model.Warning {
	losses := o.losses(h)
	n := len(losses) - plateau
	if n < plateau || Last(h).LearningRate < h.Training.LearningRate/2 || rises(losses) || o.Posterior != nil && o.Posterior.Collapsed(h) {
		return nil
	}
	before := slices.Min(losses[:n])
	if !(before-slices.Min(losses[n:]) < 0.003*(losses[0]-before)) {
		return nil
	}
	var more []model.Remedy
	if len(o.Size) > 0 {
		more = o.Size[0].More()
	}
	return Warning(slices.Concat(LearningRate(h).Less(), Schedule(h).Another(), more),
		"the training loss has not fallen for %d epochs, at %.5g: training longer changes little", plateau, Last(h).Train[model.Loss])
}

// modeSteps is the number of steps after which generated images should have all
// classes.
const modeSteps = 4000

// MissingClasses returns the rule of classes that are hardly generated, a fifth of all
// or more; ways returns what helps.
func MissingClasses(ways func(h *model.History) []model.Remedy) Rule {
	return Rule{Name: "missing-classes", Check: func(h *model.History) *model.Warning {
		missing := missingClasses(h)
		if len(missing) == 0 || Last(h).Step < modeSteps || 5*len(missing) < len(h.Classes) {
			return nil
		}
		return Warning(ways(h), "mode collapse: %d of %d classes are hardly generated, or not at all: %s", len(missing), len(h.Classes), strings.Join(missing, ", "))
	}}
}

// missingClasses returns the classes of which a tenth of their share is generated, or
// less.
func missingClasses(h *model.History) []string {
	modes, all := Last(h).Modes, 0.0
	for _, n := range modes {
		all += n
	}
	if len(modes) != len(h.Classes) || all < 20*float64(len(modes)) {
		return nil
	}
	var missing []string
	for k, n := range modes {
		if n <= 0.1*all/float64(len(modes)) {
			missing = append(missing, h.Classes[k])
		}
	}
	return missing
}
