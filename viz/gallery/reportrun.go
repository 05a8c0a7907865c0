package gallery

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// byline returns when, for how long, where and on what a run was trained, as far as it is
// known.
func byline(c *runlog.Config, it medium.Item, processes []runlog.Process) []string {
	var parts []string
	if n := len(processes); n > 0 {
		first, last := processes[0], processes[n-1]
		parts = append(parts, first.Started.Local().Format("2 January 2006, 15:04"))
		parts = append(parts, duration(seconds(processes))+" of training"+resumptions(n-1))
		parts = append(parts, machine(last))
	}
	counts := english.Thousands(float64(c.Data.Train)) + " training"
	if c.Data.Validation > 0 {
		counts += ", " + english.Thousands(float64(c.Data.Validation)) + " validation"
	}
	return append(parts, fmt.Sprintf("%s and %s test %ss of %s", counts, english.Thousands(float64(c.Data.Test)), medium.Noun(it), shape(it)))
}

func resumptions(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", resumed once"
	}
	return ", resumed " + english.Plural(n, "time")
}

// shape returns the size of an item in words.
func shape(it medium.Item) string {
	if _, ok := it.Medium.(medium.Tabular); ok {
		return english.Plural(it.Size(), "column")
	}
	return strings.ReplaceAll(fmt.Sprint(it), "x", "×")
}

// machine returns the processor and the threads of a process.
func machine(p runlog.Process) string {
	var parts []string
	if p.Threads > 0 {
		parts = append(parts, english.Plural(p.Threads, "thread"))
	}
	if p.Processor != "" {
		parts = append(parts, p.Processor)
	}
	return strings.Join(append(parts, p.Platform), ", ")
}

// seconds returns the time of all processes.
func seconds(processes []runlog.Process) float64 {
	sum := 0.0
	for _, p := range processes {
		sum += p.Seconds
	}
	return sum
}

// status says how the run stands, and whether that is bad news.
func (g *Gallery) status(s *Snapshot, epochs []runlog.Line, ended error) (text string, failed bool) {
	c := &s.run.Config
	var stopped *train.InterruptedError
	switch {
	case errors.As(ended, &stopped):
		text = fmt.Sprintf("Interrupted at step %s of epoch %d and saved, of %s. It can be continued: see Commands.", english.Thousands(float64(stopped.Step)), stopped.Epoch+1, c.Length())
	case ended != nil:
		text = ended.Error()
		if g.options.OptionName != nil {
			text = option.Text(ended, g.options.OptionName)
		}
		return "The training failed: " + strings.TrimPrefix(text, "train: ") + ".", true
	case s.view.Finished():
		text = "Complete: " + c.Length() + "."
		if why := s.view.StoppedEarly(); why != "" {
			text = sentence(why)
		}
	default:
		text = fmt.Sprintf("In training when this page was written: epoch %d of %d is done.", s.view.Epoch(), c.TotalEpochs())
	}
	return text + lossInWords(s.session.Item(), epochs), false
}

// lossInWords says what the test loss did.
func lossInWords(it medium.Item, epochs []runlog.Line) string {
	var have []runlog.Line
	best := 0
	for _, l := range epochs {
		if v, ok := l.Test[eval.TestLoss]; ok {
			have = append(have, l)
			if v < have[best].Test[eval.TestLoss] {
				best = len(have) - 1
			}
		}
	}
	if len(have) < 2 {
		return ""
	}
	first, last := have[0], have[len(have)-1]
	from, to := first.Test[eval.TestLoss], last.Test[eval.TestLoss]
	verb := "fell"
	if to > from {
		verb = "rose"
	}
	unit := unitInWords(it, "nats/image")
	text := fmt.Sprintf(" The loss on test %ss %s from %s after epoch %d to %s %s after epoch %d", medium.Noun(it), verb, figure(from, ""), first.Epoch, figure(to, ""), unit, last.Epoch)
	if low := figure(have[best].Test[eval.TestLoss], ""); low != figure(to, "") && best > 0 {
		text += fmt.Sprintf("; it was lowest, %s, after epoch %d", low, have[best].Epoch)
	}
	return text + "."
}

// configuration returns the section of what the run was trained with.
func (g *Gallery) configuration(s *Snapshot, processes []runlog.Process) viz.Section {
	section := viz.Section{Title: "Configuration", Tables: []viz.Table{g.trainingTable(s), g.modelTable(s), dataTable(s)}}
	if len(processes) > 0 {
		section.Tables = append(section.Tables, processTable(processes))
	}
	return section
}

// option returns what the reader calls a field of the configuration.
func (g *Gallery) option(field string) string {
	if g.options.OptionName == nil {
		return field
	}
	return g.options.OptionName(field)
}

