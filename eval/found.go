package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/eval/feature"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/probe"
)

// found is the class that the model itself gives each image, of k.
func (s *subject) found(ctx context.Context, images data.Images) (classes []int32, k int, err error) {
	p, k, err := s.session.Classify(ctx, images)
	if err != nil {
		return nil, 0, err
	}
	return probe.Largest(p, k), k, nil
}

// noClasses is why a model finds none.
const noClasses = "the model finds no classes"

// clusters holds the classes that the model finds in the test images against their
// labels.
func clusters(agree func(found, labels []int32, k, classes int) (float64, error)) func(context.Context, *subject) (result, error) {
	return func(ctx context.Context, s *subject) (result, error) {
		set := s.task.Set
		if set.Test.Labels == nil || len(set.Classes) < 2 {
			return absent("the test images have no classes")
		}
		if _, ok := s.model.(model.Classifier); !ok {
			return absent(noClasses)
		}
		found, k, err := s.found(ctx, s.images)
		if err != nil {
			return result{}, err
		}
		v, err := agree(found, set.Test.Labels[:len(found)], k, len(set.Classes))
		return result{value: v, images: len(found)}, err
	}
}

func clusterAccuracy(found, labels []int32, k, classes int) (float64, error) {
	p, _, err := probe.ClusterAccuracy(found, labels, k, classes)
	return p, err
}

// clustersMade holds the classes that the model finds in images that it has made
// against those that the feature net gives them.
func clustersMade(ctx context.Context, s *subject) (result, error) {
	if _, ok := s.model.(model.Classifier); !ok {
		return absent(noClasses)
	}
	net, why, err := s.net(ctx)
	if err != nil || why != "" {
		return result{absent: why}, err
	}
	if !net.Exclusive {
		return absent("the labels are attributes, of which an image may have several")
	}
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return result{absent: src.absent}, err
	}
	n, k, classes := s.task.Made, 0, len(net.Labels)
	var found, seen []int32
	for at := 0; at < n; at += chunk {
		x, err := src.next(at, min(chunk, n-at))
		if err != nil {
			return result{}, err
		}
		images, err := data.NewInMemory(data.Bytes(x), min(chunk, n-at), s.img.H, s.img.W, s.img.C)
		if err != nil {
			return result{}, err
		}
		_, p, err := net.Describe(ctx, images)
		if err != nil {
			return result{}, err
		}
		for ; len(p) > 0; p = p[classes:] {
			seen = append(seen, int32(feature.Likeliest(p[:classes])))
		}
		own, of, err := s.found(ctx, images)
		if err != nil {
			return result{}, err
		}
		found, k = append(found, own...), of
		s.progress(len(found), n)
	}
	v, err := clusterAccuracy(found, seen, k, classes)
	return result{value: v, stdErr: math.Sqrt(v * (1 - v) / float64(n)), images: n, note: through(net, s.img)}, err
}
