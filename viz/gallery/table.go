package gallery

import (
	"context"
	"fmt"
	"image"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// The sections of the report, in their order.
const (
	sectionTraining = "Training"
	sectionSamples  = "Generated images"
	sectionNoise    = "From the same noise"
	sectionLatent   = "The latent space"
	sectionNetwork  = "The network"
)

var sections = []string{sectionTraining, sectionSamples, sectionNoise, sectionLatent, sectionNetwork}

// table returns the pictures of the package, in the order in which they are drawn and
// stand in their sections.
func table(s *Snapshot) []Picture {
	units := "The latent units that tell most of an image, each varied while all others are 0."
	if !s.HasEncoder() {
		units = "The latent units that change an image most, each varied while all others are 0."
	}
	pictures := []Picture{
		{Name: "scatter", Section: sectionLatent, Title: "Codes of test images", Draw: drawScatter,
			Caption: "The mean of each test image's code, coloured by class. The model was not given the classes of clusters that lie apart.",
			Alt:     "scatter of the codes of test images by class"},
		{Name: "manifold-10x10", Section: sectionLatent, Title: manifoldTitle(s, coarseSide), Draw: drawManifold(coarseSide, 3),
			Caption: "A grid of codes, decoded: near codes give similar images.", Alt: "images decoded from a coarse grid of codes"},
		{Name: "manifold", Section: sectionLatent, Title: manifoldTitle(s, fineSide), Draw: drawFineManifold, Wide: true, LogImage: true,
			Caption: "The same, wider and finer.", Alt: "images decoded from a fine grid of codes"},
		{Name: "units", Section: sectionLatent, Title: "Single units", Draw: drawUnits, Wide: true, LogImage: true,
			Caption: units, Alt: "sheet of images, a latent unit varied along each line"},
		{Name: "samples", Section: sectionSamples, Title: "Samples", Draw: drawSamples, LogImage: true,
			Caption: "Drawn from the model's prior: images that are in no data set.", Alt: "sheet of samples drawn from the prior"},
		{Name: "classes", Section: sectionSamples, Title: "Classes", Draw: drawClasses, LogImage: true,
			Caption: "A class a row, the same noise down a column: with the class given, the code holds the style.", Alt: "sheet of samples, a class a row, a draw a column"},
		{Name: "found", Section: sectionSamples, Title: "Classes found by the model", Draw: drawFoundClasses, LogImage: true,
			Caption: "Generated images, in the row of the class that the model gives them.", Alt: "sheet of samples, a row for each class that the model finds"},
		{Name: "reconstructions", Section: sectionSamples, Title: "Reconstructions", Draw: drawReconstructions, LogImage: true,
			Caption: "Test images, each above its reconstruction: encoded and decoded. The code has no room for what is lost.", Alt: "test images above their reconstructions"},
		{Name: freshName, Section: sectionNoise, Title: "Fresh noise", LogImage: true,
			Caption: "From other noise each time: beside the others it shows how various the images are.", Alt: "sheet of images from fresh noise"},
		{Name: fixedName, LogImage: true},
		{Name: "curves", Draw: drawCurves, OnlyLatest: true}, // the report has its charts
	}
	for i := range pictures {
		p := &pictures[i]
		p.Title, p.Caption, p.Alt = s.reword(p.Title), s.reword(p.Caption), s.reword(p.Alt)
	}
	for _, n := range s.session.Model().Networks { // the diagrams do not change
		p := Picture{
			Name: "network-" + runlog.CleanName(n.Name), Section: sectionNetwork, Title: n.Name, OnlyLatest: true,
			Caption: english.Thousands(float64(n.Params())) + " parameters", Alt: "diagram of the layers of " + n.Name,
		}
		if !s.has(p.Name + ".png") {
			p.Draw = drawNetwork(n)
		}
		pictures = append(pictures, p)
	}
	return pictures
}

// manifoldTitle returns the title of a manifold of so many images a side, or as many as fit.
func manifoldTitle(s *Snapshot, most int) string {
	n := s.fit(planeItems, 3, most)
	return fmt.Sprintf("Manifold, %d×%d", n, n)
}

func drawNetwork(n nn.Network) func(context.Context, *Snapshot) (image.Image, error) {
	return func(context.Context, *Snapshot) (image.Image, error) { return viz.Network(netLayers(n), n.Name) }
}

// netLayers returns a network as a diagram shows it: the batch axis is None, and the
// input of a layer is the output of its inputs.
func netLayers(n nn.Network) []viz.NetLayer {
	shape := func(dims []int) string {
		t := "(None"
		for _, d := range dims[min(1, len(dims)):] {
			t += fmt.Sprintf(", %d", d)
		}
		return t + ")"
	}
	outputs := map[string]string{}
	var layers []viz.NetLayer
	for _, l := range n.Layers {
		v := viz.NetLayer{Name: l.Name, Kind: l.Kind, Out: shape(l.Out), Params: l.Params, Inputs: l.Inputs}
		for i, in := range l.Inputs {
			if i > 0 {
				v.In += ", "
			}
			v.In += outputs[in]
		}
		if len(l.Inputs) == 0 {
			v.In = v.Out
		}
		outputs[l.Name] = v.Out
		layers = append(layers, v)
	}
	return layers
}
