package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/interrupt"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// stepsPerLine is the number of steps over which a step line has the means.
const stepsPerLine = 100

// Loop trains until Config.Epochs or Config.Steps are done. It goes on from the newest
// good checkpoint of the run, or starts if there is none. In a run that is complete it
// calls Start and Done of the observers only.
//
// When ctx is done it saves a checkpoint and returns an *InterruptedError. A number
// that is not finite ends it with a *DivergedError.
func Loop(ctx context.Context, j Job) (res Result, err error) {
	started := time.Now()
	var t *trainer
	err = interrupt.Within(ctx, func() (err error) {
		t, err = newTrainer(j)
		return err
	}, func(err error) {
		if err == nil {
			t.close() // of no interest any more
		}
	})
	if err != nil && err == context.Cause(ctx) {
		return Result{}, &InterruptedError{Run: j.Run.Dir, Recipe: j.Run.Config.Recipe}
	}
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	res.Last, err = t.train(ctx)
	if e := t.endProcess(err); e != nil {
		err = errors.Join(err, e)
	}
	for _, o := range t.observers {
		if e := o.Done(&t.view, err); e != nil {
			err = errors.Join(err, e)
		}
	}
	res.Epochs, res.Steps, res.Images = t.at.Epoch, t.at.Step, t.at.Images
	res.Checkpoint, res.Seconds = t.checkpoint, time.Since(started).Seconds()
	if best, e := ckpt.Best(t.manager.Folder()); e == nil {
		res.Best = t.manager.Folder().Path(best.Name)
	}
	if there, e := j.Run.Folder().Exists(runlog.ReportFile); e == nil && there {
		res.Report = j.Run.Path(runlog.ReportFile)
	}
	return res, err
}

// train runs the loop. Everything that it needs to be continued in another process is in
// t.at and t.sums. It returns the line of the last epoch.
func (t *trainer) train(ctx context.Context) (last runlog.Line, err error) {
	for _, l := range slices.Backward(t.lines) {
		if l.Kind == runlog.EpochLine {
			last = l
			break
		}
	}
	err = t.observe(ctx, fmt.Sprintf("after epoch %d", t.lastEpoch()), func(o Observer) error {
		if err := o.Start(ctx, &t.view); err != nil {
			return err
		}
		for _, e := range t.skipped {
			o.Note(&t.view, Note{"warning", e.Error()})
		}
		return nil
	})
	t.heedEvents()
	t.savedAt = time.Now()
	for err == nil && !t.finished() {
		if err = t.enterPhase(ctx); err == nil {
			last, err = t.trainPhase(ctx, last)
		}
	}
	return last, err
}

// trainPhase trains to the end of the phase that was entered. last is the line of the
// last epoch that has one.
func (t *trainer) trainPhase(ctx context.Context, last runlog.Line) (runlog.Line, error) {
	f, err := newFeed(feedConfig{
		images: t.Data.Labelled(t.Data.Train), batchSize: t.batchSize, seed: t.config.Seed, flip: t.config.Flip, shift: t.config.Shift,
		epoch: t.at.Epoch, at: int(t.at.EpochImages), epochs: t.phase.End,
		labelled: t.labelled, newCall: t.step.newCall,
	})
	if err != nil {
		return last, err
	}
	defer f.stop()
	metrics := make([]float64, len(t.step.names))
	for t.at.Epoch < t.phase.End && !t.finished() {
		var epoch, window stopwatch
		started := time.Now()
		for t.at.EpochImages < int64(t.Data.Train.Len()) && !t.trained() {
			if ctx.Err() != nil {
				return last, t.interrupt()
			}
			if err := t.trainStep(f, metrics, &epoch, &window); err != nil {
				return last, err
			}
			if err := t.afterStep(ctx, metrics, &window); err != nil {
				return last, err
			}
		}
		if t.skipsLine() {
			t.nextEpoch()
			if t.checkpointDue() {
				if err := t.save(); err != nil {
					return last, err
				}
			}
			continue
		}
		line, err := t.endEpoch(ctx, &epoch, started)
		if err != nil {
			return last, err
		}
		last = line
		err = t.observe(ctx, fmt.Sprintf("after epoch %d", t.lastEpoch()), func(o Observer) error { return o.Epoch(ctx, &t.view, line) })
		if err != nil {
			return last, err
		}
		if rate := t.step.rate(t.at.Epoch); t.step.schedule.Plateau() != nil && rate != line.LR && !line.Stopped {
			t.view.Notify("rate", fmt.Sprintf("%s no longer improves: the learning rate is %.4g from here, it was %.4g", t.monitored(), rate, line.LR))
		}
		if line.Stopped {
			t.view.Notify("stopped", t.view.StoppedEarly())
		}
	}
	return last, nil
}

