package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A stepper is the compiled function of one step of training, and the operands that all
// batches share.
type stepper struct {
	program        *exec.Program
	key, lr, epoch *tensor.Tensor
	keys           rng.Key  // of step s: keys.At(s)
	names          []string // of the metrics

	phase    runlog.Phase
	base     float64 // learning rate before the schedule
	schedule optim.Schedule
	plateau  optim.PlateauState // of a schedule that follows the loss
}

func (t *trainer) newStepper(phase runlog.Phase) (*stepper, error) {
	c := t.config
	s := &stepper{
		key: tensor.New(tensor.Int32, 4), lr: tensor.New(tensor.Float32), epoch: tensor.New(tensor.Float32),
		keys: rng.New(c.Seed).Split("step"), phase: phase, base: c.LR,
	}
	var err error
	if s.schedule, err = optim.ParseSchedule(c.Schedule); err != nil {
		return nil, err
	}
	f, err := phase.Step(t.batchSize)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if s.program, err = t.runner.Compile(f); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	semi := t.Model.Supervision != nil
	_, measures := t.Data.Item().Medium.(medium.Measurer)
	has := map[string]bool{
		model.InputKey: true, model.InputLR: true, model.InputEpoch: true,
		model.InputX: true, model.InputWeight: true, model.InputLabels: len(c.Data.Labels) > 0, model.InputLabelledX: semi, model.InputLabelledY: semi,
		model.InputMeasures: measures,
	}
	for _, in := range s.program.Inputs() {
		if !has[in.Name] {
			return nil, fmt.Errorf("train: %s takes %v, which a step of training does not have", f.Name, in)
		}
	}
	for _, o := range s.program.Outputs() {
		if o.Shape.Size() != 1 {
			return nil, fmt.Errorf("train: %s returns %v: want scalar metrics", f.Name, o)
		}
		s.names = append(s.names, o.Name)
	}
	if len(s.names) == 0 {
		return nil, errors.New("train: the model's step returns no metric: want the loss at least")
	}
	return s, nil
}

// newCall returns the operands of the program with the images of a batch.
func (s *stepper) newCall(b *batch) (*exec.Call, error) {
	c := s.program.NewCall()
	for name, t := range map[string]*tensor.Tensor{
		model.InputKey: s.key, model.InputLR: s.lr, model.InputEpoch: s.epoch,
		model.InputX: b.x, model.InputWeight: b.weight, model.InputLabels: b.labels, model.InputLabelledX: b.labelledX, model.InputLabelledY: b.labelledY,
	} {
		if err := c.Bind(name, t); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
	}
	return c, nil
}

// A nonFinite is a metric of a step that is NaN or infinite.
type nonFinite struct {
	metric string
	value  float64
}

// run runs one step on b, the step-th of the run, in an epoch of that many images. It
// sets metrics to the values of names.
func (s *stepper) run(b *batch, step int64, images int, metrics []float64) (*nonFinite, error) {
	words := s.keys.At(uint64(step)).Words()
	copy(s.key.I32(), words[:])
	s.epoch.F32()[0] = float32(float64(b.epoch-s.phase.First) + float64(b.at)/float64(images))
	s.lr.F32()[0] = float32(s.rate(b.epoch))
	if err := b.call.Run(); err != nil {
		return nil, err
	}
	for i, o := range b.call.Outputs() {
		v := float64(o.F32()[0])
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &nonFinite{s.names[i], v}, nil
		}
		metrics[i] = v
	}
	return nil, nil
}

// rate returns the learning rate of an epoch of the run, from 0.
func (s *stepper) rate(epoch int) float64 {
	if s.schedule.Plateau() != nil {
		return s.plateau.Rate(s.base)
	}
	return s.schedule.At(s.base, epoch-s.phase.First, s.phase.End-s.phase.First)
}

// explain runs the step again on the same batch, checked, to name the layer. The
// update that was not finite has left the state as it was.
func explain(b *batch) error {
	if err := b.call.FirstNonFinite(); err != nil {
		return err
	}
	return errors.New("no layer was found: when the step ran again, every value was finite")
}

// diverged returns the error of a number that is not finite.
func (t *trainer) diverged(metric string, v float64, cause error) error {
	e := &DivergedError{
		Run: t.Run.Dir, Recipe: t.config.Recipe, Epoch: t.at.Epoch + 1, Step: t.at.Step,
		Metric: metric, Value: v, LR: t.config.LR, Extremes: t.Model.Extremes, Cause: cause,
	}
	if f, err := ckpt.Latest(t.manager.Folder()); err == nil {
		e.Checkpoint = t.manager.Folder().Path(f.Name)
	}
	return e
}
