package train

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// report writes report.html from the log and the pictures that are there.
func (a *artist) report(t *trainer) error {
	lines, err := runlog.ReadLog(a.run.Dir)
	if err != nil {
		return err
	}
	epochs := runlog.Epochs(lines)
	c := &a.run.Config
	r := viz.Report{
		Title:    fmt.Sprintf("%s on %s", c.Recipe, c.Data.Name),
		Subtitle: t.Model.Objective,
		Figures:  figures(epochs, t.metrics(), t.params()),
		Epochs:   epochTable(epochs, t.metrics()),
		Facts:    a.facts(t, epochs),
		Next:     a.next(),
		Footer:   "imago " + t.at.Imago + ", " + c.Go,
	}
	if s := warnings(lines); s.Text != "" {
		r.Sections = append(r.Sections, s)
	}
	stills, err := a.fixedSheets()
	if err != nil {
		return err
	}
	for _, s := range a.sections(stills) {
		if err := a.load(&s); err != nil {
			return err
		}
		if len(s.Pictures) > 0 {
			r.Sections = append(r.Sections, s)
		}
	}
	return atomicfile.Write(a.run.Path(runlog.ReportFile), func(w io.Writer) error { return viz.WriteReport(w, r) })
}

// load reads the pictures of a section, whose Data hold their file's name. Those
// that this model does not have are left out.
func (a *artist) load(s *viz.Section) error {
	var there []viz.Picture
	for _, p := range s.Pictures {
		b, err := os.ReadFile(a.path(string(p.Data)))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		p.Data = b
		there = append(there, p)
	}
	s.Pictures = there
	return nil
}

// mostStills is how many sheets of one noise are shown.
const mostStills = 8

// sections returns those of pictures; stills are the files of the sheets of one noise.
func (a *artist) sections(stills []string) []viz.Section {
	pic := func(file, title, caption, alt string, wide bool) viz.Picture {
		return viz.Picture{Title: title, Caption: caption, Alt: alt, Data: []byte(file), Wide: wide}
	}
	samples := viz.Section{Title: "What it makes", Pictures: []viz.Picture{
		pic("samples.png", "Samples", "Drawn from the model's prior: images that nobody drew.", "sheet of samples drawn from the prior", false),
		pic("classes.png", "Classes", "A class a row; down a column the same draw from the prior: what is left to the code when the class is given is style.", "sheet of samples, a class a row, a draw a column", false),
		pic("found.png", "Classes of its own", "Images that the model drew, in the row of the class that it finds them to be of.", "sheet of samples, a class of the model's own a row", false),
		pic("reconstructions.png", "Reconstructions", "Test images, each above what is left of it after encoding and decoding. Look for what the code had no room for.",
			"test images above their reconstructions", false),
	}}
	if !a.prior {
		samples.Text = "This model is deterministic: no prior says where its codes lie, so codes drawn at random have no meaning and there are no samples."
	}
	noise := viz.Section{Title: "From one noise", Pictures: []viz.Picture{
		pic(fixedName+".gif", "How they came about", "The same noise all along, from before training on.", "animation of what one noise becomes", false),
		pic(freshName+".png", "Fresh noise", "Drawn anew each time: beside the others it shows how far the images are of one kind.", "sheet of images of fresh noise", false),
	}}
	for _, name := range thinned(stills, mostStills) {
		file, step := filepath.Base(name), int64(0)
		fmt.Sscanf(file, fixedName+"-step-%d", &step) // it was found by this name
		noise.Pictures = append(noise.Pictures, pic(file, "Step "+thousands(float64(step)), "", "sheet of images of the same noise after step "+thousands(float64(step)), false))
	}
	units, curve := "The units that differ most among images, varied one at a time while all others are 0.",
		"Means over the epoch's images while they were trained on, and over the test images after it. Test above train and rising: it learns the images by heart."
	if !a.encodes() {
		units = "The first units, varied one at a time while all others are 0."
	}
	if a.contest {
		curve = "Means over the images between two points, and over the test images at the end of an epoch. Losses of a contest swing, and do not fall: look for a discriminator that tells all images apart, gradients that go to 0 or grow without end, and images that are all alike."
	}
	space := viz.Section{Title: "The latent space", Pictures: []viz.Picture{
		pic("scatter.png", "Codes of test images", "The mean of each test image's code, marked by class. Classes that lie apart were told apart without labels.",
			"scatter of the codes of test images by class", false),
		pic("manifold-10x10.png", "Manifold, 10×10", "Each place decoded: neighbours in the latent space are neighbours in looks.", "ten by ten images decoded from a grid of codes", false),
		pic("manifold.png", "Manifold, 30×30", "The same, wider and finer.", "thirty by thirty images decoded from a grid of codes", true),
		pic("units.png", "Single units", units, "sheet of images, a latent unit varied along each row", true),
		pic("manifold.gif", "How it came about", "Before training and after each epoch.", "animation of what the codes decode to over the epochs", false),
	}}
	curves := viz.Section{Title: "Training", Pictures: []viz.Picture{
		pic("curves.png", "Curves", curve,
			"curves of the loss and its terms over the epochs", true),
	}}
	network := viz.Section{Title: "The network"}
	for _, n := range a.session.Model().Networks { // encoder, decoder, whole
		network.Pictures = append(network.Pictures, pic(networkFile(n.Name), n.Name, fmt.Sprintf("%s parameters", thousands(float64(n.Params()))), "diagram of the layers of "+n.Name, false))
	}
	return []viz.Section{samples, noise, space, curves, network}
}

