package compare

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// Page writes the comparison as one HTML page that loads nothing from elsewhere. footer
// stands at its end.
func (c *Comparison) Page(ctx context.Context, w io.Writer, footer string) error {
	a, b := &c.Sides[0], &c.Sides[1]
	r := viz.Report{
		Title:    fmt.Sprintf("%s and %s", a.Name, b.Name),
		Subtitle: fmt.Sprintf(c.reword("Two models of %s side by side; distances between images are distances of %s."), c.Data, c.Space),
		Figures:  c.figures(),
		Epochs:   c.table(),
		Footer:   footer,
	}
	r.Sections = []viz.Section{{Title: "Summary", Text: c.Summary()}}
	for _, s := range []struct {
		title, text string
		draw        func(ctx context.Context, m *Measurements) (viz.Picture, error)
	}{
		{"The latent space", "The codes of test images, along the directions in which they vary most. A + is a draw of N(0, I): where the + and the codes do not overlap, N(0, I) gives codes that no image has.", c.scatter},
		{"Images decoded from N(0, I)", "", c.samples},
		{"Images decoded from a Gaussian fitted to the codes", "The same draws, scaled and shifted to the standard deviation and the mean of each unit's codes.", c.stretched},
		{"Reconstructions", "", c.reconstructions},
		{"Interpolations", "Straight lines between the codes of two test images.", c.paths},
	} {
		section := viz.Section{Title: c.reword(s.title), Text: c.reword(s.text)}
		for i := range c.Sides {
			p, err := s.draw(ctx, &c.Sides[i])
			if err != nil {
				return fmt.Errorf("compare: %s of %s: %w", s.title, c.Sides[i].Name, err)
			}
			section.Pictures = append(section.Pictures, p)
		}
		r.Sections = append(r.Sections, section)
	}
	training, err := c.training()
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	r.Sections = append(r.Sections, training...)
	for i := range c.Sides {
		s := &c.Sides[i]
		r.Facts = append(r.Facts,
			viz.KV{Key: s.Name, Value: s.Config.Recipe + " " + string(s.Config.Model)},
			viz.KV{Key: "its objective", Value: s.Session.Model().Objective},
			viz.KV{Key: "its data", Value: fmt.Sprintf(c.reword("%s %.12s, %d training images"), s.Config.Data.Source, s.Config.Data.Digest, s.Config.Data.Train)})
	}
	r.Facts = append(r.Facts,
		viz.KV{Key: c.reword("images generated"), Value: fmt.Sprintf(c.reword("%d by each model, compared with %d training images"), generatedImages, poolImages)},
		viz.KV{Key: "paths", Value: fmt.Sprintf("%d, in %d steps each", pathCount, pathSteps)})
	return viz.WriteReport(w, r)
}

// figures returns the numbers at the head of the page.
func (c *Comparison) figures() []viz.KV {
	var f []viz.KV
	for i := range c.Sides {
		m := &c.Sides[i]
		sigma := "none"
		if v := m.number(eval.MeanSigma); !math.IsNaN(v) {
			sigma = fmt.Sprintf("%.2g", v)
		}
		f = append(f, viz.KV{Key: m.Name + ": mean σ", Value: sigma})
		if math.IsNaN(m.PriorSamples.FID) {
			f = append(f, viz.KV{Key: m.Name + ": outliers among samples of N(0, I)", Value: fmt.Sprintf("%.0f %%", 100*m.PriorSamples.Outliers)})
		} else {
			f = append(f, viz.KV{Key: m.Name + ": FID of N(0, I)", Value: fmt.Sprintf("%.3g", m.PriorSamples.FID)})
		}
	}
	return f
}

