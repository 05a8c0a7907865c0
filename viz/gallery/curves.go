package gallery

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// A curve is a metric of the log with the title and the unit of its panel.
type curve struct{ metric, title, unit string }

const nats = "nats per image"

// lossCurves are the terms of a loss.
var lossCurves = []curve{
	{model.Loss, "loss", nats},
	{model.Reconstruction, "reconstruction", nats},
	{model.KL, "KL", nats},
	{model.DLoss, "discriminator loss", nats},
	{model.DAccuracy, "discriminator accuracy", "share of images"},
	{model.GLoss, "generator loss", nats},
	{"active_units", "active units", "units"},
	{"mean_sigma", "mean σ of q(z|x)", ""},
}

// gradientCurves are the gradients of an adversarial model.
var gradientCurves = []curve{
	{model.DGradNorm, "gradient of the discriminator", "norm"},
	{model.GGradNorm, "gradient of the generator", "norm"},
	{model.DInputGrad, "input gradient of the discriminator", "norm, in the pixels"},
	{model.DPenalty, "gradient penalty", nats},
}

// diversityCurves are of the images that it generates.
var diversityCurves = []curve{{train.Spread, "two images", ""}, {train.Nearest, "nearest image", ""}}

// drawCurves returns the curves of the run so far, nil before the first epoch.
func drawCurves(_ context.Context, s *Snapshot) (image.Image, error) {
	log, err := s.log()
	if err != nil {
		return nil, err
	}
	panels := curvePanels(&s.run.Config, s.session.Item(), s.view.Measured(), log)
	if len(panels) == 0 {
		return nil, nil
	}
	return viz.Panels(panels, min(len(panels), 3))
}

// fewPoints is the number of points up to which a curve is drawn by the lines of steps
// instead, if the log has more of them.
const fewPoints = 8

// curveAxis returns the axis of the curves of a run, and the lines of training that are
// drawn over it: its epochs, or its intervals of steps. A run of few of them is drawn by
// the lines of its steps: a curve of one epoch would be a point.
func curveAxis(c *runlog.Config, lines, epochs []runlog.Line) (axis, []runlog.Line) {
	overSteps := axis{"step", func(l runlog.Line) float64 { return float64(l.Step) }}
	x, intervals := axis{"epoch", func(l runlog.Line) float64 { return float64(l.Epoch) }}, epochs
	if c.LogSteps > 0 {
		x, intervals = overSteps, slices.DeleteFunc(slices.Clone(lines), func(l runlog.Line) bool { return l.Kind == runlog.StepLine || !c.EndsInterval(&l) })
	} else if c.BySteps() { // its last epoch may be partial
		x.at = func(l runlog.Line) float64 { return float64(l.Images) / float64(c.Data.Train) }
	}
	if len(intervals) <= fewPoints {
		steps := slices.DeleteFunc(slices.Clone(lines), func(l runlog.Line) bool { return l.Kind != runlog.StepLine })
		if len(steps) > 1 && len(steps) >= 2*len(intervals) {
			return overSteps, steps
		}
	}
	return x, intervals
}

// curvesCaption says what the curves are and how they are read.
func curvesCaption(s *Snapshot) string {
	noun := s.noun()
	if s.adversarial {
		return fmt.Sprintf("Training: means over the %ss between two points. Test: means over the test %[1]ss at the end of an epoch. The losses of a GAN oscillate and need not fall. Look for an accuracy of 100 %%, gradients that go to 0 or grow without end, and %[1]ss that are all alike.", noun)
	}
	return fmt.Sprintf("Training: means over the %ss between two points. Test: means over the test %[1]ss after an epoch. A test curve that rises above a falling training curve shows overfitting.", noun)
}

