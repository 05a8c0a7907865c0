package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A stepper is the compiled function of one step of training, and its operands.
type stepper struct {
	fn      *graph.Func
	program backend.Program
	out     []*tensor.Tensor
	shared  map[string]*tensor.Tensor // operands that are the same for every batch
	keys    rng.Key                   // of step s: keys.At(s)
	names   []string                  // of the metrics

	stage    runlog.Phase
	base     float64 // learning rate before the schedule
	schedule optim.Schedule
}

func newStepper(j Job, st backend.State, size int, of runlog.Phase) (*stepper, error) {
	c := &j.Run.Config
	s := &stepper{keys: rng.New(c.Seed).Split("step"), stage: of, base: c.LR, shared: map[string]*tensor.Tensor{
		model.InputKey: tensor.New(tensor.Int32, 4), model.InputLR: tensor.New(tensor.Float32), model.InputEpoch: tensor.New(tensor.Float32),
	}}
	semi := j.Model.Supervision != nil
	given := map[string]bool{model.InputX: true, model.InputWeight: true, model.InputLabels: len(c.Data.Labels) > 0,
		model.InputLabelledX: semi, model.InputLabelledY: semi}
	var err error
	if s.schedule, err = optim.ParseSchedule(c.Schedule); err != nil {
		return nil, err
	}
	if s.fn, err = of.Step(size); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if s.program, err = j.Backend.Compile(s.fn, st, backend.Options{}); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	for _, in := range s.program.Inputs() {
		if s.shared[in.Name] == nil && !given[in.Name] {
			return nil, fmt.Errorf("train: %s takes %v, which a step of training does not have", s.fn.Name, in)
		}
	}
	for _, o := range s.program.Outputs() {
		if o.Shape.Size() != 1 {
			return nil, fmt.Errorf("train: %s returns %v: want scalar metrics", s.fn.Name, o)
		}
		s.names = append(s.names, o.Name)
		s.out = append(s.out, o.New())
	}
	if len(s.names) == 0 {
		return nil, errors.New("train: the model's step gives no metric: want the loss at least")
	}
	return s, nil
}

// inputs returns the operands of the program with the images of one batch.
func (s *stepper) inputs(b *batch) []*tensor.Tensor {
	own := map[string]*tensor.Tensor{model.InputX: b.x, model.InputWeight: b.weight, model.InputLabels: b.labels,
		model.InputLabelledX: b.fewX, model.InputLabelledY: b.fewY}
	var in []*tensor.Tensor
	for _, spec := range s.program.Inputs() {
		in = append(in, cmp.Or(own[spec.Name], s.shared[spec.Name]))
	}
	return in
}

// A fault is a metric of a step that is not finite.
type fault struct {
	metric string
	value  float64
}

// run returns one step on b, the step-th of the run, of an epoch of that many images.
// metrics gets the values of names.
func (s *stepper) run(b *batch, step int64, images int, metrics []float64) (*fault, error) {
	words := s.keys.At(uint64(step)).Words()
	copy(s.shared[model.InputKey].I32(), words[:])
	s.shared[model.InputEpoch].F32()[0] = float32(float64(b.epoch-s.stage.First) + float64(b.at)/float64(images))
	s.shared[model.InputLR].F32()[0] = float32(s.rate(b.epoch))
	if err := s.program.Run(b.in, s.out); err != nil {
		return nil, err
	}
	for i, o := range s.out {
		v := float64(o.F32()[0])
		if !finite(v) {
			return &fault{s.names[i], v}, nil
		}
		metrics[i] = v
	}
	return nil, nil
}

// rate returns the learning rate of an epoch of the run, from 0.
func (s *stepper) rate(epoch int) float64 {
	return s.schedule.At(s.base, epoch-s.stage.First, s.stage.End-s.stage.First)
}

// explain runs the step again on the same batch, checked, to name the layer. The
// model has kept its state as it was before.
func (s *stepper) explain(be backend.Backend, st backend.State, b *batch) error {
	p, err := be.Compile(s.fn, st, backend.Options{CheckFinite: true})
	if err == nil {
		err = p.Run(b.in, s.out)
	}
	if err == nil {
		err = errors.New("no layer could be blamed: run again, every value was finite")
	}
	return err
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// diverged returns the error of a number that is not finite.
func (t *trainer) diverged(metric string, v float64, cause error) error {
	c := &t.Run.Config
	e := &DivergedError{Run: t.Run.Dir, Recipe: c.Recipe, Epoch: t.at.Epoch + 1, Step: t.at.Step, Metric: metric, Value: v, LR: c.LR, Cause: cause}
	if f, err := ckpt.Latest(t.manager.Dir()); err == nil {
		e.Checkpoint = f.Dir
	}
	return e
}
