package train

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/png"
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// An Observer follows a run: it draws pictures, prints lines or measures. Loop calls
// the methods of one Observer after another, in the order of Job.Observers, and waits
// for each. Embed Base to implement some of the methods only.
//
// An observer does not change the run: with other observers, or none, the weights are
// the same bits. So its random draws have keys of its own, made of the seed of the run.
//
// An error of a method ends the run. If ctx is done by then, the run is saved and Loop
// returns an InterruptedError, as it does between steps; else the error itself is
// returned, with the epoch or step.
type Observer interface {
	// Start is called once, before the first step of this process. v says where the run
	// stands: at its very start, or where a checkpoint has left it. An observer that
	// draws after each epoch draws here if v.EpochEnded, because the process before may
	// have ended before it could.
	Start(ctx context.Context, v *View) error
	// Step is called after each step of training. It should return within microseconds.
	Step(v *View, s Step)
	// Measure is called at the end of an epoch, after the metrics of every epoch were
	// measured. It may add metrics to line.Test before the line is logged; the same state
	// must give the same numbers.
	Measure(ctx context.Context, v *View, line *runlog.Line) error
	// Interval is called after the line of an interval of Config.LogSteps steps was
	// logged. ctx is not ended by an interruption.
	Interval(ctx context.Context, v *View, line runlog.Line) error
	// Epoch is called after the line of an epoch was logged and a checkpoint saved. It is
	// not called for epochs without a line.
	Epoch(ctx context.Context, v *View, line runlog.Line) error
	// Note is called for what is worth a line to the user at any time.
	Note(v *View, n Note)
	// Done is called once, when Loop is about to return err; nil if the run is complete.
	Done(v *View, err error) error
}

// A Step is what Observer.Step is given.
type Step struct {
	Images  int       // of the batch
	Metrics []float64 // of this step, in the order of View.StepMetrics; valid until Step returns
	Loss    float64   // the mean of the first metric over the epoch so far
}

// A Note is a line for the user.
type Note struct {
	Kind string // "phase", "measured", "rate", "stopped" or "warning"
	Text string
}

// Base is an Observer that does nothing.
type Base struct{}

// Start does nothing.
func (Base) Start(context.Context, *View) error { return nil }

// Step does nothing.
func (Base) Step(*View, Step) {}

// Measure does nothing.
func (Base) Measure(context.Context, *View, *runlog.Line) error { return nil }

// Interval does nothing.
func (Base) Interval(context.Context, *View, runlog.Line) error { return nil }

// Epoch does nothing.
func (Base) Epoch(context.Context, *View, runlog.Line) error { return nil }

// Note does nothing.
func (Base) Note(*View, Note) {}

// Done does nothing.
func (Base) Done(*View, error) error { return nil }

// A View is what an Observer may read of a run. Its methods are called from methods of
// the Observer only, except Session: its methods may be called at any time, also from
// other goroutines while the run trains.
type View struct{ t *trainer }

// Run returns the folder and the configuration of the run.
func (v *View) Run() *runlog.Run { return v.t.Run }

// Model returns the model.
func (v *View) Model() *model.Model { return v.t.Model }

// Data returns the images of the run.
func (v *View) Data() *data.Set { return v.t.Data }

// Backend returns the device.
func (v *View) Backend() backend.Backend { return v.t.Backend }

// Session runs functions of the model with its parameters as they are now.
func (v *View) Session() *latent.Session { return v.t.session }

// Evaluator measures the model as it is now; nil without test and validation images.
func (v *View) Evaluator() *eval.Evaluator { return v.t.eval }

// Measured returns the metrics that Config.Measure names, as they are called in the log:
// those of some epochs only.
func (v *View) Measured() []eval.Metric {
	if v.t.evaluation == nil {
		return nil
	}
	metrics := slices.Clone(v.t.evaluation.metrics)
	for i := range metrics {
		metrics[i].Name = v.t.evaluation.logName(metrics[i].Name)
	}
	return metrics
}

// StepMetrics returns the names of the metrics of a step of the current phase.
func (v *View) StepMetrics() []string { return v.t.step.names }

// Phase returns the current phase of training.
func (v *View) Phase() runlog.Phase { return v.t.phase }