// table returns all numbers of both models.
func (c *Comparison) table() viz.Table {
	a, b := &c.Sides[0], &c.Sides[1]
	t := viz.Table{Title: "Numbers", Columns: []string{"", a.Name, b.Name, "unit"}}
	cell := func(v float64) string {
		if math.IsNaN(v) {
			return "–"
		}
		return fmt.Sprintf("%.4g", v)
	}
	p := eval.Protocol{NLLSamples: 1, Generated: generatedImages}.On(c.set)
	for _, m := range p.Metrics() {
		va, vb := a.number(m.Name), b.number(m.Name)
		if !math.IsNaN(va) || !math.IsNaN(vb) {
			t.Rows = append(t.Rows, []string{m.Name, cell(va), cell(vb), c.reword(m.Unit)})
		}
	}
	row := func(name, unit string, value func(m *Measurements) float64) {
		t.Rows = append(t.Rows, []string{c.reword(name), cell(value(a)), cell(value(b)), c.reword(unit)})
	}
	row("standard deviation of the codes", "", func(m *Measurements) float64 { return m.Spread })
	row("FID of images from N(0, I)", "", func(m *Measurements) float64 { return m.PriorSamples.FID })
	row("outliers among images from N(0, I)", "share", func(m *Measurements) float64 { return m.PriorSamples.Outliers })
	row("their distance to the nearest training image", "of test images'", func(m *Measurements) float64 { return m.PriorSamples.Relative })
	row("FID of images from the fitted Gaussian", "", func(m *Measurements) float64 { return m.GaussianSamples.FID })
	row("outliers among images from the fitted Gaussian", "share", func(m *Measurements) float64 { return m.GaussianSamples.Outliers })
	row("their distance to the nearest training image", "of test images'", func(m *Measurements) float64 { return m.GaussianSamples.Relative })
	row("longest step of a path", "mean steps", func(m *Measurements) float64 { return m.Smoothness.LongestStep })
	row("longest step of a path, in pixels", "mean steps", func(m *Measurements) float64 { return m.Smoothness.LongestPixelStep })
	row("length of a path, in pixels", "distances of its ends", func(m *Measurements) float64 { return m.Smoothness.PixelLength })
	row("outliers on a path", "share", func(m *Measurements) float64 { return m.Smoothness.Outliers })
	return t
}

// picture returns p with img as PNG.
func picture(img image.Image, err error, p viz.Picture) (viz.Picture, error) {
	if err == nil {
		p.Data, err = viz.PNG(img)
	}
	return p, err
}

// scatter draws codes and draws of N(0, I), along the first two principal components if
// there are more than two units.
func (c *Comparison) scatter(_ context.Context, m *Measurements) (viz.Picture, error) {
	units := m.Session.Latent()
	n := min(scatterCodes, len(m.mean)/units)
	codes := m.mean[:n*units]
	prior := latent.SamplePrior(rng.New(0).Split("dots"), priorDots, units)
	note, points := "the one unit", make([][2]float32, 0, n+priorDots)
	xy := slices.Concat(codes, prior)
	opt := viz.ScatterOptions{XLabel: "z[0]", YLabel: "z[1]"}
	switch {
	case units == 2:
		note = "both units"
	case units > 2:
		pca, err := latent.FitPCA(m.mean, units, 2)
		if err != nil {
			return viz.Picture{}, err
		}
		xy = pca.Project(xy)
		note = fmt.Sprintf("two principal components of %d units, %.0f %% of the variance", units, 100*(pca.Variance[0]+pca.Variance[1])/pca.Total)
		opt.XLabel, opt.YLabel = "component 1", "component 2"
	}
	for i := range n + priorDots {
		p := [2]float32{}
		copy(p[:], xy[i*min(2, units):(i+1)*min(2, units)])
		points = append(points, p)
	}
	classes, labels := slices.Clone(c.set.Classes), []int32(nil)
	if len(classes) == 0 || c.set.Test.Labels == nil {
		classes, labels = []string{"x"}, make([]int32, n)
	} else {
		labels = slices.Clone(c.set.Test.Labels[:n])
	}
	for range priorDots {
		labels = append(labels, int32(len(classes)))
	}
	lo, hi := latent.AxisRange(xy)
	opt.Lo, opt.Hi = min(lo, -3), max(hi, 3)
	opt.Title = m.Name + ": " + note
	img, err := viz.Scatter(points, labels, append(classes, "+"), opt)
	return picture(img, err, viz.Picture{Title: m.Name, Alt: c.reword("scatter of the codes of test images by class, with draws of N(0, I)"),
		Caption: fmt.Sprintf("Standard deviation of the codes %.2g a unit; that of N(0, I) is 1.", m.Spread)})
}

