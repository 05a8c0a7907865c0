package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// A Warning is something wrong with how a run goes, and what helps.
type Warning struct {
	Name string `json:"name"` // of the row of the table
	Text string `json:"text"` // a line in plain words, with the run's own numbers
}

// A symptom is a row of the table of what is noticed at the end of an epoch, each
// once in a run.
type symptom struct {
	name string
	when func(c *course) bool
	text func(c *course) string
}

var symptoms = []symptom{
	{"collapse", (*course).collapsed, func(c *course) string {
		return fmt.Sprintf("posterior collapse: the KL is %.2g nats over %s, so the codes say nothing of the image and all decode to the same%s",
			c.test(model.KL), plural(c.units, "unit"), c.ways("less --beta", "more --warmup", "more --free-bits", c.scaled()))
	}},
	{"kl-off", (*course).unheld, func(c *course) string {
		return fmt.Sprintf("the KL is off: nothing holds the codes to the prior, and σ, now %.2g, goes to 0: this becomes an autoencoder, and images drawn from the prior mean nothing%s",
			c.now().Test[eval.MeanSigma], c.ways("more --beta"))
	}},
	{"swamped", func(c *course) bool { return c.weighed() && c.settled(2) && c.blank() && !c.collapsed() }, func(c *course) string {
		return fmt.Sprintf("the KL swamps the reconstruction: the reconstructions show %.0f %% of what sets the test images apart from the mean image, at a KL of %.3g nats%s",
			100*max(0, c.explained), c.test(model.KL), c.ways("less --beta", "more --warmup", c.scaled()))
	}},
	{"blank", func(c *course) bool { return !c.weighed() && c.settled(3) && c.blank() }, func(c *course) string {
		return fmt.Sprintf("the reconstructions are no better than the mean image: they show %.0f %% of what sets the test images apart from it%s",
			100*max(0, c.explained), c.ways("another --lr", "more --latent", "more --epochs", "more --steps"))
	}},
	{"dead-units", (*course).unused, func(c *course) string {
		return fmt.Sprintf("%d of %d latent units are dead, of a KL below %g nats: the images do without them at this weight of the KL%s",
			dead(c.now()), len(c.now().UnitKL), deadKL, c.ways("fewer --latent", "to use them less --beta", "more --free-bits", "more --warmup"))
	}},
	{"grey-bce", func(c *course) bool {
		return c.loss == "bce" && c.settled(2) && c.entropy > 0.75*c.test(model.Reconstruction)
	}, func(c *course) string {
		return fmt.Sprintf("the likelihood is on the wrong scale: bce takes pixels to be black or white, and these are grey: of the %.4g nats of reconstruction %.4g are the greys' own, which no model can save%s",
			c.test(model.Reconstruction), c.entropy, c.ways("--loss cb or logistic, which are of greys"))
	}},
	{"heavy-kl", func(c *course) bool { return c.settled(3) && c.weighed() && c.overweight() > 20 && !c.collapsed() }, func(c *course) string {
		return fmt.Sprintf("the likelihood is on the wrong scale: mse takes values to be off by 0.71, and they are by %.2g: the KL weighs %.0f times what it would at that, and the reconstructions blur%s; a --beta of %.2g would even it out",
			c.off(), c.overweight(), c.ways(c.scaled(), "less --beta"), c.beta()/c.overweight())
	}},
	{"light-kl", func(c *course) bool { return c.settled(3) && c.weighed() && c.overweight() < 0.05 }, func(c *course) string {
		return fmt.Sprintf("the likelihood is on the wrong scale: values are off by %.2g, and at that the KL weighs %.2g of what it should: images drawn from the prior will be worse than reconstructions%s; a --beta of %.2g would even it out",
			c.off(), c.overweight(), c.ways("more --beta"), c.beta()/c.overweight())
	}},
	{"rising", (*course).rising, func(c *course) string {
		all := c.trained()
		n := len(all)
		return fmt.Sprintf("the training loss rises: %.5g, %.5g, %.5g%s", all[n-3], all[n-2], all[n-1], c.ways("less --lr", "another --schedule"))
	}},
	{"overfit", (*course).overfits, func(c *course) string {
		best := c.best()
		return fmt.Sprintf("it learns the images by heart: since epoch %d the test loss has risen from %.5g to %.5g while the training loss fell; the best checkpoint is kept%s",
			best.Epoch, best.Test[eval.TestLoss], c.test(model.Loss), c.ways("fewer --epochs", "fewer --steps", "fewer --latent", "fewer --hidden", "fewer --filters"))
	}},
	{"plateau", (*course).still, func(c *course) string {
		return fmt.Sprintf("the training loss has stood still for %d epochs, at %.5g: more of the same changes little%s",
			plateau, c.now().Train[model.Loss], c.ways("less --lr", "another --schedule", "more --latent"))
	}},
	{"missing-classes", (*course).lacks, func(c *course) string {
		missing := c.missing()
		names := make([]string, len(missing))
		for i, k := range missing {
			names[i] = c.classes[k]
		}
		return fmt.Sprintf("mode collapse: of %d classes %d are hardly made, or not at all: %s%s", len(c.classes), len(names), strings.Join(names, ", "), c.ways(c.steadier()...))
	}},
}