// trainStep runs the step of the next batch and adds its metrics to the sums.
func (t *trainer) trainStep(f *feed, metrics []float64, epoch, window *stopwatch) error {
	start := time.Now()
	b := f.next()
	waited := time.Since(start)
	if b.err != nil {
		return errors.Join(b.err, t.save())
	}
	bad, err := t.step.run(b, t.at.Step, t.Data.Train.Len(), metrics)
	if err != nil {
		return fmt.Errorf("train: epoch %d, step %d: %w", t.at.Epoch+1, t.at.Step, err)
	}
	if bad != nil {
		return t.diverged(bad.metric, bad.value, explain(b))
	}
	images := b.n
	f.release(b)
	t.at.Step++
	t.at.Images += int64(images)
	t.at.EpochImages += int64(images)
	t.sums.Evaluated = false
	t.sums.Epoch.add(images, metrics)
	t.sums.Window.add(images, metrics)
	t.sums.Interval.add(images, metrics)
	took := time.Since(start)
	epoch.add(images, took, waited)
	window.add(images, took, waited)
	t.interval.add(images, took, waited)
	step := Step{Images: images, Metrics: metrics, Loss: t.sums.Epoch.Metrics[0] / float64(t.sums.Epoch.Images)}
	for _, o := range t.observers {
		o.Step(&t.view, step)
	}
	return nil
}

// afterStep logs and saves what is due after a step.
func (t *trainer) afterStep(ctx context.Context, metrics []float64, window *stopwatch) error {
	if t.at.Step%stepsPerLine == 0 {
		err := t.append(t.line(runlog.StepLine, &t.sums.Window, window))
		t.sums.Window.reset()
		*window = stopwatch{}
		if err != nil {
			return err
		}
	}
	if every := int64(t.config.LogSteps); every > 0 && t.at.Step%every == 0 {
		if err := t.endInterval(ctx, metrics); err != nil {
			return err
		}
	}
	if t.at.EpochImages < int64(t.Data.Train.Len()) && !t.trained() && t.checkpointDue() {
		return t.save()
	}
	return nil
}

// checkpointDue reports whether it is time for a checkpoint within an epoch.
func (t *trainer) checkpointDue() bool {
	c := t.config.Checkpoints
	return c.Steps > 0 && t.at.Step%c.Steps == 0 || c.Seconds > 0 && time.Since(t.savedAt).Seconds() >= c.Seconds
}

func (t *trainer) line(kind string, s *sum, w *stopwatch) runlog.Line {
	return runlog.Line{
		Kind: kind, Phase: t.phase.Name, Epoch: t.at.Epoch + 1, Step: t.at.Step, Images: t.at.Images, LR: t.step.rate(t.at.Epoch),
		Train: s.means(t.step.names), ImagesPerSec: w.rate(), Waited: w.waited.Seconds(), Seconds: w.busy.Seconds(),
	}
}

// endInterval logs an interval of Config.LogSteps steps, whose last step had those
// metrics. It is not interrupted, so that a checkpoint of this step has a whole log.
func (t *trainer) endInterval(ctx context.Context, metrics []float64) error {
	ctx = context.WithoutCancel(ctx)
	place := fmt.Sprintf("step %d", t.at.Step)
	line := t.line(runlog.IntervalLine, &t.sums.Interval, &t.interval)
	line.LastStep = map[string]float64{}
	for i, name := range t.step.names {
		line.LastStep[name] = metrics[i]
	}
	if err := t.addFindings(ctx, &line); err != nil {
		return fmt.Errorf("train: %s: %w", place, err)
	}
	t.lines = append(t.lines, line)
	if err := t.append(line); err != nil {
		return err
	}
	t.sums.Interval.reset()
	t.interval = stopwatch{}
	return t.observe(ctx, place, func(o Observer) error { return o.Interval(ctx, &t.view, line) })
}

// endEpoch evaluates, logs and saves the epoch whose last step, or that of the run, is
// done.
func (t *trainer) endEpoch(ctx context.Context, w *stopwatch, started time.Time) (runlog.Line, error) {
	place := fmt.Sprintf("epoch %d", t.at.Epoch+1)
	line := t.line(runlog.EpochLine, &t.sums.Epoch, w)
	line.Partial = t.at.EpochImages < int64(t.Data.Train.Len())
	if err := t.evaluate(ctx, &line); err != nil {
		return line, err
	}
	line.Stopped = t.compare(&line).stops // what is measured at the end is due
	err := t.observe(ctx, place, func(o Observer) error { return o.Measure(ctx, &t.view, &line) })
	if err != nil {
		return line, err
	}
	outcome := t.compare(&line) // also by what was measured
	line.Best, line.Stopped = outcome.best, outcome.stops
	if err := t.addFindings(ctx, &line); err != nil && ctx.Err() != nil {
		return line, t.interrupt()
	} else if err != nil {
		return line, fmt.Errorf("train: %s: %w", place, err)
	}
	t.accept(outcome)
	line.Seconds = time.Since(started).Seconds()
	t.waitedShare = w.waitedShare()
	t.lines = append(t.lines, line)
	if line.Partial {
		t.sums.Evaluated = true // more of the epoch may follow
	} else {
		t.nextEpoch()
	}
	if err := t.append(line); err != nil {
		return line, err
	}
	return line, t.save()
}

