package latent

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// Classify returns the probability of each of the k classes that the model itself gives
// images, taught or found. It fails of a model without Classify.
//
// images (N, H, W, C) → (N, k).
func (s *Session) Classify(ctx context.Context, images data.Items) (probs []float32, k int, err error) {
	switch {
	case s.model.Classify == nil:
		return nil, 0, fmt.Errorf("latent: the model knows no classes")
	case images.Len() == 0:
		return nil, 0, fmt.Errorf("latent: no images to classify")
	}
	out, err := s.Run(ctx, s.model.Classify, images, rng.New(0))
	if err != nil {
		return nil, 0, err
	}
	probs = out[model.OutputProbs]
	return probs, len(probs) / images.Len(), nil
}