// diagnose returns what of a table is newly noticed.
func (c *course) diagnose(table []symptom) []runlog.Warning {
	var found []runlog.Warning
	for _, s := range table {
		if !slices.Contains(c.told, s.name) && s.when(c) {
			found = append(found, runlog.Warning{Name: s.name, Text: s.text(c)})
		}
	}
	return found
}

const (
	deadKL    = 0.01 // nats: a unit of less says nothing
	activeKL  = 0.1  // and one of more something
	nearBlank = 0.05 // of the variance explained: no better than the mean image
	plateau   = 5    // epochs
)

func dead(l runlog.Line) int {
	n := 0
	for _, kl := range l.UnitKL {
		if kl < deadKL {
			n++
		}
	}
	return n
}

// collapsed: no unit says anything.
func (c *course) collapsed() bool {
	return c.weighed() && c.twice(func(l runlog.Line) bool {
		return l.Test["test_kl"] < max(activeKL, deadKL*float64(c.units)) && (l.UnitKL == nil || slices.Max(l.UnitKL) < activeKL)
	})
}

// unused: some units say nothing while others do.
func (c *course) unused() bool {
	return c.weighed() && c.twice(func(l runlog.Line) bool { return dead(l) > 0 && slices.Max(l.UnitKL) >= activeKL })
}

func (c *course) unheld() bool {
	sigma, ok := c.now().Test[eval.MeanSigma]
	return c.beta() == 0 && c.number("mmd", 0) == 0 && !math.IsNaN(c.test(model.KL)) && c.settled(2) && ok && sigma < 0.2
}

func (c *course) blank() bool { return c.explained < nearBlank }

// off returns the root of the mean squared error of a value under mse.
func (c *course) off() float64 {
	if c.loss != "mse" {
		return nan
	}
	return math.Sqrt(c.test(model.Reconstruction) / float64(c.values))
}

// overweight returns how many times more the KL weighs under mse, a Gaussian of σ² = ½,
// than under one of the measured σ²: β/(2σ²).
func (c *course) overweight() float64 { return c.beta() / (2 * c.off() * c.off()) }

// rising: twice in a row, and not by what noise makes of it.
func (c *course) rising() bool {
	all := c.trained()
	n := len(all)
	if n < 3 || !(all[n-1] > all[n-2] && all[n-2] > all[n-3]) {
		return false
	}
	return all[n-1]-all[n-3] > 0.02*(slices.Max(all)-slices.Min(all))
}

// overfits: three epochs or more after its best, the test loss has lost a fiftieth of
// what it had gained, and training has gained meanwhile.
func (c *course) overfits() bool {
	if math.IsNaN(c.test(model.Loss)) || c.warming() {
		return false
	}
	best, now, first := c.best(), c.now(), c.epochs[0]
	low := best.Test[eval.TestLoss]
	return now.Epoch-best.Epoch >= 3 && now.Test[eval.TestLoss]-low > 0.02*(first.Test[eval.TestLoss]-low) && now.Train[model.Loss] < best.Train[model.Loss]
}

// still: what the last epochs have gained is nothing beside what those before had,
// though the rate has not been lowered.
func (c *course) still() bool {
	all := c.trained()
	n := len(all) - plateau
	if n < plateau || c.now().LR < c.rate/2 || c.collapsed() || c.rising() {
		return false
	}
	before := slices.Min(all[:n])
	return before-slices.Min(all[n:]) < 0.003*(all[0]-before)
}
