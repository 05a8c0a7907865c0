package eval

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
)

// memorisedQuantile is the share of test images, those nearest to a training image, from
// which the distance is taken that counts as memorised. A model that has memorised nothing
// is expected to have this share.
const memorisedQuantile = 0.01

// maxMemorisedPixelImages is the most images that are compared with training images in
// pixels, of which an image has more than features; it is at most chunkImages.
const maxMemorisedPixelImages = 2000

// memorisedPixelImages returns the number of images that are compared in pixels.
func (p Protocol) memorisedPixelImages() int { return min(p.Generated, maxMemorisedPixelImages) }

// aboutMemorised returns the protocol of these metrics in words.
func (p Protocol) aboutMemorised(n int, by string) string {
	return fmt.Sprintf("share of %d images drawn from the model's prior that are as near to some training image as the nearest %g%% of %[1]d test images are, by distances of %[3]s; %[4]g for a model that has memorised nothing", n, 100*memorisedQuantile, by, memorisedQuantile)
}

// memorised returns the share of memorised images by distances of features.
func memorised(ctx context.Context, s *evaluation, real, generated *embedding) (result, error) {
	train, err := s.trainingFeatures(ctx, s.featureNet)
	if err != nil {
		return result{}, err
	}
	return s.nearTraining(ctx, real.features, generated.features, train, feature.Size)
}

// trainingFeatures returns the features of all training images.
func (s *evaluation) trainingFeatures(ctx context.Context, net *feature.Net) (points, error) {
	if s.trainFeatures == nil {
		images := s.task.Set.Train.Items
		all := make([]float32, 0, images.Len()*feature.Size)
		err := eachChunk(images, func(at int, part data.Items) error {
			f, _, err := net.Describe(ctx, part)
			all = append(all, f...)
			s.progress(at+part.Len(), images.Len())
			return err
		})
		if err != nil {
			return points{}, err
		}
		s.trainFeatures = all
	}
	return pointsOf(s.trainFeatures, feature.Size), nil
}

// memorisedPixels returns the share of memorised images by distances of pixels, rounded as a
// file holds them. A blurred image is near to many others.
func memorisedPixels(ctx context.Context, s *evaluation) (result, error) {
	n := s.task.memorisedPixelImages()
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return result{absent: src.absent}, err
	}
	generated, err := src.next(0, n)
	if err != nil {
		return result{}, err
	}
	for i, v := range pixels.Bytes(generated) {
		generated[i] = float32(v) / 255
	}
	part, err := imageRange(s.images, 0, n)
	if err != nil {
		return result{}, err
	}
	real, err := data.AllFloats(ctx, part)
	if err != nil {
		return result{}, err
	}
	r, err := s.nearTraining(ctx, real, generated, pixelPoints(ctx, s.task.Set.Train.Items), s.img.Size())
	r.images = n
	return r, err
}

// nearTraining returns the share of generated points that are as near to a training point as
// the nearest memorisedQuantile of the real points are.
//
// real, generated (N,F).
func (s *evaluation) nearTraining(ctx context.Context, real, generated []float32, train points, dims int) (result, error) {
	if train.n == 0 {
		return absent("there are no training images")
	}
	r, err := newNeighbourSearch(s.be, dims, s.progress)
	if err != nil {
		return result{}, err
	}
	var distances [2][]float64 // sorted
	for i, x := range [2][]float32{real, generated} {
		neighbours, err := r.nearest(ctx, x, train, 1, false)
		if err != nil {
			return result{}, err
		}
		for _, n := range neighbours {
			distances[i] = append(distances[i], n[0].Distance)
		}
		slices.Sort(distances[i])
	}
	test, drawn := distances[0], distances[1]
	limit := test[max(0, int(math.Ceil(memorisedQuantile*float64(len(test))))-1)]
	var m mean
	for _, d := range drawn {
		m.add(indicator(d <= limit))
	}
	note := fmt.Sprintf(medium.Reword(s.img, "half of the generated images are nearer to a training image than %.3g, half of the test images nearer than %.3g"), drawn[len(drawn)/2], test[len(test)/2])
	return result{value: m.value(), stdErr: m.stdErr(), note: note}, nil
}
