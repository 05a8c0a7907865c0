package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/train/runlog"
)

// number returns a score, NaN if the model has none.
func (m *Measurements) number(name string) float64 {
	if v, ok := m.Scores.Get(name); ok {
		return v
	}
	return nan
}

// Words says what the numbers mean: paragraphs with an empty line between them.
func (c *Comparison) Summary() string {
	a, b := &c.Sides[0], &c.Sides[1]
	return strings.Join([]string{a.describeCodes(), b.describeCodes(), c.describeSamples(), c.describeReconstructions()}, "\n\n")
}

// codesInWords says what the model makes of an image.
func (m *Measurements) describeCodes() string {
	sigma := m.number(eval.MeanSigma)
	units := m.Session.Latent()
	if math.IsNaN(sigma) {
		return fmt.Sprintf("%s is an autoencoder: it makes a point of each image, without noise and without a KL, and nothing says where the point has to be. "+
			"Its codes have a standard deviation of %.2g a unit, where N(0, I) has 1; of %d latent %s %.0f vary over the test images.",
			m.Name, m.Spread, units, unitsOf(units), m.number(eval.ActiveUnits))
	}
	var kl []float64
	for name, of := range m.Scores.Units() {
		if name == eval.KLPerUnit {
			kl = of
		}
	}
	least, most, sum := slices.Min(kl), slices.Max(kl), 0.0
	for _, v := range kl {
		sum += v
	}
	text := fmt.Sprintf("%s makes a cloud of each image, q(z|x), whose σ is %.2g on average, among codes that have a standard deviation of %.2g a unit. "+
		"Of %d latent %s, %.0f active. Its codes carry %.3g nats of KL an image, %.2g in the fullest unit and %.2g in the emptiest.",
		m.Name, sigma, m.Spread, units, unitsOf(units), m.number(eval.ActiveUnits), sum, most, least)
	first, last, epoch := firstAndLast(m.Log, eval.MeanSigma)
	course := ""
	if epoch > 1 {
		course = fmt.Sprintf(" σ was %.2g after the first epoch and %.2g after epoch %d.", first, last, epoch)
	}
	switch {
	case m.Beta == 0 && sigma < 0.1*m.Spread:
		text += course + fmt.Sprintf(" The KL is off, so noise costs only reconstruction and nothing pays for keeping it: σ goes to zero, and the codes move apart instead. "+
			"A cloud %.0f times narrower than the codes are spread is a point: the VAE has become an autoencoder.", m.Spread/sigma)
	case m.Beta == 0:
		text += course + " The KL is off, so noise costs only reconstruction and nothing pays for keeping it; so far σ has not gone to zero."
	case !math.IsNaN(m.Beta):
		text += course + fmt.Sprintf(" The KL, weighted %v, is what it pays to be told apart: a unit with σ = 1 around 0 is free and tells nothing, and one that tells more has to be narrower or farther out. "+
			"So clouds stay as wide as reconstruction allows, overlap, and fill the place that N(0, I) has for them.", m.Beta)
	default:
		text += course
	}
	return text
}

func unitsOf(n int) string {
	if n == 1 {
		return "unit"
	}
	return "units"
}

// ends returns the first and the last value of a test metric in the log, and the epoch of
// the last; 0 if there is none.
func firstAndLast(log []runlog.Line, name string) (first, last float64, epoch int) {
	for _, l := range runlog.Epochs(log) {
		if v, ok := l.Test[name]; ok {
			if epoch == 0 {
				first = v
			}
			last, epoch = v, l.Epoch
		}
	}
	return first, last, epoch
}

func (c *Comparison) describeSamples() string {
	a, b := &c.Sides[0], &c.Sides[1]
	text := fmt.Sprintf("What lies around the codes: an image counts as strange if it is farther from any training image than %.0f %% of the test images are, so of real images %.0f %% are. ", 100*outlierQuantile, 100*(1-outlierQuantile))
	text += fmt.Sprintf("Of images decoded from N(0, I), %.0f %% of those of %s are strange and %.0f %% of those of %s", 100*a.PriorSamples.Outliers, a.Name, 100*b.PriorSamples.Outliers, b.Name)
	seen := !math.IsNaN(a.PriorSamples.FID) && !math.IsNaN(b.PriorSamples.FID)
	if seen {
		text += fmt.Sprintf("; as a whole, which counts too what is never made, they are at a Fréchet distance (FID) of %.3g and %.3g from the test images", a.PriorSamples.FID, b.PriorSamples.FID)
	}
	text += fmt.Sprintf(". From a Gaussian stretched to where each model's own codes are, %.0f %% and %.0f %% are strange", 100*a.GaussianSamples.Outliers, 100*b.GaussianSamples.Outliers)
	if seen {
		text += fmt.Sprintf(", at distances of %.3g and %.3g", a.GaussianSamples.FID, b.GaussianSamples.FID)
	}
	text += ". "
	for _, m := range []*Measurements{a, b} {
		if m.Spread >= 2 {
			text += fmt.Sprintf("N(0, I) reaches only the middle of the codes of %s, which are spread %.2g times as far. ", m.Name, m.Spread)
		}
	}
	less, more := a, b
	if a.GaussianSamples.Outliers > b.GaussianSamples.Outliers {
		less, more = b, a
	}
	if more.GaussianSamples.Outliers-less.GaussianSamples.Outliers >= 0.05 {
		text += fmt.Sprintf("So the codes of %s leave more holes, places among them that it was never trained to decode, than those of %s.", more.Name, less.Name)
	} else {
		text += "So the two leave about as many holes among their codes, places that they were never trained to decode."
	}
	return text
}

func (c *Comparison) describeReconstructions() string {
	a, b := &c.Sides[0], &c.Sides[1]
	text := fmt.Sprintf("What comes back: the mean squared error of a reconstruction is %.3g by %s and %.3g by %s. ", a.number("test_mse"), a.Name, b.number("test_mse"), b.Name)
	text += fmt.Sprintf("What lies between: on the straight line between the codes of two test images, in %d steps, the longest step is %.2f times the mean one in %s and %.2f in %s, and %.0f %% and %.0f %% of the images on the way are strange.",
		pathSteps, a.Smoothness.LongestStep, a.Name, b.Smoothness.LongestStep, b.Name, 100*a.Smoothness.Outliers, 100*b.Smoothness.Outliers)
	return text
}
