package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/analysis/latent"
)

// activeVariance is the variance of E[z|x] over the images from which a unit counts as
// active. Burda et al., arXiv:1509.00519, section 5.2.
const activeVariance = 0.01

// posteriorStatistics describe q(z|x) of the test images, unit by unit.
type posteriorStatistics struct {
	z         int       // Z
	variance  []float64 // (Z), of E[z|x] over the images
	kl, sigma []float64 // (Z), means over the images; nil for a deterministic model
	images    int
}

// posteriorStatistics returns those of the test images; nil if the model has no encoder.
func (s *evaluation) posteriorStatistics(ctx context.Context) (*posteriorStatistics, error) {
	if s.posteriors != nil || s.model.Encode == nil {
		return s.posteriors, nil
	}
	mu, logVar, err := s.session.EncodeMeans(ctx, s.images)
	if err != nil {
		return nil, err
	}
	z := s.model.Latent
	c := &posteriorStatistics{z: z, images: s.images.Len()}
	_, deviation := latent.Moments(mu, z)
	for _, d := range deviation {
		c.variance = append(c.variance, d*d)
	}
	if logVar != nil {
		c.kl, c.sigma = latent.UnitKL(mu, logVar, z), make([]float64, z)
		for i, v := range logVar {
			c.sigma[i%z] += math.Exp(float64(v)/2) / float64(c.images)
		}
	}
	s.posteriors = c
	return c, nil
}

// activeUnits counts the units with Var_x(E[z|x]) ≥ 0.01.
func activeUnits(ctx context.Context, s *evaluation) (result, error) {
	c, err := s.posteriorStatistics(ctx)
	if err != nil {
		return result{}, err
	}
	if c == nil {
		return absent("the model has no encoder")
	}
	n := 0
	for _, v := range c.variance {
		if v >= activeVariance {
			n++
		}
	}
	return result{value: float64(n), units: c.variance, images: c.images}, nil
}

// meanSigma returns σ of q(z|x), mean over images and units.
func meanSigma(ctx context.Context, s *evaluation) (result, error) {
	return overUnits(ctx, s, func(c *posteriorStatistics) []float64 { return c.sigma })
}

// klPerUnit returns KL(q(z|x) ‖ N(0, I)) of a unit in nats, mean over images and units.
func klPerUnit(ctx context.Context, s *evaluation) (result, error) {
	return overUnits(ctx, s, func(c *posteriorStatistics) []float64 { return c.kl })
}

// overUnits returns the mean over the units of the values that statistic selects.
func overUnits(ctx context.Context, s *evaluation, statistic func(c *posteriorStatistics) []float64) (result, error) {
	c, err := s.posteriorStatistics(ctx)
	if err != nil {
		return result{}, err
	}
	if c == nil || c.kl == nil {
		return absent("the model has no posterior q(z|x)")
	}
	sum := 0.0
	for _, v := range statistic(c) {
		sum += v
	}
	return result{value: sum / float64(c.z), units: statistic(c), images: c.images}, nil
}
