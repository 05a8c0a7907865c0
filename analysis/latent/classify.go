package latent

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
)

// Classify returns the probability of each class that the model itself gives images: of
// classes it was taught, or of clusters it found. It fails if the model does not classify.
//
// images (N, H, W, C) → (N, k).
func (s *Session) Classify(ctx context.Context, images data.Items) (probs []float32, k int, err error) {
	switch {
	case s.model.Classify == nil:
		return nil, 0, fmt.Errorf("latent: the model does not classify")
	case images.Len() == 0:
		return nil, 0, fmt.Errorf("latent: no images to classify")
	}
	out, err := s.fittedRows(ctx, s.classify, images)
	if err != nil {
		return nil, 0, err
	}
	probs = out[model.OutputProbs]
	return probs, len(probs) / images.Len(), nil
}
