package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// stepsALine is how many steps a step line is the mean of.
const stepsALine = 100

var nan = math.NaN()

// Loop trains until Config.Epochs or Config.Steps are done. It goes on from the newest good
// checkpoint of the run, or starts if there is none; a run that is done already
// gets its pictures drawn again.
//
// When ctx is done it saves a checkpoint and returns an *InterruptedError. A number
// that is not finite ends it with a *DivergedError.
func Loop(ctx context.Context, j Job) (res Result, err error) {
	begun := time.Now()
	t, err := newTrainer(j)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	j.Reporter.begin(j.Run, j.Model.Objective, t.params())
	if !t.fresh {
		j.Reporter.Println("resumed   ", fmt.Sprintf("%s: %s and %s of the next", t.lastDir, plural(t.at.Epoch, "whole epoch"), plural(int(t.at.EpochImages), "image")))
		if unit := unit(&j.Run.Config); t.done() {
			j.Reporter.Println("          ", fmt.Sprintf("all its %s are done: more --%[1]s take it further", unit))
		}
	}
	res.Last, err = t.train(ctx)
	res.Epochs, res.Steps, res.Images = t.at.Epoch, t.at.Step, t.at.Images
	res.Checkpoint, res.Seconds = t.lastDir, time.Since(begun).Seconds()
	if best, e := ckpt.Best(t.manager.Dir()); e == nil {
		res.Best = best
	}
	if _, e := os.Stat(j.Run.Path(runlog.ReportFile)); e == nil {
		res.Report = j.Run.Path(runlog.ReportFile)
	}
	return res, err
}

// train returns the loop. All that it needs to be taken up again is in t.at and t.sums.
func (t *trainer) train(ctx context.Context) (last runlog.Line, err error) {
	if last, err = t.beforeTraining(ctx); err != nil {
		return last, err
	}
	t.Reporter.start(t.Run.Config.TotalImages() - t.at.Images)
	defer t.Reporter.stop()
	t.saved = time.Now()
	for err == nil && !t.done() {
		if err = t.enter(ctx); err == nil {
			last, err = t.trainStage(ctx, last)
		}
	}
	return last, err
}

// trainStage trains to the end of the stage that was entered. last is the line of
// the last whole epoch.
func (t *trainer) trainStage(ctx context.Context, last runlog.Line) (runlog.Line, error) {
	c, n := &t.Run.Config, int64(t.Data.Train.Len())
	f := newFeed(plan{
		images: t.Data.Labelled(t.Data.Train), size: t.size, seed: c.Seed, epoch: t.at.Epoch, at: int(t.at.EpochImages), epochs: t.stage.End, flip: c.Flip,
		labelled: t.few, makeInputs: t.step.inputs,
	})
	defer f.stop()
	metrics := make([]float64, len(t.step.names))
	for t.at.Epoch < t.stage.End && !t.done() {
		var epoch, window clock
		begun := time.Now()
		for t.at.EpochImages < n && !t.trained() {
			if ctx.Err() != nil {
				return last, t.interrupt()
			}
			start := time.Now()
			b := f.next()
			waited := time.Since(start)
			if b.err != nil {
				return last, errors.Join(b.err, t.save())
			}
			bad, err := t.step.run(b, t.at.Step, int(n), metrics)
			if err != nil {
				return last, fmt.Errorf("train: epoch %d, step %d: %w", t.at.Epoch+1, t.at.Step, err)
			}
			if bad != nil {
				return last, t.diverged(bad.metric, bad.value, t.step.explain(t.Backend, t.state, b))
			}
			images := b.n
			f.giveBack(b)
			t.at.Step++
			t.at.Images += int64(images)
			t.at.EpochImages += int64(images)
			t.sums.Judged = false
			t.sums.Epoch.add(images, metrics)
			t.sums.Window.add(images, metrics)
			t.sums.Interval.add(images, metrics)
			took := time.Since(start)
			epoch.add(images, took, waited)
			window.add(images, took, waited)
			t.span.add(images, took, waited)
			t.Reporter.step(c, t.at.Epoch+1, t.stage.Name, images, t.sums.Epoch.Metrics[0]/float64(t.sums.Epoch.Images))

			if t.at.Step%stepsALine == 0 {
				if err := t.stepLine(&window); err != nil {
					return last, err
				}
			}
			if every := int64(c.LogSteps); every > 0 && t.at.Step%every == 0 {
				if err := t.interval(ctx, metrics); err != nil {
					return last, err
				}
			}
			if t.at.EpochImages < n && !t.trained() && t.due() {
				if err := t.save(); err != nil {
					return last, err
				}
			}
		}
		if t.passOver() {
			if t.due() {
				if err := t.save(); err != nil {
					return last, err
				}
			}
			continue
		}
		line, err := t.endEpoch(ctx, &epoch, begun)
		if err != nil {
			return last, err
		}
		last = line
		if err := t.draw(ctx, t.epoch(), t.done()); err != nil {
			return last, err
		}
	}
	return last, nil
}

