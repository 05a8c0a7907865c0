package gallery

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// writeReport writes report.html from the log and the pictures that are there. ended is
// why training ends now; nil if it goes on or is complete.
func (g *Gallery) writeReport(s *Snapshot, pictures []Picture, ended error) error {
	log, err := s.log()
	if err != nil {
		return err
	}
	epochs := runlog.Epochs(log.Lines)
	c := &s.run.Config
	metrics := slices.Concat(validationMetrics, eval.Metrics(), s.view.Measured())
	processes := s.view.Processes()
	if n := len(processes); n > 0 && processes[n-1].Ended == "" && s.view.Finished() {
		processes[n-1].Ended = runlog.Complete
	}
	r := viz.Report{
		Title:    fmt.Sprintf("%s on %s", c.Recipe, filepath.Base(c.Data.Name)),
		Subtitle: s.view.Model().Objective,
		Byline:   byline(c, s.session.Item(), processes),
		Epochs:   epochTable(epochs, log.Kinds[runlog.EpochLine].Of, metrics, s.reword("images/s")),
		Footer:   "imago " + c.Imago + ", " + c.Go,
	}
	r.Status, r.Failed = g.status(s, epochs, ended)
	r.Figures, r.Terms = figures(c, s.session.Item(), epochs, metrics, nn.Count(s.view.Model().Params), seconds(processes))
	r.Commands = commandsOf(processes)
	if g.options.Commands != nil {
		r.Commands = append(r.Commands, g.options.Commands(s)...)
	}
	if w := g.warnings(log); len(w.Warnings) > 0 {
		r.Sections = append(r.Sections, w)
	}
	if len(g.failed) > 0 {
		left := viz.Section{Title: "Left out"}
		for _, name := range slices.Sorted(maps.Keys(g.failed)) {
			left.Warnings = append(left.Warnings, fmt.Sprintf("The %s could not be drawn: %s.", name, g.failed[name]))
		}
		r.Sections = append(r.Sections, left)
	}
	for _, section := range s.sections(pictures) {
		if section.Title == sectionTraining {
			if section.Charts = reportCharts(curvePanels(c, s.session.Item(), s.view.Measured(), log)); len(section.Charts) > 0 {
				section.Text = curvesCaption(s)
			}
		}
		if section.Title == s.reword(sectionSamples) {
			section.Clips = g.clips
		}
		if len(section.Pictures) > 0 || len(section.Clips) > 0 || len(section.Charts) > 0 || section.Text != "" || len(section.Warnings) > 0 {
			r.Sections = append(r.Sections, section)
		}
	}
	r.Sections = append(r.Sections, g.configuration(s, processes))
	return atomicfile.WriteIn(s.run.Folder(), runlog.ReportFile, func(w io.Writer) error { return viz.WriteReport(w, r) })
}

// reportCharts returns the panels that have a curve: a single value is among the figures.
func reportCharts(panels []viz.Panel) []viz.Panel {
	return slices.DeleteFunc(panels, func(p viz.Panel) bool {
		return !slices.ContainsFunc(p.Series, func(s viz.Series) bool { return len(s.Y) > 1 })
	})
}

// sections returns the sections of pictures whose files are there, with a warning for each that cannot be read.
func (s *Snapshot) sections(pictures []Picture) []viz.Section {
	titles := slices.Clone(sections)
	for _, p := range pictures {
		if p.Section != "" && !slices.Contains(titles, p.Section) {
			titles = append(titles, p.Section)
		}
	}
	var all []viz.Section
	for _, title := range titles {
		section := viz.Section{Title: title}
		if slices.Contains(sections, title) {
			section.Title = s.reword(title)
		}
		if title == sectionSamples && !s.hasPrior {
			section.Text = "This model is deterministic: its codes have no known distribution, so codes drawn at random have no meaning, and there are no samples."
		}
		var own []viz.Picture
		for _, p := range pictures {
			if p.Section == title {
				own = append(own, viz.Picture{Title: p.Title, Caption: p.Caption, Alt: cmp.Or(p.Alt, p.Title, p.Name), Wide: p.Wide, Data: []byte(p.Name + ".png")})
			}
		}
		switch title {
		case sectionNoise:
			stills, err := s.stills()
			if err != nil {
				section.Warnings = append(section.Warnings, err.Error()+".")
			}
			animation := viz.Picture{Title: "Over the course of training", Caption: "The same noise each time, from before the first step on.", Alt: s.reword("animation of the images from one noise"), Data: []byte(fixedName + ".gif")}
			own = slices.Concat([]viz.Picture{animation}, own, stills)
		case sectionLatent:
			own = append(own, viz.Picture{Title: "Over the course of training", Caption: "Before training and after each epoch.", Alt: "animation of what the codes decode to over the epochs", Data: []byte("manifold.gif")})
		}
		s.load(&section, own)
		all = append(all, section)
	}
	return all
}

