package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
)

// found is the class that the model itself gives each of some images.
type clustering struct {
	classes []int32 // of k
	k       int
}

// find finds the classes of images.
func (s *evaluation) cluster(ctx context.Context, images data.Items) (clustering, error) {
	p, k, err := s.session.Classify(ctx, images)
	if err != nil {
		return clustering{}, err
	}
	return clustering{probe.Argmax(p, k), k}, nil
}

// noClasses returns why a model finds none; "" = it finds some.
func (s *evaluation) noClassifier() string {
	if s.model.Classify == nil {
		return "the model finds no classes"
	}
	return ""
}

// clusters holds the classes that the model finds in the test images, once for all
// metrics, against their labels.
func clusterMetric(agree func(found, labels []int32, k, classes int) (float64, error)) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		set := s.task.Set
		if set.Test.Labels == nil || len(set.Classes) < 2 {
			return absent("the test images have no classes")
		}
		if why := s.noClassifier(); why != "" {
			return result{absent: why}, nil
		}
		if s.clusters == nil {
			f, err := s.cluster(ctx, s.images)
			if err != nil {
				return result{}, err
			}
			s.clusters = &f
		}
		n := s.images.Len()
		v, err := agree(s.clusters.classes, set.Test.Labels[:n], s.clusters.k, len(set.Classes))
		return result{value: v, images: n}, err
	}
}

func clusterAccuracy(found, labels []int32, k, classes int) (float64, error) {
	p, _, err := probe.ClusterAccuracy(found, labels, k, classes)
	return p, err
}

// clustersMade holds the classes that the model finds in images that it has made
// against those that the feature net gives them. The images are those of the other
// metrics, drawn again: they were not kept.
func clusterGenerated(ctx context.Context, s *evaluation) (result, error) {
	if why := s.noClassifier(); why != "" {
		return result{absent: why}, nil
	}
	net, seen, why, err := s.generatedClasses(ctx)
	if err != nil || why != "" {
		return result{absent: why}, err
	}
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return result{absent: src.absent}, err
	}
	var own clustering
	err = s.eachGenerated(src, s.task.Generated, func(images data.Items) error {
		f, err := s.cluster(ctx, images)
		own = clustering{append(own.classes, f.classes...), f.k}
		return err
	})
	if err != nil {
		return result{}, err
	}
	n := len(own.classes)
	v, err := clusterAccuracy(own.classes, seen, own.k, len(net.Labels))
	return result{value: v, stdErr: math.Sqrt(v * (1 - v) / float64(n)), images: n, note: netNote(net, s.img)}, err
}