// sheet draws images decoded from random codes, with their quality.
func (c *Comparison) sheet(m *Measurements, pix []float32, h SampleQuality, alt string) (viz.Picture, error) {
	s := m.Session.Item()
	img, err := viz.Grid(s, pix, 8, viz.GridOptions{})
	caption := fmt.Sprintf("%.0f %% of %d are outliers: farther from any training image than %.0f %% of the test images are.", 100*h.Outliers, generatedImages, 100*outlierQuantile)
	if !math.IsNaN(h.Relative) {
		caption += fmt.Sprintf(" Mean distance to the nearest: %.2f times that of test images.", h.Relative)
	}
	if !math.IsNaN(h.FID) {
		caption += fmt.Sprintf(" FID from the test images: %.3g.", h.FID)
	}
	return picture(img, err, viz.Picture{Title: m.Name, Alt: c.reword(alt), Caption: c.reword(caption)})
}

// samples draws images decoded from N(0, I).
func (c *Comparison) samples(_ context.Context, m *Measurements) (viz.Picture, error) {
	p, err := c.sheet(m, m.priorPixels, m.PriorSamples, "sheet of images decoded from N(0, I)")
	if !m.Prior {
		p.Caption += " The model was not trained to decode N(0, I)."
	}
	return p, err
}

// stretched draws images decoded from the Gaussian fitted to the codes.
func (c *Comparison) stretched(_ context.Context, m *Measurements) (viz.Picture, error) {
	return c.sheet(m, m.gaussianPixels, m.GaussianSamples, "sheet of images decoded from a Gaussian fitted to the codes")
}

// reconstructions draws the first test images above their reconstructions.
func (c *Comparison) reconstructions(ctx context.Context, m *Measurements) (viz.Picture, error) {
	n := min(shownReconstructions, c.test.Len())
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	some, err := data.Subset(c.test, index)
	if err != nil {
		return viz.Picture{}, err
	}
	back, err := m.Session.Reconstruct(ctx, some)
	if err != nil {
		return viz.Picture{}, err
	}
	s := m.Session.Item()
	x, at := make([]float32, n*s.Size()), make([]int32, n)
	for i := range at {
		at[i] = int32(i)
	}
	if err := data.Floats(ctx, some, at, x); err != nil {
		return viz.Picture{}, err
	}
	img, err := viz.Pairs(s, x, back, viz.PairsOptions{})
	return picture(img, err, viz.Picture{Title: m.Name, Alt: c.reword("test images above their reconstructions"),
		Caption: fmt.Sprintf("Mean squared error %.3g, PSNR %.3g dB.", m.number("test_mse"), m.number("test_psnr"))})
}

// paths draws images along straight lines between the codes of test images.
func (c *Comparison) paths(_ context.Context, m *Measurements) (viz.Picture, error) {
	s := m.Session.Item()
	rows := len(m.Smoothness.rows) / s.Size() / pathCols
	img, err := viz.Sheet(s, m.Smoothness.rows, rows, pathCols, viz.SheetOptions{})
	return picture(img, err, viz.Picture{Title: m.Name, Alt: c.reword("lines of images on the way from one test image to another"), Caption: fmt.Sprintf(
		c.reword("The longest of %d steps is %.2f times the mean one; %.0f %% of the images on the way are outliers. In pixels a path is %.2f times as long as the distance of its ends."),
		pathSteps, m.Smoothness.LongestStep, 100*m.Smoothness.Outliers, m.Smoothness.PixelLength)})
}