// mostStills is the number of sheets of fixed noise that are shown.
const mostStills = 8

// stills returns the sheets of fixed noise, some of very many.
func (s *Snapshot) stills() ([]viz.Picture, error) {
	names, err := s.fixedSheets()
	if err != nil {
		return nil, err
	}
	var stills []viz.Picture
	for _, name := range thinned(names, mostStills) {
		file, step := filepath.Base(name), int64(0)
		fmt.Sscanf(file, fixedName+"-step-%d", &step) // fixedSheets returns such names only
		when := "step " + english.Thousands(float64(step))
		stills = append(stills, viz.Picture{Title: "After " + when, Alt: s.reword("sheet of images from the same noise after ") + when, Data: []byte(file)})
	}
	return stills, nil
}

// load adds pictures to a section; their Data are the names of their files. Those that are not there are left out: this
// model does not have them. One that cannot be read is a warning.
func (s *Snapshot) load(section *viz.Section, pictures []viz.Picture) {
	for _, p := range pictures {
		b, err := s.read(string(p.Data))
		switch {
		case err == nil:
			p.Data = b
			section.Pictures = append(section.Pictures, p)
		case !errors.Is(err, fs.ErrNotExist):
			section.Warnings = append(section.Warnings, err.Error()+".")
		}
	}
}

// warnings returns a section of what the diagnosis found, with the changes that help.
func (g *Gallery) warnings(log *runlog.Thin) viz.Section {
	section := viz.Section{Title: "What to change"}
	left := log.Warnings
	for _, l := range log.Lines {
		if len(section.Warnings) >= maxRows {
			left += len(l.Warnings)
			continue
		}
		when := fmt.Sprintf("epoch %d", l.Epoch)
		if l.Kind == runlog.IntervalLine {
			when = "step " + english.Thousands(float64(l.Step))
		}
		for _, w := range l.Warnings {
			section.Warnings = append(section.Warnings, fmt.Sprintf("After %s: %s.", when, w.Message(g.options.OptionName)))
		}
	}
	if left > 0 {
		section.Warnings = append(section.Warnings, english.Plural(left, "more warning")+", in "+runlog.MetricsFile+".")
	}
	return section
}

// maxRows is the number of epochs and of warnings that the report lists: with more, a browser takes long to show it.
const maxRows = 2000

// epochTable returns the metrics that some epoch has, one epoch a row; of very many epochs some, and its title says so. of is
// the number of all epochs.
func epochTable(epochs []runlog.Line, of int, metrics []eval.Metric, speed string) viz.Table {
	if len(epochs) == 0 {
		return viz.Table{}
	}
	t := viz.Table{Title: "Epochs", Columns: []string{"epoch", "step"}}
	hasPhases := epochs[0].Phase != ""
	if hasPhases {
		t.Columns = append(t.Columns, "phase")
	}
	has := func(name string, metrics func(l runlog.Line) map[string]float64) bool { // phases may differ
		return slices.ContainsFunc(epochs, func(l runlog.Line) bool { _, ok := metrics(l)[name]; return ok })
	}
	var train, test []string
	for _, p := range slices.Concat(lossCurves, []curve{{metric: model.GradNorm}}, gradientCurves) {
		if has(p.metric, func(l runlog.Line) map[string]float64 { return l.Train }) {
			train = append(train, p.metric)
			t.Columns = append(t.Columns, "train "+p.metric)
		}
	}
	for _, m := range metrics {
		if slices.ContainsFunc(epochs, func(l runlog.Line) bool { _, ok := l.Metric(m.Name); return ok }) {
			test = append(test, m.Name)
			t.Columns = append(t.Columns, m.Name)
		}
	}
	t.Columns = append(t.Columns, speed, "seconds")
	if of > maxRows {
		t.Title += fmt.Sprintf(": %s of %s", english.Thousands(maxRows), english.Thousands(float64(of)))
	}
	for _, l := range thinned(epochs, maxRows) {
		epoch := fmt.Sprint(l.Epoch)
		if l.Partial {
			epoch += ", cut"
		}
		row := []string{epoch, fmt.Sprint(l.Step)}
		if hasPhases {
			row = append(row, l.Phase)
		}
		add := func(names []string, value func(name string) (float64, bool)) {
			for _, name := range names {
				cell := ""
				if v, ok := value(name); ok {
					cell = fmt.Sprintf("%.3f", v)
				}
				row = append(row, cell)
			}
		}
		add(train, func(name string) (float64, bool) { v, ok := l.Train[name]; return v, ok })
		add(test, l.Metric)
		t.Rows = append(t.Rows, append(row, english.Thousands(l.ImagesPerSec), fmt.Sprintf("%.1f", l.Seconds)))
	}
	return t
}