// warnings returns a section of all that was noticed while training.
func warnings(lines []runlog.Line) viz.Section {
	var told []string
	for _, l := range lines {
		when := fmt.Sprintf("epoch %d", l.Epoch)
		if l.Kind == runlog.IntervalLine {
			when = "step " + thousands(float64(l.Step))
		}
		for _, w := range l.Warnings {
			told = append(told, fmt.Sprintf("After %s: %s.", when, w.Text))
		}
	}
	return viz.Section{Title: "What to change", Text: strings.Join(told, "\n\n")}
}

func figures(epochs []runlog.Line, metrics []eval.Metric, params int) []viz.KV {
	var f []viz.KV
	if len(epochs) > 0 {
		last := epochs[len(epochs)-1]
		for _, m := range metrics {
			if v, ok := last.Test[m.Name]; ok {
				text := fmt.Sprintf("%.2f", v)
				if math.Abs(v) < 0.1 { // a σ that has gone to zero
					text = fmt.Sprintf("%.2g", v)
				}
				f = append(f, viz.KV{Key: strings.TrimSuffix(m.Name+", "+m.Unit, ", "), Value: text})
			}
		}
		f = append(f, viz.KV{Key: "epochs", Value: fmt.Sprint(last.Epoch)}, viz.KV{Key: "steps", Value: thousands(float64(last.Step))})
	}
	return append(f, viz.KV{Key: "parameters", Value: thousands(float64(params))})
}

func epochTable(epochs []runlog.Line, metrics []eval.Metric) viz.Table {
	t := viz.Table{Title: "Epochs", Columns: []string{"epoch", "step"}}
	if len(epochs) == 0 {
		return viz.Table{}
	}
	staged := epochs[0].Phase != ""
	if staged {
		t.Columns = append(t.Columns, "stage")
	}
	has := func(name string, of func(l runlog.Line) map[string]float64) bool { // stages may differ
		return slices.ContainsFunc(epochs, func(l runlog.Line) bool { _, ok := of(l)[name]; return ok })
	}
	var train, test []string
	for _, p := range slices.Concat(panels, gradients) {
		if has(p.term, func(l runlog.Line) map[string]float64 { return l.Train }) {
			train = append(train, p.term)
			t.Columns = append(t.Columns, "train "+p.term)
		}
	}
	for _, m := range metrics {
		if has(m.Name, func(l runlog.Line) map[string]float64 { return l.Test }) {
			test = append(test, m.Name)
			t.Columns = append(t.Columns, m.Name)
		}
	}
	t.Columns = append(t.Columns, "images/s", "seconds")
	for _, l := range epochs {
		epoch := fmt.Sprint(l.Epoch)
		if l.Partial {
			epoch += ", cut"
		}
		row := []string{epoch, fmt.Sprint(l.Step)}
		if staged {
			row = append(row, l.Phase)
		}
		add := func(names []string, from map[string]float64) {
			for _, name := range names {
				cell := ""
				if v, ok := from[name]; ok {
					cell = fmt.Sprintf("%.3f", v)
				}
				row = append(row, cell)
			}
		}
		add(train, l.Train)
		add(test, l.Test)
		t.Rows = append(t.Rows, append(row, thousands(l.ImagesPerSec), fmt.Sprintf("%.1f", l.Seconds)))
	}
	return t
}

func (a *artist) facts(t *trainer, epochs []runlog.Line) []viz.KV {
	c := &a.run.Config
	f := []viz.KV{
		{Key: "recipe", Value: c.Recipe},
		{Key: "model", Value: c.Kind + " " + string(c.Model)},
		{Key: "data", Value: fmt.Sprintf("%s: %s training and %s test images of %v", c.Data.Source, thousands(float64(c.Data.Train)), thousands(float64(c.Data.Test)), c.Data.Item)},
		{Key: "digest of the data", Value: c.Data.Digest},
		{Key: unit(c), Value: fmt.Sprint(max(c.Epochs, c.Steps))},
		{Key: "batch", Value: fmt.Sprint(c.Batch)},
		{Key: "learning rate", Value: fmt.Sprint(c.LR)},
		{Key: "seed", Value: fmt.Sprint(c.Seed)},
		{Key: "backend", Value: t.Backend.Name()},
	}
	for _, m := range t.metrics() {
		if len(epochs) == 0 {
			break
		}
		if _, ok := epochs[len(epochs)-1].Test[m.Name]; ok {
			f = append(f, viz.KV{Key: m.Name, Value: strings.TrimSuffix(m.About+", in "+m.Unit, ", in ")})
		}
	}
	return f
}

func (a *artist) next() []string {
	c, dir := &a.run.Config, a.run.Dir
	next := []string{fmt.Sprintf("imago train %s --resume %s %s", c.Recipe, dir, further(c))}
	if a.prior {
		next = append(next, "imago sample "+dir+" -n 64")
	}
	if a.decodes() && a.labels == 0 && !a.noisy() {
		next = append(next, "imago manifold "+dir)
	}
	if a.encodes() {
		next = append(next, "imago scatter "+dir)
	}
	return append(next, "tensorboard --logdir "+a.run.Path(runlog.EventsDir))
}
