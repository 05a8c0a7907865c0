package train

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// interval logs, tells and draws what a run by intervals of steps shows after each of
// them. metrics are those of the last step. It is not interrupted: what a checkpoint of
// this step finds in the log is whole.
func (t *trainer) interval(ctx context.Context, metrics []float64) error {
	ctx = context.WithoutCancel(ctx)
	line := t.line(runlog.IntervalLine, &t.sums.Interval, &t.span)
	line.LastStep = map[string]float64{}
	for i, name := range t.step.names {
		line.LastStep[name] = metrics[i]
	}
	if t.watches() {
		var err error
		if line.Generated, err = t.look(ctx); err != nil {
			return fmt.Errorf("train: step %d: %w", t.at.Step, err)
		}
	}
	if t.stage.Last {
		var err error
		if line.Warnings, err = t.diagnose(ctx, line); err != nil {
			return fmt.Errorf("train: step %d: %w", t.at.Step, err)
		}
	}
	t.judged = append(t.judged, line)
	if err := t.logs.Append(line); err != nil {
		return err
	}
	t.sums.Interval.reset()
	t.span = clock{}
	t.Reporter.interval(line)
	if t.Run.Config.Pictures < 0 {
		return nil
	}
	if err := t.artist(ctx, t.at.Epoch).frame(); err != nil {
		return fmt.Errorf("train: pictures of step %d: %w", t.at.Step, err)
	}
	return nil
}

// interval writes the line of an interval.
func (r *Reporter) interval(l runlog.Line) {
	if r == nil {
		return
	}
	r.Println(published(l))
	r.warn(l)
}

// published returns the line of an interval as GANs are published with it, of the values at
// that step and not of means; of another model it is like that of an epoch:
//
//	1000 [D loss: 0.130, acc.: 96.0%] [G loss: 3.39]
//	step 1,000  loss 161.2 (recon 155.9 + KL 5.3)
func published(l runlog.Line) string {
	if d, ok := l.LastStep[model.DLoss]; ok {
		apart := ""
		if v, ok := l.LastStep[model.DAccuracy]; ok { // a critic has none
			apart = fmt.Sprintf(", acc.: %.1f%%", 100*v)
		}
		return fmt.Sprintf("%d [D loss: %.3f%s] [G loss: %.2f]", l.Step, d, apart, l.LastStep[model.GLoss])
	}
	stage := ""
	if l.Phase != "" {
		stage = " " + l.Phase
	}
	return fmt.Sprintf("step %s%s  loss %s", thousands(float64(l.Step)), stage, terms(l.LastStep, model.Loss, model.Reconstruction, model.KL, "recon ", "KL "))
}
