package eval

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/eval/feature"
)

// How many neighbours the ball around a point reaches to.
const (
	precisionNeighbours = 3 // Kynkäänniemi et al., arXiv:1904.06991, section 3
	densityNeighbours   = 5 // Naeem et al., arXiv:2002.09797, section 5
)

// precision returns the share of generated images whose features lie in the ball around some
// test image that reaches to its third nearest test image.
func precision(ctx context.Context, s *evaluation, real, generated *embedding) (result, error) {
	return s.inBalls(ctx, generated, real, precisionNeighbours, oneOrMore)
}

// recall returns the share of test images whose features lie in the ball around some
// generated image: precision with the sets exchanged.
func recall(ctx context.Context, s *evaluation, real, generated *embedding) (result, error) {
	return s.inBalls(ctx, real, generated, precisionNeighbours, oneOrMore)
}

// ballDensity returns the number of balls around test images, up to their fifth nearest test
// image, in which a generated image lies, over 5, mean over the generated images. A perfect
// model has 1.
func ballDensity(ctx context.Context, s *evaluation, real, generated *embedding) (result, error) {
	return s.inBalls(ctx, generated, real, densityNeighbours, func(n int) float64 { return float64(n) / densityNeighbours })
}

// ballCoverage returns the share of test images whose ball contains a generated image.
func ballCoverage(ctx context.Context, s *evaluation, real, generated *embedding) (result, error) {
	radii, reason, err := s.radii(ctx, real, densityNeighbours)
	if err != nil || reason != "" {
		return result{absent: reason}, err
	}
	r, err := newNeighbourSearch(s.be, feature.Size, s.progress)
	if err != nil {
		return result{}, err
	}
	nearest, err := r.nearest(ctx, real.features, pointsOf(generated.features, feature.Size), 1, false)
	if err != nil {
		return result{}, err
	}
	var m mean
	for i, n := range nearest {
		m.add(indicator(n[0].Distance <= radii[i]))
	}
	return result{value: m.value(), stdErr: m.stdErr()}, nil
}

// inBalls returns the mean over points of score of the number of balls in which a point
// lies. The balls are those around other points up to their k-th nearest neighbour.
func (s *evaluation) inBalls(ctx context.Context, points, around *embedding, k int, score func(n int) float64) (result, error) {
	radii, reason, err := s.radii(ctx, around, k)
	if err != nil || reason != "" {
		return result{absent: reason}, err
	}
	r, err := newNeighbourSearch(s.be, feature.Size, s.progress)
	if err != nil {
		return result{}, err
	}
	counts, err := r.within(ctx, points.features, pointsOf(around.features, feature.Size), radii)
	if err != nil {
		return result{}, err
	}
	var m mean
	for _, n := range counts {
		m.add(score(n))
	}
	return result{value: m.value(), stdErr: m.stdErr()}, nil
}

// radii returns the distance of each point to its k-th nearest neighbour; why is the reason
// if there are too few points.
func (s *evaluation) radii(ctx context.Context, points *embedding, k int) (radii []float64, reason string, err error) {
	n := len(points.features) / feature.Size
	if n <= k {
		return nil, fmt.Sprintf("of %d images none has %d neighbours", n, k), nil
	}
	if points.neighbours == nil { // once for all metrics
		r, err := newNeighbourSearch(s.be, feature.Size, s.progress)
		if err != nil {
			return nil, "", err
		}
		if points.neighbours, err = r.nearest(ctx, points.features, pointsOf(points.features, feature.Size), max(precisionNeighbours, densityNeighbours), true); err != nil {
			return nil, "", err
		}
	}
	radii = make([]float64, n)
	for i, n := range points.neighbours {
		radii[i] = n[k-1].Distance
	}
	return radii, "", nil
}

// oneOrMore returns 1 for n ≥ 1, else 0.
func oneOrMore(n int) float64 { return indicator(n > 0) }

// indicator returns 1 if the condition holds, else 0.
func indicator(so bool) float64 {
	if so {
		return 1
	}
	return 0
}

// aboutManifolds returns the protocol of these metrics in words.
func (p Protocol) aboutManifolds(what string) string {
	return fmt.Sprintf("%s; the first %d test images and as many drawn from the model's prior, by distances of features; %s", what, p.Generated, aboutNet)
}