// curvePanels returns the metrics of training and of test images over the epochs or the
// steps, and what is left out of the log.
func curvePanels(c *runlog.Config, it medium.Item, measured []eval.Metric, log *runlog.Thin) []viz.Panel {
	lines, epochs := log.Lines, runlog.Epochs(log.Lines)
	x, intervals := curveAxis(c, lines, epochs)
	var panels []viz.Panel
	note := log.Kinds[runlog.EpochLine].String()
	if len(intervals) > 0 && intervals[0].Kind != runlog.EpochLine {
		notes := []string{log.Kinds[intervals[0].Kind].String()}
		if note != "" {
			notes = append(notes, "of epochs "+note)
		}
		note = strings.Trim(strings.Join(notes, ", "), ", ")
	}
	add := func(p curve, series ...[]viz.Series) {
		if all := slices.Concat(series...); len(all) > 0 {
			panels = append(panels, viz.Panel{CurveOptions: viz.CurveOptions{Title: medium.Reword(it, p.title), XLabel: x.name, YLabel: medium.Reword(it, p.unit), Note: note}, Series: all})
		}
	}
	trainSeries := func(p curve) []viz.Series {
		return x.series("train", false, intervals, func(l runlog.Line) (float64, bool) { v, ok := l.Train[p.metric]; return v, ok })
	}
	judged := func(metric string) [][]viz.Series { // on the parts that are not trained on
		var all [][]viz.Series
		for _, p := range parts {
			series := x.series(p.of, true, epochs, func(l runlog.Line) (float64, bool) { return l.Metric(p.prefix + metric) })
			for i := range series {
				series[i].Color = p.color
			}
			all = append(all, series)
		}
		return all
	}
	for _, p := range lossCurves {
		add(p, append([][]viz.Series{trainSeries(p)}, judged(p.metric)...)...)
	}
	for _, p := range gradientCurves {
		add(p, trainSeries(p))
	}
	var diversity [][]viz.Series
	for _, p := range diversityCurves {
		diversity = append(diversity, x.series(medium.Reword(it, p.title), false, lines, func(l runlog.Line) (float64, bool) { v, ok := l.Generated[p.metric]; return v, ok }))
	}
	add(curve{title: "distance of generated images", unit: "that of training images"}, diversity...)
	for _, m := range measured {
		part := parts[0]
		if c.Data.Validation > 0 {
			part = parts[1]
		}
		add(curve{title: m.Name, unit: m.Unit}, x.series(part.of, true, epochs, func(l runlog.Line) (float64, bool) { return l.Metric(m.Name) }))
	}
	add(curve{title: "KL of single units", unit: nats}, x.unitSeries(epochs))
	return panels
}

// An axis is the quantity over which curves are drawn.
type axis struct {
	name string
	at   func(l runlog.Line) float64
}

// series returns the curves of a number over the lines that have it, one for each phase:
// at the start of a phase it may jump.
func (x axis) series(name string, dashed bool, lines []runlog.Line, value func(l runlog.Line) (float64, bool)) []viz.Series {
	var all []viz.Series
	for i, l := range lines {
		v, ok := value(l)
		if !ok {
			continue
		}
		if len(all) == 0 || l.Phase != lines[i-1].Phase {
			s := viz.Series{Name: name, Dashed: dashed}
			if l.Phase != "" {
				s.Name += ", " + l.Phase
			}
			all = append(all, s)
		}
		s := &all[len(all)-1]
		s.X, s.Y = append(s.X, x.at(l)), append(s.Y, v)
	}
	return all
}

// fewUnits is the number of units up to which each has a curve.
const fewUnits = 8

// unitSeries returns a curve of the KL of each unit. If there are many, it returns the
// quartiles of their KL.
func (x axis) unitSeries(epochs []runlog.Line) []viz.Series {
	units := 0
	for _, l := range epochs {
		units = max(units, len(l.UnitKL))
	}
	var all []viz.Series
	add := func(name string, value func(kl []float64) float64) {
		all = append(all, x.series(name, false, epochs, func(l runlog.Line) (float64, bool) {
			if len(l.UnitKL) != units {
				return 0, false
			}
			return value(l.UnitKL), true
		})...)
	}
	if units <= fewUnits {
		for u := range units {
			add(fmt.Sprintf("z[%d]", u), func(kl []float64) float64 { return kl[u] })
		}
		return all
	}
	for i, name := range []string{"largest", "upper quarter", "middle", "lower quarter", "smallest"} {
		add(name, func(kl []float64) float64 {
			order := slices.Sorted(slices.Values(kl))
			return order[(units-1)*(4-i)/4]
		})
	}
	return all
}