// trainingTable returns how the run is trained.
func (g *Gallery) trainingTable(s *Snapshot) viz.Table {
	c := &s.run.Config
	t := viz.Table{Title: "Training", Words: true, Columns: []string{"option", "value", "meaning"}}
	add := func(field string, value any, meaning string) {
		t.Rows = append(t.Rows, []string{g.option(field), fmt.Sprint(value), meaning})
	}
	noun := s.noun()
	t.Rows = append(t.Rows, []string{"recipe", c.Recipe, "a kind of model with the settings of a publication: here of kind " + c.Kind})
	if c.BySteps() {
		add("Steps", english.Thousands(float64(c.Steps)), "updates of the weights in all")
	} else {
		add("Epochs", c.Epochs, "times that each training "+noun+" is used")
	}
	add("Batch", c.Batch, noun+"s in a step")
	add("LR", c.LR, "learning rate")
	if c.Optimizer != (optim.Settings{}) {
		add("Optimizer", c.Optimizer, "how gradients change the weights")
	}
	if c.Schedule != "" {
		add("Schedule", c.Schedule, "how the learning rate changes")
	}
	if c.Patience > 0 {
		add("Patience", c.Patience, "epochs without a better loss after which the run ends")
	}
	if c.Init != nil {
		add("Init", c.Init.Source, "where the initial weights come from")
	}
	if c.Flip {
		add("Flip", "yes", "half of the training "+noun+"s are exchanged left and right")
	}
	add("Seed", c.Seed, "of all random numbers: equal seeds give equal weights")
	if c.LogSteps > 0 {
		add("LogSteps", english.Thousands(float64(c.LogSteps)), "steps between two lines of the log")
	}
	if m := c.Measure; len(m.Metrics) > 0 {
		add("Measure", strings.Join(m.Metrics, ", "), fmt.Sprintf("measured every %s, with %s", english.Plural(m.Every, "epoch"), english.Plural(m.Images, "generated "+noun)))
	}
	t.Rows = append(t.Rows, []string{"objective", s.view.Model().Objective, "what training minimises"}, []string{"device", s.view.Backend().Name(), ""})
	return t
}

// modelTable returns the options of the model.
func (g *Gallery) modelTable(s *Snapshot) viz.Table {
	t := viz.Table{Title: "Model", Words: true, Columns: []string{"option", "value", "meaning"}}
	if g.options.ModelOptions != nil {
		for _, o := range g.options.ModelOptions(&s.run.Config) {
			t.Rows = append(t.Rows, []string{o.Key, o.Value, s.reword(o.Note)})
		}
		return t
	}
	t.Columns = t.Columns[:2]
	fields := s.run.Config.Fields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if own, ok := strings.CutPrefix(name, "model."); ok {
			t.Rows = append(t.Rows, []string{own, fields[name]})
		}
	}
	return t
}

// dataTable returns what was read, and what was left out of it.
func dataTable(s *Snapshot) viz.Table {
	c, noun := &s.run.Config, s.noun()
	d := c.Data
	t := viz.Table{Title: "Data", Words: true, Columns: []string{"what", "value"}}
	add := func(what, value string) {
		if value != "" {
			t.Rows = append(t.Rows, []string{what, value})
		}
	}
	add("read from", d.Source)
	add("training "+noun+"s", english.Thousands(float64(d.Train)))
	if d.Validation > 0 {
		add("validation "+noun+"s", english.Thousands(float64(d.Validation)))
	}
	add("test "+noun+"s", english.Thousands(float64(d.Test)))
	add("of size", shape(s.session.Item()))
	if d.Size > 0 {
		add("resized to", fmt.Sprintf("%d×%[1]d pixels", d.Size))
	}
	if d.Crop > 0 {
		add("cropped to", fmt.Sprintf("%d×%[1]d pixels of the middle", d.Crop))
	}
	if d.Gray {
		add("colours", "made grey")
	}
	add("labels", strings.Join(d.Labels, ", "))
	add("left out on request", strings.Join(d.Without, ", "))
	for _, n := range s.set.Notes {
		what := "note"
		if n.Warning {
			what = "attention"
		}
		add(what, sentence(n.Text))
	}
	add("digest (SHA-256)", d.Digest)
	return t
}

// processTable returns the processes that trained the run.
func processTable(processes []runlog.Process) viz.Table {
	t := viz.Table{Title: "Processes", Words: true, Columns: []string{"started", "steps", "time", "ended", "machine"}}
	for _, p := range processes {
		ended := p.Ended
		if ended == "" {
			ended = "ended without a word, or trains still"
		}
		t.Rows = append(t.Rows, []string{
			p.Started.Local().Format("2006-01-02 15:04:05"), fmt.Sprintf("%s to %s", english.Thousands(float64(p.From)), english.Thousands(float64(p.Step))),
			duration(p.Seconds), ended, machine(p),
		})
	}
	return t
}

// commandsOf returns the command lines that trained the run.
func commandsOf(processes []runlog.Process) []viz.KV {
	var commands []viz.KV
	for i, p := range processes {
		if len(p.Command) == 0 {
			continue
		}
		what := "What made this run"
		switch {
		case i > 0:
			what = "What continued it"
		case len(processes) == 1:
			what += "; given again, it makes one with the same weights, bit for bit"
		}
		commands = append(commands, viz.KV{Key: what, Value: shellLine(p.Command)})
	}
	return commands
}

// shellLine returns a command line as a shell takes it.
func shellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = screen.ShellWord(w)
	}
	return strings.Join(quoted, " ")
}
