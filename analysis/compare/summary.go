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

// Summary returns what the numbers mean, in paragraphs with an empty line between them. The
// numbers themselves are in Headline.
func (c *Comparison) Summary() string {
	a, b := &c.Sides[0], &c.Sides[1]
	return strings.Join([]string{c.describeCodes(a), c.describeCodes(b), c.describeSamples()}, "\n\n")
}

// Headline returns the numbers that matter most: for each its name, its value for both
// models, and its unit. The first row has the names of the models.
func (c *Comparison) Headline() [][]string {
	rows := [][]string{{"", c.Sides[0].Name, c.Sides[1].Name, ""}}
	add := func(name, unit, format string, factor float64, value func(m *Measurements) float64) {
		row, known := []string{c.reword(name)}, false
		for i := range c.Sides {
			v, cell := value(&c.Sides[i]), "–"
			if !math.IsNaN(v) {
				cell, known = fmt.Sprintf(format, factor*v), true
			}
			row = append(row, cell)
		}
		if known {
			rows = append(rows, append(row, unit))
		}
	}
	score := func(name string) func(m *Measurements) float64 {
		return func(m *Measurements) float64 { return m.number(name) }
	}
	add("mean σ of q(z|x)", "", "%.2g", 1, score(eval.MeanSigma))
	add("standard deviation of the codes", "a unit, 1 in N(0, I)", "%.2g", 1, func(m *Measurements) float64 { return m.Spread })
	add("active units", "", "%.0f", 1, score(eval.ActiveUnits))
	add("latent units", "", "%.0f", 1, func(m *Measurements) float64 { return float64(m.Session.Latent()) })
	add("KL", "nats", "%.3g", 1, func(m *Measurements) float64 { return m.unitKL(func(kl []float64) float64 { return sum(kl) }) })
	add("KL of the unit with the most", "nats", "%.2g", 1, func(m *Measurements) float64 { return m.unitKL(slices.Max[[]float64]) })
	add("KL of the unit with the least", "nats", "%.2g", 1, func(m *Measurements) float64 { return m.unitKL(slices.Min[[]float64]) })
	add("mean squared error of reconstructions", "", "%.3g", 1, score("test_mse"))
	add("FID of images from N(0, I)", "", "%.3g", 1, func(m *Measurements) float64 { return m.PriorSamples.FID })
	add("FID of images from the fitted Gaussian", "", "%.3g", 1, func(m *Measurements) float64 { return m.GaussianSamples.FID })
	percent := fmt.Sprintf(c.reword("%% (of test images: %.0f)"), 100*(1-outlierQuantile))
	add("outliers among images from N(0, I)", percent, "%.0f", 100, func(m *Measurements) float64 { return m.PriorSamples.Outliers })
	add("outliers among images from the fitted Gaussian", percent, "%.0f", 100, func(m *Measurements) float64 { return m.GaussianSamples.Outliers })
	add("outliers on paths between test images", percent, "%.0f", 100, func(m *Measurements) float64 { return m.Smoothness.Outliers })
	add("longest step of a path", "mean steps", "%.2f", 1, func(m *Measurements) float64 { return m.Smoothness.LongestStep })
	return rows
}

// unitKL returns a number of the KL of the units; NaN for a model without one.
func (m *Measurements) unitKL(of func(kl []float64) float64) float64 {
	for name, kl := range m.Scores.Units() {
		if name == eval.KLPerUnit && len(kl) > 0 {
			return of(kl)
		}
	}
	return nan
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// describeCodes returns how a model encodes an image, in words.
func (c *Comparison) describeCodes(m *Measurements) string {
	sigma := m.number(eval.MeanSigma)
	if math.IsNaN(sigma) {
		return fmt.Sprintf(c.reword("%s is an autoencoder: it encodes an image as a point, without noise and without a KL, so nothing determines where the point lies."), m.Name)
	}
	text := fmt.Sprintf(c.reword("%s encodes an image as a Gaussian q(z|x)."), m.Name)
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
	text := fmt.Sprintf(c.reword("An image is an outlier if it is farther from any training image than %.0f %% of the test images are. "), 100*outlierQuantile)
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
