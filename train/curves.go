package train

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// A shown metric is a term of the log in pictures and tables, where the log has it.
type shown struct{ term, title, unit string }

// slopes are the terms of an adversarial model whose curves are drawn besides.
var slopes = []shown{
	{model.DGradNorm, "gradient of the discriminator", "length"},
	{model.GGradNorm, "gradient of the generator", "length"},
	{model.DInputGrad, "slope of the discriminator", "length, in the pixels"},
	{model.DPenalty, "penalty of the slope", nats},
}

// varieties are how various the images are that it makes.
var varieties = []shown{{Spread, "two images", ""}, {Nearest, "nearest image", ""}}

// panels are the terms whose curves are drawn.
var panels = []shown{
	{model.Loss, "loss", nats},
	{model.Reconstruction, "reconstruction", nats},
	{model.KL, "KL", nats},
	{model.DLoss, "discriminator's loss", nats},
	{model.DAccuracy, "discriminator's accuracy", "share of images"},
	{model.GLoss, "generator's loss", nats},
	{"active_units", "active units", "units"},
	{"mean_sigma", "mean σ of q(z|x)", ""},
}

const nats = "nats per image"

// gradients are in the table of epochs besides.
var gradients = append([]shown{{term: model.GradNorm}}, slopes...)

// curves draws those of the run so far.
func (a *artist) curves() error {
	lines, err := runlog.ReadLog(a.run.Dir)
	if err != nil {
		return err
	}
	ps := curvePanels(&a.run.Config, a.measured, lines)
	if len(ps) == 0 {
		return nil
	}
	img, err := viz.Panels(ps, min(len(ps), 3))
	if err != nil {
		return err
	}
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	return a.writeFile(a.path("curves.png"), b)
}

// curvePanels returns the terms over the epochs, or the steps of a run that has intervals
// of them, of training and of test images.
func curvePanels(c *runlog.Config, measured []eval.Metric, lines []runlog.Line) []viz.Panel {
	epochs, x := runlog.Epochs(lines), axis{"epoch", func(l runlog.Line) float64 { return float64(l.Epoch) }}
	spans := epochs // of training
	if c.LogSteps > 0 {
		x = axis{"step", func(l runlog.Line) float64 { return float64(l.Step) }}
		spans = slices.DeleteFunc(slices.Clone(lines), func(l runlog.Line) bool { return l.Kind == runlog.StepLine || !c.EndsInterval(&l) })
	} else if c.Steps > 0 { // whose last epoch may be cut
		x.at = func(l runlog.Line) float64 { return float64(l.Images) / float64(c.Data.Train) }
	}
	var ps []viz.Panel
	add := func(p shown, series ...[]viz.Series) {
		if all := slices.Concat(series...); len(all) > 0 {
			ps = append(ps, viz.Panel{CurveOptions: viz.CurveOptions{Title: p.title, XLabel: x.name, YLabel: p.unit}, Series: all})
		}
	}
	train := func(p shown) []viz.Series {
		return x.series("train", false, spans, func(l runlog.Line) (float64, bool) { v, ok := l.Train[p.term]; return v, ok })
	}
	test := func(name string) []viz.Series {
		return x.series("test", true, epochs, func(l runlog.Line) (float64, bool) { v, ok := l.Test[name]; return v, ok })
	}
	for _, p := range panels {
		add(p, train(p), test("test_"+p.term))
	}
	for _, p := range slopes {
		add(p, train(p))
	}
	var various [][]viz.Series
	for _, v := range varieties {
		various = append(various, x.series(v.title, false, spans, func(l runlog.Line) (float64, bool) { y, ok := l.Generated[v.term]; return y, ok }))
	}
	add(shown{title: "distance of images made", unit: "that of training images"}, various...)
	for _, m := range measured {
		add(shown{title: m.Name, unit: m.Unit}, test(m.Name))
	}
	add(shown{title: "KL of single units", unit: "nats per image"}, x.unitSeries(epochs))
	return ps
}

// An axis is what curves are drawn over.
type axis struct {
	name string
	at   func(l runlog.Line) float64
}

// series returns the curves of a number over the lines that have it, one a stage: from a
// stage to the next it may jump.
func (x axis) series(name string, dashed bool, epochs []runlog.Line, of func(l runlog.Line) (float64, bool)) []viz.Series {
	var all []viz.Series
	for i, l := range epochs {
		v, ok := of(l)
		if !ok {
			continue
		}
		if len(all) == 0 || l.Phase != epochs[i-1].Phase {
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

// fewUnits is how many units have a curve each.
const fewUnits = 8

// unitSeries returns curves of the KL of each unit, or, where there are many, of the unit
// at each quarter of their order by KL.
func (x axis) unitSeries(epochs []runlog.Line) []viz.Series {
	units := 0
	for _, l := range epochs {
		units = max(units, len(l.UnitKL))
	}
	var all []viz.Series
	add := func(name string, of func(kl []float64) float64) {
		all = append(all, x.series(name, false, epochs, func(l runlog.Line) (float64, bool) {
			if len(l.UnitKL) != units {
				return 0, false
			}
			return of(l.UnitKL), true
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

// netLayers returns a network as a diagram shows it: the batch axis is None, a layer's
// input is what its inputs give.
func netLayers(n nn.Network) []viz.NetLayer {
	shape := func(s tensor.Shape) string {
		t := "(None"
		for _, d := range s[min(1, len(s)):] {
			t += fmt.Sprintf(", %d", d)
		}
		return t + ")"
	}
	outs := map[string]string{}
	var layers []viz.NetLayer
	for _, l := range n.Layers {
		v := viz.NetLayer{Name: l.Name, Kind: l.Kind, Out: shape(l.Out), Params: l.Params, Inputs: l.Inputs}
		for i, in := range l.Inputs {
			if i > 0 {
				v.In += ", "
			}
			v.In += outs[in]
		}
		if len(l.Inputs) == 0 {
			v.In = v.Out
		}
		outs[l.Name] = v.Out
		layers = append(layers, v)
	}
	return layers
}
