package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/imago-ml/imago/backend"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/tensor"
)

// oneSample is the protocol of the metrics that one pass over the images gives.
const oneSample = "mean over all test images with one posterior sample each"

// madeBeside is the protocol of those of an adversarial model.
const madeBeside = "mean over all test images, an image made for each, by running statistics"

// An Evaluator measures a model whose parameters are in a state, such as that of
// a model in training. It is not safe for concurrent use, nor beside a program that
// trains on that state.
type Evaluator struct {
	model model.Model
	img   model.Image
	be    backend.Backend
	state backend.State

	batch            int
	program          backend.Program
	in, out          []*tensor.Tensor
	x, weight, words *tensor.Tensor // words is nil for a model that draws nothing
	labels           *tensor.Tensor // nil for one that takes none
	index            []int32
}

// batchOf is how many images a pass takes at a time. It is part of the protocol, as
// a sample is drawn by its place in the batch: 256, fewer for images above 4096 values.
func batchOf(img model.Image) int { return min(256, max(1, 1<<20/max(1, img.Size()))) }

// New compiles what the metrics need over st. in is what the model was built for.
func New(m model.Model, in model.Input, be backend.Backend, st backend.State) (*Evaluator, error) {
	e := &Evaluator{model: m, img: in.Image, be: be, state: st, batch: batchOf(in.Image)}
	p, err := e.compile(backend.Options{})
	if err != nil {
		return nil, err
	}
	e.program, e.index = p, make([]int32, e.batch)
	for _, s := range p.Inputs() {
		t := s.New()
		switch s.Name {
		case model.InputX:
			e.x = t
		case model.InputWeight:
			e.weight = t
		case model.InputKey:
			e.words = t
		case model.InputLabels:
			e.labels = t
		default:
			return nil, fmt.Errorf("eval: the model's eval takes %v: want x, labels, weight and key only", s)
		}
		e.in = append(e.in, t)
	}
	if e.x == nil || e.weight == nil {
		return nil, fmt.Errorf("eval: the model's eval takes %v: want x and weight among them", p.Inputs())
	}
	for _, s := range p.Outputs() {
		e.out = append(e.out, s.New())
	}
	return e, nil
}

func (e *Evaluator) compile(opt backend.Options) (backend.Program, error) {
	f, err := e.model.Eval(e.batch)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	p, err := e.be.Compile(f, e.state, opt)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	return p, nil
}

// term is a metric that the pass gives under the model's name for it.
func term(name string) func(context.Context, *subject) (float64, bool, error) {
	return func(ctx context.Context, s *subject) (float64, bool, error) {
		if err := s.onePass(ctx); err != nil {
			return 0, false, err
		}
		v, ok := s.means[name]
		return v, ok, nil
	}
}

// onePass measures the model's own terms. Batch k is images k·b to k·b+b−1 in their
// order, its samples drawn at the seed's key At(k); sums are in float64.
func (s *subject) onePass(ctx context.Context) error {
	if s.means != nil {
		return nil
	}
	if h, w, c := s.images.Shape(); (model.Image{H: h, W: w, C: c}) != s.img {
		return fmt.Errorf("images of %dx%dx%d, want %v as the model was built for", h, w, c, s.img)
	}
	outs := s.program.Outputs()
	sums, count := make([]float64, len(outs)), s.images.Len()
	for at, k := 0, uint64(0); at < count; at, k = at+s.batch, k+1 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(s.batch, count-at)
		if err := s.fill(ctx, at, n); err != nil {
			return err
		}
		if s.words != nil {
			words := s.key.At(k).Words()
			copy(s.words.I32(), words[:])
		}
		if err := s.program.Run(s.in, s.out); err != nil {
			return err
		}
		for i, o := range s.out {
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

// fill puts images at … at+n−1 into the batch; what is left of it has weight 0.
func (s *subject) fill(ctx context.Context, at, n int) error {
	w, x := s.weight.F32(), s.x.F32()
	for k := range n {
		s.index[k], w[k] = int32(at+k), 1
	}
	clear(w[n:])
	clear(x[n*s.img.Size():])
	if s.labels != nil {
		if err := data.FillLabels(s.images, s.index[:n], s.labels); err != nil {
			return err
		}
	}
	return data.Floats(ctx, s.images, s.index[:n], x)
}

// explain runs the batch again to name the first value that is not finite.
func (s *subject) explain() error {
	p, err := s.compile(backend.Options{CheckFinite: true})
	if err == nil {
		err = p.Run(s.in, s.out)
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

// Error is one line.
func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("%s of images %d to %d is %v: %v", e.Metric, e.First, e.Last, e.Value, e.Cause)
}

// Unwrap is Cause.
func (e *NonFiniteError) Unwrap() error { return e.Cause }
