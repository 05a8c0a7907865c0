package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/train/runlog"
)

// number returns a score; NaN if the model does not have it.
func (m *Measurements) number(name string) float64 {
	if v, ok := m.Scores.Get(name); ok {
		return v
	}
	return nan
}

// Summary returns what the numbers mean, in paragraphs with an empty line between them.
func (c *Comparison) Summary() string {
	a, b := &c.Sides[0], &c.Sides[1]
	return strings.Join([]string{a.describeCodes(), b.describeCodes(), c.describeSamples(), c.describeReconstructions()}, "\n\n")
}

// describeCodes returns how the model encodes an image, in words.
func (m *Measurements) describeCodes() string {
	sigma := m.number(eval.MeanSigma)
	units := m.Session.Latent()
	if math.IsNaN(sigma) {
		return fmt.Sprintf("%s is an autoencoder: it encodes an image as a point, without noise and without a KL, so nothing determines where the point lies. "+
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
	text := fmt.Sprintf("%s encodes an image as a Gaussian q(z|x), whose σ is %.2g on average, while the codes have a standard deviation of %.2g a unit. "+
		"Of %d latent %s, %.0f are active. An image has a KL of %.3g nats, %.2g in the unit that has the most and %.2g in the unit that has the least.",
		m.Name, sigma, m.Spread, units, unitsOf(units), m.number(eval.ActiveUnits), sum, most, least)
	first, last, epoch := firstAndLast(m.Log, eval.MeanSigma)
	history := ""
	if epoch > 1 {
		history = fmt.Sprintf(" σ was %.2g after the first epoch and %.2g after epoch %d.", first, last, epoch)
	}
	switch {
	case m.Beta == 0 && sigma < 0.1*m.Spread:
		text += history + fmt.Sprintf(" The KL is off, so noise costs reconstruction and nothing rewards it: σ goes to zero, and the codes move away from each other instead. "+
			"σ is %.0f times smaller than the standard deviation of the codes: the VAE has become an autoencoder.", m.Spread/sigma)
	case m.Beta == 0:
		text += history + " The KL is off, so noise costs reconstruction and nothing rewards it; so far σ has not gone to zero."
	case !math.IsNaN(m.Beta):
		text += history + fmt.Sprintf(" The KL, weighted %v, is the cost of information in the code: a unit with σ = 1 and mean 0 costs nothing and carries none, and a unit that carries more has a smaller σ or a mean farther from 0. "+
			"So the Gaussians stay as wide as the reconstruction allows, overlap, and together cover N(0, I).", m.Beta)
	default:
		text += history
	}
	return text
}

// unitsOf returns "unit" or "units".
func unitsOf(n int) string {
	if n == 1 {
		return "unit"
	}
	return "units"
}

// firstAndLast returns the first and the last value of a test metric in the log, and the
// epoch of the last; 0 if there is none.
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

// describeSamples compares the images decoded from random codes, in words.
func (c *Comparison) describeSamples() string {
	a, b := &c.Sides[0], &c.Sides[1]
	text := fmt.Sprintf("Images of random codes: an image is an outlier if it is farther from any training image than %.0f %% of the test images are, so %.0f %% of the test images are outliers. ", 100*outlierQuantile, 100*(1-outlierQuantile))
	text += fmt.Sprintf("Of images decoded from N(0, I), %.0f %% of those of %s are outliers and %.0f %% of those of %s", 100*a.PriorSamples.Outliers, a.Name, 100*b.PriorSamples.Outliers, b.Name)
	features := !math.IsNaN(a.PriorSamples.FID) && !math.IsNaN(b.PriorSamples.FID)
	if features {
		text += fmt.Sprintf("; as sets, which also counts the kinds of images that are missing, they are at a Fréchet distance (FID) of %.3g and %.3g from the test images", a.PriorSamples.FID, b.PriorSamples.FID)
	}
	text += fmt.Sprintf(". From a Gaussian with the mean and the standard deviation of each model's own codes, %.0f %% and %.0f %% are outliers", 100*a.GaussianSamples.Outliers, 100*b.GaussianSamples.Outliers)
	if features {
		text += fmt.Sprintf(", at distances of %.3g and %.3g", a.GaussianSamples.FID, b.GaussianSamples.FID)
	}
	text += ". "
	for _, m := range []*Measurements{a, b} {
		if m.Spread >= 2 {
			text += fmt.Sprintf("N(0, I) covers only the middle of the codes of %s, whose standard deviation is %.2g times as large. ", m.Name, m.Spread)
		}
	}
	less, more := a, b
	if a.GaussianSamples.Outliers > b.GaussianSamples.Outliers {
		less, more = b, a
	}
	if more.GaussianSamples.Outliers-less.GaussianSamples.Outliers >= 0.05 {
		text += fmt.Sprintf("So the codes of %s have more gaps between them, which the decoder was not trained to decode, than those of %s.", more.Name, less.Name)
	} else {
		text += "So both have about as many gaps between their codes, which the decoder was not trained to decode."
	}
	return text
}

// describeReconstructions compares reconstructions and interpolations, in words.
func (c *Comparison) describeReconstructions() string {
	a, b := &c.Sides[0], &c.Sides[1]
	text := fmt.Sprintf("Reconstructions: the mean squared error of a reconstruction is %.3g by %s and %.3g by %s. ", a.number("test_mse"), a.Name, b.number("test_mse"), b.Name)
	text += fmt.Sprintf("Interpolations: on the straight line between the codes of two test images, in %d steps, the longest step is %.2f times the mean one in %s and %.2f in %s, and %.0f %% and %.0f %% of the images on the way are outliers.",
		pathSteps, a.Smoothness.LongestStep, a.Name, b.Smoothness.LongestStep, b.Name, 100*a.Smoothness.Outliers, 100*b.Smoothness.Outliers)
	return text
}
