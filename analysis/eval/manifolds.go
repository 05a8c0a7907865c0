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

// precision returns the share of made images whose features lie in a ball around a test
// image's that reaches to the third nearest of the others.
func precision(ctx context.Context, s *evaluation, real, made *embedding) (result, error) {
	return s.inBalls(ctx, made, real, precisionNeighbours, oneOrMore)
}

// recall returns precision the other way round: the share of test images that lie in a ball
// around a made one.
func recall(ctx context.Context, s *evaluation, real, made *embedding) (result, error) {
	return s.inBalls(ctx, real, made, precisionNeighbours, oneOrMore)
}

// ballDensity returns the number of balls around test images, which reach to the fifth nearest,
// that a made image lies in, over 5: 1 is expected of one that is made like them.
func ballDensity(ctx context.Context, s *evaluation, real, made *embedding) (result, error) {
	return s.inBalls(ctx, made, real, densityNeighbours, func(n int) float64 { return float64(n) / densityNeighbours })
}

// ballCoverage returns the share of test images in whose ball a made one lies.
func ballCoverage(ctx context.Context, s *evaluation, real, made *embedding) (result, error) {
	radii, why, err := s.radii(ctx, real, densityNeighbours)
	if err != nil || why != "" {
		return result{absent: why}, err
	}
	r, err := newNeighbourSearch(s.be, feature.Size, s.progress)
	if err != nil {
		return result{}, err
	}
	near, err := r.nearest(ctx, real.features, pointsOf(made.features, feature.Size), 1, false)
	if err != nil {
		return result{}, err
	}
	var m mean
	for i, n := range near {
		m.add(indicator(n[0].Distance <= radii[i]))
	}
	return result{value: m.value(), stdErr: m.stdErr()}, nil
}

// inBalls returns the mean over points of what score makes of the number of balls that a
// point lies in, the balls around other points that reach to the k-th nearest of these.
func (s *evaluation) inBalls(ctx context.Context, points, around *embedding, k int, score func(n int) float64) (result, error) {
	radii, why, err := s.radii(ctx, around, k)
	if err != nil || why != "" {
		return result{absent: why}, err
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

// radii returns the distances of points to the k-th nearest of the others; why says that
// there are not so many.
func (s *evaluation) radii(ctx context.Context, of *embedding, k int) (radii []float64, why string, err error) {
	n := len(of.features) / feature.Size
	if n <= k {
		return nil, fmt.Sprintf("of %d images none has %d neighbours", n, k), nil
	}
	if of.neighbours == nil { // once for all metrics
		r, err := newNeighbourSearch(s.be, feature.Size, s.progress)
		if err != nil {
			return nil, "", err
		}
		if of.neighbours, err = r.nearest(ctx, of.features, pointsOf(of.features, feature.Size), max(precisionNeighbours, densityNeighbours), true); err != nil {
			return nil, "", err
		}
	}
	radii = make([]float64, n)
	for i, n := range of.neighbours {
		radii[i] = n[k-1].Distance
	}
	return radii, "", nil
}

func oneOrMore(n int) float64 { return indicator(n > 0) }

// truth returns 1 if it is so.
func indicator(so bool) float64 {
	if so {
		return 1
	}
	return 0
}

// manifolds says what those metrics are measured on.
func (p Protocol) aboutManifolds(what string) string {
	return fmt.Sprintf("%s; the first %d test images and as many drawn from the model's prior, by distances of features; %s", what, p.Generated, aboutNet)
}
