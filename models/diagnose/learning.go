package diagnose

import (
	"cmp"
	"math"
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

const (
	// spanSteps is the least number of steps of a span. The losses of shorter epochs, as of
	// a set of a hundred items, are compared as means over spans: one step is noise.
	spanSteps = 100
	// plateau is the number of spans in which a loss that has stopped falling does not fall.
	plateau = 5
)

// A span is one epoch of spanSteps steps or more, or several that have as many together,
// with the means of its losses.
type span struct {
	epoch       int // the last
	epochs      int
	train, test float64
}

// spans returns the whole spans of the epochs, the last of which ends with the last
// epoch. Epochs before the first whole span are left out.
func spans(epochs []model.Record) []span {
	var found []span
	for end := len(epochs); end > 0; {
		start, s := end, span{epoch: epochs[end-1].Epoch}
		for steps := int64(0); steps < spanSteps; {
			if start == 0 {
				slices.Reverse(found)
				return found
			}
			start--
			steps = epochs[end-1].Step
			if start > 0 {
				steps -= epochs[start-1].Step
			}
			s.train += model.Metric(epochs[start].Train, model.Loss)
			s.test += model.Metric(epochs[start].Test, model.Loss)
		}
		s.epochs = end - start
		s.train /= float64(s.epochs)
		s.test /= float64(s.epochs)
		found, end = append(found, s), start
	}
	slices.Reverse(found)
	return found
}

// noise returns the standard deviation of values about a smooth curve: the median of the
// distances of each from the mean of its neighbours, scaled as for normal noise; 0 of
// fewer than three values.
func noise(values []float64) float64 {
	var off []float64
	for i := 1; i+1 < len(values); i++ {
		off = append(off, math.Abs(values[i]-(values[i-1]+values[i+1])/2))
	}
	if len(off) == 0 {
		return 0
	}
	slices.Sort(off)
	// The distance has 1.5 times the variance, and the median of |N(0, 1)| is 0.6745.
	return off[len(off)/2] / (0.6745 * math.Sqrt(1.5))
}

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

// after returns the epochs whose losses can be compared: those after the warm-up that
// have one.
func (o Learning) after(h *model.History) []model.Record {
	var epochs []model.Record
	for i, r := range h.Epochs {
		if _, ok := r.Train[model.Loss]; ok && float64(i) >= o.Warmup {
			epochs = append(epochs, r)
		}
	}
	return epochs
}

// losses returns the training losses that can be compared, one a span.
func (o Learning) losses(h *model.History) []float64 {
	var losses []float64
	for _, s := range spans(o.after(h)) {
		losses = append(losses, s.train)
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

// overfit warns if, three spans or more after its minimum, the test loss has lost a
// fiftieth of what it had gained, and four times its noise, while the training loss went
// on falling. The lowest of many noisy losses lies about twice the noise below their
// mean, so a loss that stays where it is gives no warning.
func (o Learning) overfit(h *model.History) *model.Warning {
	if Warming(h, o.Warmup) {
		return nil
	}
	all := spans(h.Epochs)
	if len(all) < 4 {
		return nil
	}
	before := all[:len(all)-3]
	best := slices.MinFunc(before, func(a, b span) int { return cmp.Compare(a.test, b.test) })
	now, first := all[len(all)-1], model.Metric(h.Epochs[0].Test, model.Loss)
	lowest := math.Inf(1)
	for _, s := range all[len(before):] {
		lowest = min(lowest, s.test)
	}
	var since []float64 // the test losses from the best on: before it they fall, which is not noise
	for _, r := range h.Epochs {
		if r.Epoch > best.epoch-best.epochs {
			since = append(since, model.Metric(r.Test, model.Loss))
		}
	}
	margin := max(0.02*(first-best.test), 4*noise(since)/math.Sqrt(float64(best.epochs)))
	if !(lowest > best.test) || !(now.test-best.test > margin) || !(now.train < best.train) {
		return nil
	}
	ways := Length(h).Fewer()
	for _, size := range o.Size {
		ways = append(ways, size.Fewer()...)
	}
	return Warning(ways, "the model overfits: since epoch %d the test loss has risen from %.5g to %.5g while the training loss fell; the best checkpoint is kept", best.epoch, best.test, now.test)
}

// plateau warns if what the last spans have gained is small beside what those before had
// gained, at a learning rate that the schedule has not lowered.
func (o Learning) plateau(h *model.History) *model.Warning {
	losses, epochs := o.losses(h), 0
	n := len(losses) - plateau
	if n < plateau || Last(h).LearningRate < h.Training.LearningRate/2 || rises(losses) || o.Posterior != nil && o.Posterior.Collapsed(h) {
		return nil
	}
	before := slices.Min(losses[:n])
	if !(before-slices.Min(losses[n:]) < 0.003*(losses[0]-before)) {
		return nil
	}
	for _, s := range spans(o.after(h))[n:] {
		epochs += s.epochs
	}
	var more []model.Remedy
	if len(o.Size) > 0 {
		more = o.Size[0].More()
	}
	return Warning(slices.Concat(LearningRate(h).Less(), Schedule(h).Another(), more),
		"the training loss has not fallen for %d epochs, at %.5g: training longer changes little", epochs, Last(h).Train[model.Loss])
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
