package compare

import (
	"context"
	"fmt"
	"image"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// A Run is one of the runs of an Overview: of any kind of model, on any data.
type Run struct {
	Name    string // as the user calls it
	Config  runlog.Config
	Log     []runlog.Line
	Thinned string          // which lines of epochs Log has, as runlog.Share says; "" = all
	Records []eval.Record   // measured by imago eval; may be empty
	Session *latent.Session // draws samples and reconstructions; nil = the run has no checkpoint yet

	// Test is the test images of which the first are shown with their reconstructions,
	// with labels if the model takes them; nil = none are shown.
	Test data.Items
}

// MaxRuns is the most runs of an Overview.
const MaxRuns = 32

// Overview writes any number of runs, of any kinds, as one HTML page: a table of their
// metrics, what differs in their configurations, the curves of each metric over one
// another, samples of each from the same draws, and reconstructions of the same images.
// A model that cannot do a thing is left out of that part, and the page says so. footer
// stands at the end. It fails unless there are 2 to MaxRuns runs.
func Overview(ctx context.Context, w io.Writer, runs []Run, footer string) error {
	if len(runs) < 2 || len(runs) > MaxRuns {
		return fmt.Errorf("compare: %d runs: want 2 to %d", len(runs), MaxRuns)
	}
	of := itemOf(runs)
	r := viz.Report{Title: fmt.Sprintf("%d runs", len(runs)), Subtitle: strings.Join(names(runs), ", "), Footer: footer}
	r.Sections = append(r.Sections, viz.Section{Title: "Numbers", Text: "Of each run the last measurement: by imago eval, else of the best epoch in the log. A star marks the best of a row, where less or more is better and the runs measure the same.", Tables: []viz.Table{numbers(runs)}})
	if t := differences(runs); len(t.Rows) > 0 {
		r.Sections = append(r.Sections, viz.Section{Title: "What differs", Text: "Settings that are the same in all runs are left out.", Tables: []viz.Table{t}})
	}
	if charts := curves(runs); len(charts) > 0 {
		r.Sections = append(r.Sections, viz.Section{Title: "In training", Text: medium.Reword(of, "One colour a run. On the test images where they are measured, else on the training images.") + drawnOf(runs, func(r Run) (string, string) { return r.Name, r.Thinned }), Charts: charts})
	}
	for _, s := range []struct {
		title, text string
		draw        func(ctx context.Context, r *Run) (image.Image, string, error)
	}{
		{"Samples", "Drawn with the same seed.", samplesOf},
		{"Reconstructions", "Test images, and below each what the model makes of its code.", reconstructionsOf},
	} {
		section := viz.Section{Title: s.title, Text: medium.Reword(of, s.text)}
		for i := range runs {
			img, without, err := s.draw(ctx, &runs[i])
			if err != nil {
				return fmt.Errorf("compare: %s of %s: %w", strings.ToLower(s.title), runs[i].Name, err)
			}
			if img == nil {
				section.Text += fmt.Sprintf(" %s: none, as %s.", runs[i].Name, without)
				continue
			}
			p, err := picture(img, nil, viz.Picture{Title: runs[i].Name, Alt: strings.ToLower(s.title) + " of " + runs[i].Name})
			if err != nil {
				return err
			}
			section.Pictures = append(section.Pictures, p)
		}
		if len(section.Pictures) > 0 {
			r.Sections = append(r.Sections, section)
		}
	}
	return viz.WriteReport(w, r)
}

// itemOf returns the item that all runs have in words: that of one of them, or none if they
// have different nouns or no model.
func itemOf(runs []Run) medium.Item {
	var of medium.Item
	for _, r := range runs {
		switch {
		case r.Session == nil:
		case of.Medium == nil:
			of = r.Session.Item()
		case medium.Noun(of) != medium.Noun(r.Session.Item()):
			return medium.Item{}
		}
	}
	return of
}

// names returns the names of runs.
func names(runs []Run) []string {
	var out []string
	for _, r := range runs {
		out = append(out, r.Name)
	}
	return out
}

// A value is a metric of a run.
type value struct {
	v      float64
	better string // "higher", "lower" or "" = not known
}

// metrics returns the last value of each metric of a run.
func (r *Run) metrics() map[string]value {
	out := map[string]value{}
	if l := runlog.BestEpoch(r.Log); l != nil {
		for name, v := range curveOf(l) {
			out[name] = value{v: v}
			if m, ok := eval.Find(name); ok {
				out[name] = value{v, m.Better()}
			}
		}
	}
	for _, rec := range r.Records {
		out[rec.Name] = value{rec.Value, rec.Better}
	}
	return out
}

// numbers returns the table of metrics, a row a metric and a column a run.
func numbers(runs []Run) viz.Table {
	t := viz.Table{Title: "Metrics", Columns: append([]string{"metric"}, names(runs)...)}
	all := map[string]bool{}
	of := make([]map[string]value, len(runs))
	for i := range runs {
		of[i] = runs[i].metrics()
		for name := range of[i] {
			all[name] = true
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(all), eval.ByImportance) {
		row, best, at := []string{name}, math.NaN(), -1
		have, isRanked := 0, ranked(name, runs, of)
		for i := range runs {
			x, ok := of[i][name]
			if !ok {
				row = append(row, "–")
				continue
			}
			have++
			row = append(row, fmt.Sprintf("%.4g", x.v))
			if !isRanked {
				continue
			}
			if x.better == "lower" && !(x.v >= best) || x.better == "higher" && !(x.v <= best) {
				best, at = x.v, i
			}
		}
		if at >= 0 && have > 1 {
			row[at+1] += " ★"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// ranked reports whether the best of the runs can be told by a metric: not by one that only describes a model, such as
// its KL, and by a loss only if all runs that have it minimise the same. of are the metrics of the runs.
func ranked(name string, runs []Run, of []map[string]value) bool {
	if m, ok := eval.Find(name); ok && m.Describes {
		return false
	}
	if !strings.HasSuffix(name, "loss") && !strings.HasSuffix(name, "reconstruction") {
		return true
	}
	var first string
	for i := range runs {
		if _, ok := of[i][name]; !ok {
			continue
		}
		loss := settings(&runs[i].Config)["model.loss"] + " " + runs[i].Config.Data.Digest
		if first == "" {
			first = loss
		}
		if loss != first {
			return false
		}
	}
	return true
}

// differences returns the table of the settings in which the runs differ.
func differences(runs []Run) viz.Table {
	t := viz.Table{Title: "Settings", Columns: append([]string{"setting"}, names(runs)...), Words: true}
	of := make([]map[string]string, len(runs))
	all := map[string]bool{}
	for i := range runs {
		of[i] = settings(&runs[i].Config)
		for name := range of[i] {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		row, differ := []string{name}, false
		for i := range runs {
			v, ok := of[i][name]
			if !ok {
				v = "–"
			}
			row = append(row, v)
			differ = differ || v != row[1]
		}
		if differ {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// described are the fields of a configuration, or the beginnings of their names, that are no settings: what made a run and
// where, and how it is written down.
var described = []string{"format", "imago", "go", "pictures", "checkpoints.", "data.source", "data.path", "data.notes", "data.item.settings.", "init.path", "init.unused"}

// settings returns the fields of a configuration that set it apart from others, by their names in run.json.
func settings(c *runlog.Config) map[string]string {
	all := c.Fields()
	maps.DeleteFunc(all, func(name, _ string) bool {
		return slices.ContainsFunc(described, func(d string) bool { return name == d || strings.HasSuffix(d, ".") && strings.HasPrefix(name, d) })
	})
	all["data.digest"] = fmt.Sprintf("%.12s", all["data.digest"])
	return all
}

// drawnOf says of which runs the curves have some epochs only.
func drawnOf[R any](runs []R, thinned func(R) (name, thinned string)) string {
	text := ""
	for _, r := range runs {
		if name, thinned := thinned(r); thinned != "" {
			text += fmt.Sprintf(" Of %s %s is drawn.", name, thinned)
		}
	}
	return text
}

// curves returns a chart for each metric of the logs that two epochs of a run have, with a curve for each run.
func curves(runs []Run) []viz.Panel {
	all := map[string]bool{}
	for i := range runs {
		for _, l := range runlog.Epochs(runs[i].Log) {
			for name := range curveOf(&l) {
				all[name] = true
			}
		}
	}
	var panels []viz.Panel
	for _, name := range slices.SortedFunc(maps.Keys(all), eval.ByImportance) {
		p := viz.Panel{CurveOptions: viz.CurveOptions{Title: name, XLabel: "epoch"}}
		drawn := false
		for i := range runs {
			s := viz.Series{Name: runs[i].Name, Color: viz.ClassColor(i)}
			for _, l := range runlog.Epochs(runs[i].Log) {
				if v, ok := curveOf(&l)[name]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
					s.X, s.Y = append(s.X, float64(l.Epoch)), append(s.Y, v)
				}
			}
			drawn = drawn || len(s.Y) > 1
			if len(s.Y) > 0 {
				p.Series = append(p.Series, s)
			}
		}
		if drawn {
			panels = append(panels, p)
		}
	}
	return panels
}

// curveOf returns the metrics of a line that are shown and drawn: those of the test images, else of the training images.
func curveOf(l *runlog.Line) map[string]float64 {
	if len(l.Test) > 0 {
		return l.Test
	}
	return l.Train
}

// samplesOf draws a sheet of samples. Without a picture, the reason is in words.
func samplesOf(ctx context.Context, r *Run) (img image.Image, without string, err error) {
	switch {
	case r.Session == nil:
		return nil, "it has no checkpoint", nil
	case !r.Session.HasPrior():
		return nil, "it has no prior to draw from", nil
	}
	var labels []float32
	if k := r.Session.SampleLabels(); k > 0 { // the classes in turn
		labels = make([]float32, sheetImages*k)
		for i := range sheetImages {
			labels[i*k+i%k] = 1
		}
	}
	values, err := r.Session.Sample(ctx, rng.New(0).Split("overview"), sheetImages, labels)
	if err != nil {
		return nil, "", err
	}
	img, err = viz.Grid(r.Session.Item(), values, 8, viz.GridOptions{})
	return img, "", err
}

// reconstructionsOf draws the first test images above their reconstructions. Without a picture, the reason is in words.
func reconstructionsOf(ctx context.Context, r *Run) (img image.Image, without string, err error) {
	switch {
	case r.Session == nil:
		return nil, "it has no checkpoint", nil
	case r.Session.Model().Reconstruct == nil:
		return nil, "it has no encoder", nil
	case r.Test == nil || r.Test.Len() == 0:
		return nil, "its data are not here", nil
	}
	index := make([]int, min(shownReconstructions, r.Test.Len()))
	for i := range index {
		index[i] = i
	}
	some, err := data.Subset(r.Test, index)
	if err != nil {
		return nil, "", err
	}
	values, err := data.AllFloats(ctx, some)
	if err != nil {
		return nil, "", err
	}
	made, err := r.Session.Reconstruct(ctx, some)
	if err != nil {
		return nil, "", err
	}
	img, err = viz.Pairs(r.Session.Item(), values, made, viz.PairsOptions{})
	return img, "", err
}
