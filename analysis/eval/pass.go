package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/models/model"
)

// oneSample is the protocol of the metrics that one pass over the images gives.
const oneSample = "mean over all test images with one posterior sample each"

// madeBeside is the protocol of those of an adversarial model.
const madeBeside = "mean over all test images, an image made for each, by running statistics"

// An Evaluator measures a model whose parameters are in a state, such as that of
// a model in training. It is not safe for concurrent use, nor beside a program that
// trains on that state.
type Evaluator struct {
	model   *model.Model
	img     model.Image
	be      backend.Backend
	state   backend.State
	session *latent.Session

	batch int
	terms *feed // of the model's own
}

// batchOf returns how many images a pass takes at a time. It is part of the protocol, as
// a sample is drawn by its place in the batch: 256, fewer for images above 4096 values.
func batchOf(img model.Image) int { return min(256, max(1, 1<<20/max(1, img.Size()))) }

// New compiles what the metrics of every epoch need over st. in is what the model
// was built for.
func New(m *model.Model, in model.Input, be backend.Backend, st backend.State) (*Evaluator, error) {
	e := &Evaluator{model: m, img: in.Image, be: be, state: st, session: latent.New(m, in, be, st), batch: batchOf(in.Image)}
	var err error
	if e.terms, err = e.compile(backend.Options{}); err != nil {
		return nil, err
	}
	if e.terms.weight == nil {
		return nil, fmt.Errorf("eval: the model's eval takes %v: want weight among them", e.terms.program.Inputs())
	}
	return e, nil
}

func (e *Evaluator) compile(opt backend.Options) (*feed, error) {
	f, err := e.model.Eval(e.batch)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	d, err := e.feed(f, opt)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	return d, nil
}

// term returns a metric that the pass gives under the model's name for it.
func term(name string) func(context.Context, *subject) (result, error) {
	return func(ctx context.Context, s *subject) (result, error) {
		if err := s.onePass(ctx); err != nil {
			return result{}, err
		}
		v, ok := s.means[name]
		if !ok {
			return absent("the model has no such term")
		}
		return result{value: v, images: s.images.Len()}, nil
	}
}

// onePass measures the model's own terms. Batch k is images k·b to k·b+b−1 in their
// order, its samples drawn at the seed's key At(k); sums are in float64.
func (s *subject) onePass(ctx context.Context) error {
	if s.means != nil {
		return nil
	}
	d := s.terms
	outs := d.program.Outputs()
	sums, count := make([]float64, len(outs)), s.images.Len()
	for at, k := 0, uint64(0); at < count; at, k = at+s.batch, k+1 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(s.batch, count-at)
		if err := d.fill(ctx, s.images, at, n); err != nil {
			return err
		}
		if err := d.run(s.key.At(k)); err != nil {
			return err
		}
		for i, o := range d.out {
			v := float64(o.F32()[0])
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return &NonFiniteError{Metric: strings.TrimSuffix(outs[i].Name, model.SumSuffix), Value: v, First: at, Last: at + n - 1, Cause: s.explain()}
			}
			sums[i] += v
		}
	}
	s.means = map[string]float64{}
	for i, o := range outs {
		s.means[strings.TrimSuffix(o.Name, model.SumSuffix)] = sums[i] / float64(count)
	}
	return nil
}

// explain runs the batch again to name the first value that is not finite.
func (s *subject) explain() error {
	d, err := s.compile(backend.Options{CheckFinite: true})
	if err == nil {
		err = d.program.Run(s.terms.in, s.terms.out)
	}
	if err == nil {
		err = errors.New("only the sum over the batch is not finite")
	}
	return err
}

// A NonFiniteError is an evaluation that did not give a number.
type NonFiniteError struct {
	Metric      string // the model's name for it
	Value       float64
	First, Last int   // the images of the batch
	Cause       error // a *backend.NonFiniteError that names the layer, if it was found
}

// Error returns one line.
func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("%s of images %d to %d is %v: %v", e.Metric, e.First, e.Last, e.Value, e.Cause)
}

// Unwrap returns Cause.
func (e *NonFiniteError) Unwrap() error { return e.Cause }