// training draws metrics over the epochs, as far as the logs have them.
func (c *Comparison) training() ([]viz.Section, error) {
	var panels []viz.Panel
	for _, curve := range []struct {
		metric, title, unit string
		log                 bool
	}{
		{eval.MeanSigma, "mean σ of q(z|x)", "", true},
		{"test_kl", "KL(q(z|x) ‖ p(z))", "nats per image", false},
		{eval.ActiveUnits, "active units", "units", false},
		{"test_reconstruction", "reconstruction", "nats per image", false},
	} {
		p := viz.Panel{CurveOptions: viz.CurveOptions{Title: curve.title, XLabel: "epoch", YLabel: c.reword(curve.unit), LogY: curve.log, YFromZero: !curve.log && curve.metric != "test_reconstruction"}}
		for i := range c.Sides {
			s := viz.Series{Name: c.Sides[i].Name, Color: viz.ClassColor(i)} // a model has one colour in all panels
			for _, l := range runlog.Epochs(c.Sides[i].Log) {
				if v, ok := l.Test[curve.metric]; ok {
					s.X, s.Y = append(s.X, float64(l.Epoch)), append(s.Y, v)
				}
			}
			if len(s.Y) > 0 {
				p.Series = append(p.Series, s)
			}
		}
		if len(p.Series) > 0 {
			panels = append(panels, p)
		}
	}
	section := viz.Section{Title: "In training", Text: c.reword("On the test images after each epoch. An autoencoder has no σ and no KL.") + drawnOf(c.Sides[:], func(m Measurements) (string, string) { return m.Name, m.Thinned })}
	if len(panels) > 0 {
		img, err := viz.Panels(panels, 2)
		p, err := picture(img, err, viz.Picture{Title: "Both", Alt: "curves over the epochs of mean σ, KL, active units and reconstruction", Wide: true,
			Caption: "If σ goes to 0, q(z|x) becomes a point and the VAE an autoencoder. If σ is 1 and the KL 0, the units carry no information."})
		if err != nil {
			return nil, err
		}
		section.Pictures = append(section.Pictures, p)
	}
	for i := range c.Sides {
		p, ok := unitPanel(c.Sides[i].Log, viz.ClassColor(i), c.reword("nats per image"))
		if !ok {
			continue
		}
		img, err := viz.Panels([]viz.Panel{p}, 1)
		pic, err := picture(img, err, viz.Picture{Title: c.Sides[i].Name + ": KL of its units", Alt: "curves over the epochs of the KL of the latent units",
			Caption: c.reword("A unit at 0 carries no information on the image. The KL of a unit is above 0 where that improves the reconstruction.")})
		if err != nil {
			return nil, err
		}
		section.Pictures = append(section.Pictures, pic)
	}
	if len(section.Pictures) == 0 {
		return nil, nil
	}
	return []viz.Section{section}, nil
}

// quantiles are those of the KL of many units that have a curve.
var quantiles = []struct {
	name string
	at   float64
}{{"largest", 1}, {"upper quartile", 0.75}, {"median", 0.5}, {"lower quartile", 0.25}, {"smallest", 0}}

// shade returns a colour mixed with white, c for t = 0 and pale towards t = 1.
func shade(c color.NRGBA, t float64) color.NRGBA {
	f := func(v uint8) uint8 { return uint8(float64(v) + 0.75*t*(255-float64(v))) }
	return color.NRGBA{f(c.R), f(c.G), f(c.B), c.A}
}

// unitPanel returns the KL of the units over the epochs: of each unit if there are few, else
// quantiles, in shades of the colour of the model. ok is false if the log has none.
func unitPanel(log []runlog.Line, of color.NRGBA, nats string) (viz.Panel, bool) {
	p := viz.Panel{CurveOptions: viz.CurveOptions{Title: "KL of the units", XLabel: "epoch", YLabel: nats, YFromZero: true}}
	var x []float64
	var rows [][]float64
	for _, l := range runlog.Epochs(log) {
		if l.UnitKL != nil && (rows == nil || len(l.UnitKL) == len(rows[0])) {
			x, rows = append(x, float64(l.Epoch)), append(rows, l.UnitKL)
		}
	}
	if rows == nil {
		return p, false
	}
	units := len(rows[0])
	most := min(units, 8)
	if units > most {
		most = len(quantiles)
	}
	curve := func(name string, value func(row []float64) float64) {
		s := viz.Series{Name: name, X: x, Color: shade(of, float64(len(p.Series))/float64(most))}
		for _, r := range rows {
			s.Y = append(s.Y, value(r))
		}
		p.Series = append(p.Series, s)
	}
	if units <= 8 {
		for u := range units {
			curve(fmt.Sprintf("z[%d]", u), func(row []float64) float64 { return row[u] })
		}
		return p, true
	}
	for _, q := range quantiles {
		curve(q.name, func(row []float64) float64 {
			sorted := slices.Sorted(slices.Values(row))
			return sorted[int(math.Round(q.at*float64(units-1)))]
		})
	}
	return p, true
}