// evaluate adds the metrics of the validation images and of the test images to the line
// of an epoch.
func (t *trainer) evaluate(ctx context.Context, line *runlog.Line) error {
	for _, part := range []struct {
		data.Split
		prefix string // of the names of its metrics
		to     *map[string]float64
	}{{t.Data.Validation, validationPrefix, &line.Validation}, {t.Data.Test, testPrefix, &line.Test}} {
		if part.Len() == 0 {
			continue
		}
		scores, err := t.eval.Evaluate(ctx, t.Data.Labelled(part.Split), t.config.Seed)
		var bad *eval.NonFiniteError
		switch {
		case errors.As(err, &bad) && t.phase.Last:
			return t.diverged(part.prefix+bad.Metric, bad.Value, err)
		case errors.As(err, &bad): // a later phase sets what this one has not trained
			return nil
		case err != nil && ctx.Err() != nil:
			return t.interrupt()
		case err != nil:
			return fmt.Errorf("train: epoch %d: %w", t.at.Epoch+1, err)
		}
		metrics := map[string]float64{}
		for name, v := range scores.Map() {
			metrics[part.prefix+strings.TrimPrefix(name, testPrefix)] = v
		}
		if !t.phase.Last { // it is what the last phase minimises: no other is compared by it
			delete(metrics, part.prefix+model.Loss)
		}
		*part.to = metrics
		if part.prefix == testPrefix {
			line.UnitKL = scores.Units()[eval.KLPerUnit]
		}
	}
	return nil
}

// addFindings adds to a line how various generated images are, and what the diagnosis
// finds.
func (t *trainer) addFindings(ctx context.Context, line *runlog.Line) error {
	if !t.phase.Last {
		return nil
	}
	var err error
	if slices.Contains(t.step.names, model.DLoss) && t.session.HasPrior() && t.config.EndsInterval(line) {
		if line.Generated, err = t.measureDiversity(ctx); err != nil {
			return err
		}
	}
	line.Warnings, err = t.diagnose(ctx, *line)
	return err
}

// interrupt saves the run as it is and returns the error of an interruption.
func (t *trainer) interrupt() error {
	if err := t.save(); err != nil {
		return err
	}
	return &InterruptedError{Run: t.Run.Dir, Recipe: t.config.Recipe, Checkpoint: t.checkpoint, Epoch: t.at.Epoch, Step: t.at.Step}
}

// trained reports whether the last step of the run is done.
func (t *trainer) trained() bool {
	if t.config.BySteps() {
		return t.at.Step >= int64(t.config.Steps)
	}
	return t.at.Epoch >= t.config.Epochs
}

// finished reports whether the run is complete, and its last epoch, if it is partial,
// has a line, or has ended early.
func (t *trainer) finished() bool {
	return t.stoppedEarly() || t.trained() && (t.at.EpochImages == 0 || t.sums.Evaluated || t.at.Epoch >= t.config.TotalEpochs())
}

// skipsLine reports whether the epoch that has ended has no line, in a run by steps
// with intervals of which none ended in it.
func (t *trainer) skipsLine() bool {
	return !t.trained() && t.at.Epoch+1 != t.phase.End && !t.config.DueEvery(1, t.at.Epoch+1, t.at.Step)
}

func (t *trainer) nextEpoch() {
	t.at.Epoch++
	t.at.EpochImages = 0
	t.sums.Epoch.reset()
}

// lastEpoch returns the number of the last epoch that has a line, 0 before the first.
func (t *trainer) lastEpoch() int {
	if t.sums.Evaluated {
		return t.at.Epoch + 1
	}
	return t.at.Epoch
}

// A stopwatch counts images and the time that training on them took, of which some was
// spent waiting for them to be read.
type stopwatch struct {
	images       int
	busy, waited time.Duration
}

func (w *stopwatch) add(images int, took, waited time.Duration) {
	w.images += images
	w.busy += took
	w.waited += waited
}

// rate returns images per second, 0 without any.
func (w *stopwatch) rate() float64 {
	if w.busy <= 0 {
		return 0
	}
	return float64(w.images) / w.busy.Seconds()
}

// waitedShare returns the share of the time that was spent waiting.
func (w *stopwatch) waitedShare() float64 {
	if w.busy <= 0 {
		return 0
	}
	return w.waited.Seconds() / w.busy.Seconds()
}
