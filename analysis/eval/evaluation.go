package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
)

// An evaluation is one state of a model and the images it is evaluated on. It keeps what
// several metrics need, so that this is computed once.
type evaluation struct {
	*Evaluator
	images data.Items // a Labeller if they are labelled
	key    rng.Key
	task   *Task  // nil when measuring an epoch of training
	metric string // the one that is measured now, for progress

	means           map[string]float64 // of evaluateTerms; nil before
	posteriors      *posteriorStatistics
	reconstructions *reconstructionErrors
	tokenHits       *tokenHits
	likelihoods     map[likelihoodProtocol]*likelihoodEstimate
	codes           []float32       // (N,Z), of training images
	classDensities  map[int]density // of codes by classes, by the Gaussians of a class
	featureNet      *feature.Net
	channelNet      *feature.Net
	real            *embedding // the test images
	generated       *embedding // images drawn from the prior
	trainFeatures   []float32  // features of all training images
	modes           *modes
	clusters        *clustering // in the test images
}

// measure returns the wanted metrics in their order, and those that the model does not
// have. With an error it returns those that were measured before it.
func (s *evaluation) measure(ctx context.Context, wanted []Metric) (scores Scores, missing []Absent, err error) {
	if item := s.images.Item(); !item.Equal(s.img) {
		return nil, nil, fmt.Errorf("eval: images of %v, want %v as the model was built for", item, s.img)
	}
	for _, m := range wanted {
		if s.task != nil && s.task.Known != nil {
			if known, ok := s.task.Known(m); ok {
				scores = append(scores, known)
				continue
			}
		}
		m.Unit, m.About = medium.Reword(s.img, m.Unit), medium.Reword(s.img, m.About)
		s.metric = m.Name
		start := time.Now()
		r, err := m.measure(ctx, s)
		switch {
		case err != nil:
			return scores, missing, fmt.Errorf("eval: %s: %w", m.Name, err)
		case r.absent != "":
			missing = append(missing, Absent{m, medium.Reword(s.img, r.absent)})
			continue
		case math.IsNaN(r.value) || math.IsInf(r.value, 0):
			bad := &NonFiniteError{Metric: strings.TrimPrefix(m.Name, "test_"), Value: r.value, Last: s.images.Len() - 1, Cause: errors.New("too large for float32")}
			return scores, missing, fmt.Errorf("eval: %w", bad)
		}
		score := Score{Metric: m, Value: r.value, StdErr: r.stdErr, Units: r.units, Images: r.images, Note: r.note, Took: time.Since(start)}
		scores = append(scores, score)
		if s.task != nil && s.task.Measured != nil {
			if err := s.task.Measured(score); err != nil {
				return scores, missing, err
			}
		}
	}
	return scores, missing, nil
}

// progress reports how far the computation of the current metric is.
func (s *evaluation) progress(done, total int) {
	if s.task != nil && s.task.Progress != nil {
		s.task.Progress(s.metric, done, total)
	}
}

// chunkImages is the number of images that are held as floats at a time.
const chunkImages = 2048

// eachChunk calls f on all images, at most chunkImages at a time.
func eachChunk(images data.Items, f func(at int, part data.Items) error) error {
	for at := 0; at < images.Len(); at += chunkImages {
		part, err := imageRange(images, at, min(chunkImages, images.Len()-at))
		if err == nil {
			err = f(at, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eachReconstruction calls f for chunks of the test items, in turn, with the values of n items and of their reconstructions.
func (s *evaluation) eachReconstruction(ctx context.Context, f func(n int, x, decoded []float32) error) error {
	return eachChunk(s.images, func(at int, part data.Items) error {
		decoded, err := s.session.Reconstruct(ctx, part)
		if err != nil {
			return err
		}
		x, err := data.AllFloats(ctx, part)
		if err != nil {
			return err
		}
		if err := f(part.Len(), x, decoded); err != nil {
			return err
		}
		s.progress(at+part.Len(), s.images.Len())
		return nil
	})
}

// imageRange returns images at … at+n−1.
func imageRange(images data.Items, at, n int) (data.Items, error) {
	index := make([]int, n)
	for i := range index {
		index[i] = at + i
	}
	return data.Subset(images, index)
}

// A mean computes the mean and the variance of numbers as they come. Welford 1962.
type mean struct {
	n            int
	sum, squares float64 // squares of the distance from the running mean
}

// add takes one more number into account.
func (m *mean) add(v float64) {
	m.n++
	before := 0.0
	if m.n > 1 {
		before = m.sum / float64(m.n-1)
	}
	m.sum += v
	m.squares += (v - before) * (v - m.value())
}

// value returns the mean of the numbers.
func (m *mean) value() float64 { return m.sum / float64(m.n) }

// variance returns the variance of the numbers, with n in the denominator.
func (m *mean) variance() float64 { return m.squares / float64(m.n) }

// stdErr returns the standard error of the mean, s/√n; 0 for one number.
func (m *mean) stdErr() float64 {
	if m.n < 2 {
		return 0
	}
	return math.Sqrt(m.squares / float64(m.n-1) / float64(m.n))
}
