package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/models/model"
)

// perStep returns the loss of the sequences over the number of their steps: a quotient of sums,
// not a mean over sequences.
func perStep(ctx context.Context, s *evaluation) (result, error) {
	if err := s.evaluateTerms(ctx); err != nil {
		return result{}, err
	}
	steps, ok := s.means[model.Steps]
	if !ok {
		return absent("the model is none of sequences, step by step")
	}
	return result{value: s.means[model.Loss] / steps, images: s.images.Len()}, nil
}

// perplexity returns e to the power of perStep.
func perplexity(ctx context.Context, s *evaluation) (result, error) {
	r, err := perStep(ctx, s)
	if err != nil || r.absent != "" {
		return r, err
	}
	if s.img.Element != medium.Tokens {
		return absent("perplexity is of tokens")
	}
	r.value = math.Exp(r.value)
	return r, nil
}
