package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/models/model"
)

// aboutPosteriorSample is the protocol of the metrics that one pass over the images gives.
const aboutPosteriorSample = "mean over all test images with one posterior sample each"

// aboutAdversarial is the protocol of the metrics of an adversarial model.
const aboutAdversarial = "mean over all test images, one generated image for each, by running statistics"

// modelTerm returns the measure function of a metric that model.Model.Eval gives under that
// name.
func modelTerm(name string) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		if err := s.evaluateTerms(ctx); err != nil {
			return result{}, err
		}
		v, ok := s.means[name]
		if !ok {
			return absent("the model has no such term")
		}
		return result{value: v, images: s.images.Len()}, nil
	}
}

// evaluateTerms runs model.Model.Eval over the images, once for all metrics. Batch k is
// images k·b to k·b+b−1 in their order, and draws at the seed's key At(k). Sums are in
// float64.
func (s *evaluation) evaluateTerms(ctx context.Context) error {
	if s.means != nil {
		return nil
	}
	sums, count := map[string]float64{}, s.images.Len()
	err := s.session.Each(ctx, s.terms, s.images, s.key, func(c *exec.Call, at, n int) error {
		for i, out := range c.Program().Outputs() {
			v := float64(c.Outputs()[i].F32()[0])
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return &NonFiniteError{Metric: strings.TrimSuffix(out.Name, model.SumSuffix), Value: v, First: at, Last: at + n - 1, Cause: firstNonFinite(c)}
			}
			sums[out.Name] += v
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.means = map[string]float64{}
	for name, sum := range sums {
		s.means[strings.TrimSuffix(name, model.SumSuffix)] = sum / float64(count)
	}
	return nil
}

// firstNonFinite runs the batch again and returns the first value that is not finite.
func firstNonFinite(c *exec.Call) error {
	if err := c.FirstNonFinite(); err != nil {
		return err
	}
	return errors.New("only the sum over the batch is not finite")
}

// A NonFiniteError is a metric whose value is NaN or infinite.
type NonFiniteError struct {
	Metric      string // the model's name for it
	Value       float64
	First, Last int   // the images of the batch
	Cause       error // a *backend.NonFiniteError that names the layer, if it was found
}

// Error returns one line: the metric, the images and the cause.
func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("%s of images %d to %d is %v: %v", e.Metric, e.First, e.Last, e.Value, e.Cause)
}

// Unwrap returns Cause.
func (e *NonFiniteError) Unwrap() error { return e.Cause }
