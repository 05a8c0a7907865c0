package eval

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
)

// memorisedShare is the share of test images, those nearest to a training image, that
// say what counts as memorised. So it is also the share to be expected of a model that
// has learnt no image by heart.
const memorisedQuantile = 0.01

// memorisedPixelled is the most images whose nearest training images are looked for in
// pixels, of which there are more than features: no more than a chunk.
const maxMemorisedPixelImages = 2000

// pixelled returns how many images are compared in pixels.
func (p Protocol) memorisedPixelImages() int { return min(p.Generated, maxMemorisedPixelImages) }

// memorised says what that share is measured on.
func (p Protocol) aboutMemorised(n int, by string) string {
	return fmt.Sprintf("share of %d images drawn from the model's prior that are as near to one of all training images as the nearest %g%% of %[1]d test images are, by distances of %[3]s; %[4]g of a model that has learnt nothing by heart", n, 100*memorisedQuantile, by, memorisedQuantile)
}

// memorised returns that share by features.
func memorised(ctx context.Context, s *evaluation, real, made *embedding) (result, error) {
	train, err := s.trainingFeatures(ctx, s.featureNet)
	if err != nil {
		return result{}, err
	}
	return s.nearTraining(ctx, real.features, made.features, train, feature.Size)
}

// training returns the features of all training images.
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

// memorisedPixels returns that share by pixels, as a file would hold them. Images that are
// blurred are near to many.
func memorisedPixels(ctx context.Context, s *evaluation) (result, error) {
	n := s.task.memorisedPixelImages()
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return result{absent: src.absent}, err
	}
	made, err := src.next(0, n)
	if err != nil {
		return result{}, err
	}
	for i, v := range data.Bytes(made) {
		made[i] = float32(v) / 255
	}
	part, err := imageRange(s.images, 0, n)
	if err != nil {
		return result{}, err
	}
	real, err := data.AllFloats(ctx, part)
	if err != nil {
		return result{}, err
	}
	r, err := s.nearTraining(ctx, real, made, pixelPoints(ctx, s.task.Set.Train.Items), s.img.Size())
	r.images = n
	return r, err
}

// copied returns the share of made points that are as near to a point of train as the
// nearest memorisedShare of real points are.
//
// real, made (N,F).
func (s *evaluation) nearTraining(ctx context.Context, real, made []float32, train points, dims int) (result, error) {
	if train.n == 0 {
		return absent("there are no training images")
	}
	r, err := newNeighbourSearch(s.be, dims, s.progress)
	if err != nil {
		return result{}, err
	}
	var distances [2][]float64 // sorted
	for i, x := range [2][]float32{real, made} {
		near, err := r.nearest(ctx, x, train, 1, false)
		if err != nil {
			return result{}, err
		}
		for _, n := range near {
			distances[i] = append(distances[i], n[0].Distance)
		}
		slices.Sort(distances[i])
	}
	test, drawn := distances[0], distances[1]
	usual := test[max(0, int(math.Ceil(memorisedQuantile*float64(len(test))))-1)]
	var m mean
	for _, d := range drawn {
		m.add(indicator(d <= usual))
	}
	note := fmt.Sprintf("of the made images half are nearer to a training image than %.3g, of the test images than %.3g", drawn[len(drawn)/2], test[len(test)/2])
	return result{value: m.value(), stdErr: m.stdErr(), note: note}, nil
}
