package train

import (
	"fmt"

	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/tensor"
	"github.com/imago-ml/imago/viz"
)

// A shown metric is a term of the log in pictures and tables, where the log has it.
type shown struct{ term, title, unit string }

// panels are the terms whose curves are drawn.
var panels = []shown{
	{model.Loss, "loss", nats},
	{model.Reconstruction, "reconstruction", nats},
	{model.KL, "KL", nats},
	{model.DLoss, "discriminator's loss", nats},
	{model.DAccuracy, "discriminator's accuracy", "share of images"},
	{model.GLoss, "generator's loss", nats},
}

const nats = "nats per image"

// gradients are in the table of epochs besides.
var gradients = []shown{
	{term: model.GradNorm}, {term: model.DGradNorm}, {term: model.GGradNorm},
}

// curves draws the terms over the epochs, of training and of test images.
func (a *artist) curves() error {
	lines, err := ReadLog(a.run.Dir)
	if err != nil {
		return err
	}
	epochs := Epochs(lines)
	if len(epochs) == 0 {
		return nil
	}
	var ps []viz.Panel
	for _, p := range panels {
		var train, test viz.Series
		train.Name, test.Name, test.Dashed = "train", "test", true
		for _, l := range epochs {
			point(&train, l.Epoch, l.Train, p.term)
			point(&test, l.Epoch, l.Test, "test_"+p.term)
		}
		panel := viz.Panel{CurveOptions: viz.CurveOptions{Title: p.title, XLabel: "epoch", YLabel: p.unit}}
		for _, s := range []viz.Series{train, test} {
			if len(s.Y) > 0 {
				panel.Series = append(panel.Series, s)
			}
		}
		if len(panel.Series) > 0 {
			ps = append(ps, panel)
		}
	}
	img, err := viz.Panels(ps, len(ps))
	if err != nil {
		return err
	}
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	return a.writeFile(a.path("curves.png"), b)
}

// point adds a metric to a series if it was measured.
func point(s *viz.Series, epoch int, metrics map[string]float64, name string) {
	if v, ok := metrics[name]; ok {
		s.X, s.Y = append(s.X, float64(epoch)), append(s.Y, v)
	}
}

// netLayers is a network as a diagram shows it: the batch axis is None, a layer's
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