// Epoch returns the number of the last epoch that has ended, 0 before the first. The
// last one of a run by steps may be partial.
func (v *View) Epoch() int { return v.t.lastEpoch() }

// EpochInProgress returns the number of the epoch to which the next step belongs, from 1.
func (v *View) EpochInProgress() int { return v.t.at.Epoch + 1 }

// Step returns the number of optimiser updates done.
func (v *View) Step() int64 { return v.t.at.Step }

// Images returns the number of images that the run has been trained on.
func (v *View) Images() int64 { return v.t.at.Images }

// EpochImages returns how many of these belong to the epoch in progress.
func (v *View) EpochImages() int64 { return v.t.at.EpochImages }

// EpochEnded reports whether the run stands at the end of an epoch, or before the
// first, and has not yet begun the next one.
func (v *View) EpochEnded() bool {
	t := v.t
	initialised := t.at.Epoch == t.phase.First && t.sums.Initialised > t.phase.Index
	return t.at.EpochImages == 0 && !initialised || t.sums.Evaluated && t.finished()
}

// Finished reports whether the run has all its epochs or steps, or has ended early.
func (v *View) Finished() bool { return v.t.finished() }

// Resumed returns the folder of the checkpoint from which the run goes on; "" if it
// started in this process.
func (v *View) Resumed() string { return v.t.resumed }

// Processes returns the processes that have trained the run, in their order. Unless there
// was nothing left to train, the last is this one, up to now.
func (v *View) Processes() []runlog.Process {
	if t := v.t; t.recording && t.processes[len(t.processes)-1].Ended == "" {
		t.processes[len(t.processes)-1].At(t.at.Step)
	}
	return slices.Clone(v.t.processes)
}

// WaitedShare returns the share of the training time of the last epoch, in this
// process, that was spent waiting for images to be read, from 0 to 1.
func (v *View) WaitedShare() float64 { return v.t.waitedShare }

// LogImage adds a PNG to the event file of TensorBoard, at the current step.
func (v *View) LogImage(name string, b []byte) error {
	c, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("train: image %s: %w", name, err)
	}
	channels := 3
	if c.ColorModel == color.GrayModel {
		channels = 1
	}
	v.t.log.Image(v.t.at.Step, name, c.Height, c.Width, channels, b)
	v.t.heedEvents()
	return nil
}

// maxHistogram bounds the values of a histogram: of more, some at equal distances are taken.
const maxHistogram = 1 << 16

// LogHistograms adds the distributions of all weights to the event file of TensorBoard, and
// that of codes, (N, Z), if there are any.
func (v *View) LogHistograms(codes []float32) error {
	step := v.t.at.Step
	for _, p := range v.t.Model.Params {
		values, err := v.t.runner.Get(p.Name)
		if err != nil {
			return fmt.Errorf("train: %w", err)
		}
		v.t.log.Histogram(step, "weights/"+p.Name, someOf(values.F32()))
	}
	if len(codes) > 0 {
		v.t.log.Histogram(step, "codes", someOf(codes))
	}
	v.t.heedEvents()
	return nil
}

// someOf returns at most maxHistogram of values, at equal distances.
func someOf(values []float32) []float32 {
	if len(values) <= maxHistogram {
		return values
	}
	some := make([]float32, maxHistogram)
	for i := range some {
		some[i] = values[i*len(values)/maxHistogram]
	}
	return some
}

// Notify calls Note of all observers. A warning is also recorded with the process, in the folder of the run.
func (v *View) Notify(kind, text string) {
	if t := v.t; kind == "warning" && t.recording {
		p := &t.processes[len(t.processes)-1]
		p.Warnings = append(p.Warnings, text)
	}
	for _, o := range v.t.observers {
		o.Note(v, Note{kind, text})
	}
}

// observe calls a method of each observer, one after another. An error is returned with
// the place in the run; if ctx is done, the run is saved and the error is that of an
// interruption.
func (t *trainer) observe(ctx context.Context, place string, call func(o Observer) error) error {
	for _, o := range t.observers {
		if err := call(o); err != nil && ctx.Err() != nil {
			return t.interrupt()
		} else if err != nil {
			return fmt.Errorf("train: %s: %w", place, err)
		}
	}
	return nil
}