// beforeTraining draws what an earlier process may have been stopped before it could
// draw. It returns the line of the last whole epoch.
func (t *trainer) beforeTraining(ctx context.Context) (last runlog.Line, err error) {
	lines, err := runlog.ReadLog(t.Run.Dir)
	if err != nil {
		return last, err
	}
	t.judged = slices.DeleteFunc(lines, func(l runlog.Line) bool { return l.Kind == runlog.StepLine })
	if epochs := runlog.Epochs(t.judged); len(epochs) > 0 {
		last = epochs[len(epochs)-1]
	}
	entered := t.at.Epoch == t.stage.First && t.sums.Begun > t.stage.Index // and all was drawn before
	if t.at.EpochImages == 0 && !entered || t.sums.Judged && t.done() {
		err = t.draw(ctx, t.epoch(), t.done())
	}
	return last, err
}

// A clock counts images and the time that training on them took, of which some was
// spent waiting until they were read.
type clock struct {
	images       int
	busy, waited time.Duration
}

func (c *clock) add(images int, took, waited time.Duration) {
	c.images += images
	c.busy += took
	c.waited += waited
}

func (c *clock) rate() float64 {
	if c.busy <= 0 {
		return 0
	}
	return float64(c.images) / c.busy.Seconds()
}

// share returns the part of the time that was spent waiting.
func (c *clock) share() float64 {
	if c.busy <= 0 {
		return 0
	}
	return c.waited.Seconds() / c.busy.Seconds()
}

// due says whether it is time for a checkpoint within an epoch.
func (t *trainer) due() bool {
	p := t.Run.Config.Checkpoints
	return p.Steps > 0 && t.at.Step%p.Steps == 0 || p.Seconds > 0 && time.Since(t.saved).Seconds() >= p.Seconds
}

func (t *trainer) line(kind string, s *sum, c *clock) runlog.Line {
	return runlog.Line{
		Kind: kind, Phase: t.stage.Name, Epoch: t.at.Epoch + 1, Step: t.at.Step, Images: t.at.Images, LR: t.step.rate(t.at.Epoch),
		Train: s.means(t.step.names), ImagesPerSec: c.rate(), Waited: c.waited.Seconds(), Seconds: c.busy.Seconds(),
	}
}

func (t *trainer) stepLine(c *clock) error {
	err := t.logs.Append(t.line(runlog.StepLine, &t.sums.Window, c))
	t.sums.Window.reset()
	*c = clock{}
	return err
}

// endEpoch judges, logs and saves the epoch whose last step, or the run's, is done.
func (t *trainer) endEpoch(ctx context.Context, c *clock, begun time.Time) (runlog.Line, error) {
	line := t.line(runlog.EpochLine, &t.sums.Epoch, c)
	line.Partial = t.at.EpochImages < int64(t.Data.Train.Len())
	if t.eval != nil {
		scores, err := t.eval.Evaluate(ctx, t.Data.Labelled(t.Data.Test), t.Run.Config.Seed)
		var bad *eval.NonFiniteError
		switch {
		case errors.As(err, &bad) && t.stage.Last:
			return line, t.diverged("test_"+bad.Metric, bad.Value, err)
		case errors.As(err, &bad): // a later stage will set what this one leaves as it is
		case err != nil && ctx.Err() != nil:
			return line, t.interrupt()
		case err != nil:
			return line, fmt.Errorf("train: epoch %d: %w", t.at.Epoch+1, err)
		default:
			line.Test, line.UnitKL = scores.Map(), scores.Units()[eval.KLPerUnit]
		}
	}
	if t.stage.Last && t.gauge.due(&t.Run.Config, line) {
		if err := t.measure(ctx, &line); err != nil && ctx.Err() != nil {
			return line, t.interrupt()
		} else if err != nil {
			return line, fmt.Errorf("train: epoch %d: %w", t.at.Epoch+1, err)
		}
	}
	if !t.stage.Last { // it is what the last stage minimises: no other is to be compared by it
		delete(line.Test, eval.TestLoss)
	}
	if t.watches() && t.Run.Config.EndsInterval(&line) {
		var err error
		if line.Generated, err = t.look(ctx); err != nil && ctx.Err() != nil {
			return line, t.interrupt()
		} else if err != nil {
			return line, fmt.Errorf("train: epoch %d: %w", t.at.Epoch+1, err)
		}
	}
	if t.stage.Last {
		var err error
		if line.Warnings, err = t.diagnose(ctx, line); err != nil && ctx.Err() != nil {
			return line, t.interrupt()
		} else if err != nil {
			return line, fmt.Errorf("train: epoch %d: %w", t.at.Epoch+1, err)
		}
	}
	line.Best = t.best(line)
	line.Seconds = time.Since(begun).Seconds()
	t.judged = append(t.judged, line)
	if line.Partial {
		t.sums.Judged = true // what is left of it may follow
	} else {
		t.nextEpoch()
	}
	if err := t.logs.Append(line); err != nil {
		return line, err
	}
	if err := t.save(); err != nil {
		return line, err
	}
	t.Reporter.epoch(&t.Run.Config, line, c.share())
	return line, nil
}

// interrupt saves the run as it is and says so.
func (t *trainer) interrupt() error {
	if err := t.save(); err != nil {
		return err
	}
	return t.interrupted()
}

func (t *trainer) interrupted() error {
	return &InterruptedError{Run: t.Run.Dir, Recipe: t.Run.Config.Recipe, Checkpoint: t.lastDir, Epoch: t.at.Epoch, Step: t.at.Step}
}
