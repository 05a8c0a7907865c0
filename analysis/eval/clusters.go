package eval

import (
	"context"
	"math"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
)

// A clustering is the cluster, a class found by the model itself, of each of some images.
type clustering struct {
	classes []int32 // of k
	k       int
}

// cluster returns the clusters of images.
func (s *evaluation) cluster(ctx context.Context, images data.Items) (clustering, error) {
	p, k, err := s.session.Classify(ctx, images)
	if err != nil {
		return clustering{}, err
	}
	return clustering{probe.Argmax(p, k), k}, nil
}

// noClassifier returns the reason why the model finds no classes; "" if it finds some.
func (s *evaluation) noClassifier() string {
	if s.model.Classify == nil {
		return "the model finds no classes"
	}
	return ""
}

// clusterMetric returns the measure function of a metric that compares the clusters of the
// test images, computed once for all metrics, with their labels.
func clusterMetric(agree func(clusters, labels []int32, k, classes int) (float64, error)) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		set := s.task.Set
		if set.Test.Labels == nil || len(set.Classes) < 2 {
			return absent("the test images have no classes")
		}
		if probe.OneClass(set.Test.Labels) {
			return absent("all test images are of one class, of which an accuracy means nothing")
		}
		if reason := s.noClassifier(); reason != "" {
			return result{absent: reason}, nil
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

// clusterAccuracy returns the accuracy of the best one-to-one assignment of clusters to
// classes. Xie et al., arXiv:1511.06335.
func clusterAccuracy(clusters, labels []int32, k, classes int) (float64, error) {
	p, _, err := probe.ClusterAccuracy(clusters, labels, k, classes)
	return p, err
}

// clusterGenerated compares the clusters of generated images with the classes that the
// feature net gives them. The images are those of the other metrics, drawn again, as they
// are not kept.
func clusterGenerated(ctx context.Context, s *evaluation) (result, error) {
	if reason := s.noClassifier(); reason != "" {
		return result{absent: reason}, nil
	}
	net, netClasses, reason, err := s.generatedClasses(ctx)
	if err != nil || reason != "" {
		return result{absent: reason}, err
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
	v, err := clusterAccuracy(own.classes, netClasses, own.k, len(net.Labels))
	return result{value: v, stdErr: math.Sqrt(v * (1 - v) / float64(n)), images: n, note: netNote(net, s.img)}, err
}
