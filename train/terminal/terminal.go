// Package terminal reports a run in training to a person: what is trained, a line an
// epoch and, on a terminal, a progress bar with the loss, the speed and the time that is
// left. What the diagnosis of the model finds is reported with the changes that help.
//
//	result, err := train.Loop(ctx, train.Job{…, Observers: []train.Observer{terminal.New(os.Stdout, nil)}})
//
// The package knows no concrete model and draws no pictures: package gallery does.
package terminal

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A Reporter is a train.Observer that writes lines, and on a terminal a bar. It is not
// safe for concurrent use.
type Reporter struct {
	train.Base
	w        io.Writer
	name     func(field string) string
	terminal bool
	bar      *progressbar.ProgressBar
	item     medium.Item // of the run
	advised  bool        // how waiting for images is avoided
}

// New returns a Reporter that writes to w, which may be a terminal. name returns what
// the reader calls an option, such as --beta for Beta; nil writes the names of the
// fields.
func New(w io.Writer, name func(field string) string) *Reporter {
	_, terminal := screen.Columns(w)
	return &Reporter{w: screen.New(w), name: name, terminal: terminal}
}

// printLine writes a line, above the bar if there is one.
func (r *Reporter) printLine(a ...any) {
	if r.bar != nil {
		r.bar.Clear() // an error of the terminal is no error of the run
	}
	fmt.Fprintln(r.w, a...)
}

// entry writes a line with a label of a column's width.
func (r *Reporter) entry(label, text string) { r.printLine(fmt.Sprintf("%-10s", label), text) }

// Start writes what is about to be trained.
func (r *Reporter) Start(_ context.Context, v *train.View) error {
	c := &v.Run().Config
	r.item = v.Data().Item()
	data := screen.Name(c.Data.Name)
	if c.Data.Source != c.Data.Name {
		data += " (" + screen.Name(c.Data.Source) + ")"
	}
	rate := fmt.Sprint(c.LR)
	if c.Schedule != "" {
		rate += " (" + c.Schedule + ")"
	}
	r.entry("run", screen.Name(v.Run().Dir))
	r.entry("recipe", screen.Name(c.Recipe+" "+string(c.Model)))
	parts := english.Thousands(float64(c.Data.Train)) + " training"
	if n := c.Data.Validation; n > 0 {
		parts += fmt.Sprintf(", %s validation", english.Thousands(float64(n)))
	}
	r.entry("data", fmt.Sprintf("%s: %s and %s test %ss of %v", data, parts, english.Thousands(float64(c.Data.Test)), medium.Noun(v.Data().Item()), c.Data.Item))
	if o := c.Optimizer.String(); o != "" {
		rate += ", " + o
	}
	r.entry("training", fmt.Sprintf("%s, batch %d, learning rate %s, seed %d", c.Length(), c.Batch, rate, c.Seed))
	r.entry("parameters", english.Thousands(float64(nn.Count(v.Model().Params))))
	r.entry("objective", v.Model().Objective)
	if from := v.InitialWeights(); from != "" {
		r.entry("init", from)
	}
	if what := v.ChosenByTest(); what != "" {
		r.entry("warning", fmt.Sprintf(r.reword("%s: by the test images, so what is reported of them at the end is too good; hold out a validation part: %s 0.1"), what, r.option("Validation")))
	}
	r.startResumed(v)
	return nil
}

// startResumed writes from where a run goes on.
func (r *Reporter) startResumed(v *train.View) {
	if v.Resumed() == "" {
		return
	}
	r.entry("resumed", fmt.Sprintf("%s: %s and %s of the next", v.Resumed(), english.Plural(v.EpochInProgress()-1, "whole epoch"), english.Plural(int(v.EpochImages()), medium.Noun(r.item))))
	if why := v.StoppedEarly(); why != "" {
		r.entry("stopped", fmt.Sprintf("%s; a larger %s, or 0 for none, takes it further", why, r.option("Patience")))
	} else if field, _ := v.Run().Config.LengthField(); v.Finished() {
		things := map[string]string{"Epochs": "epochs", "Steps": "steps"}[field]
		r.entry("", fmt.Sprintf("all its %s are done: more %s take it further", things, r.option(field)))
	}
}

// startBar shows the bar for the images that are left, before the last ones of a step.
func (r *Reporter) startBar(v *train.View, last int) {
	width, _ := screen.Columns(r.w)
	r.bar = progressbar.NewOptions64(v.Run().Config.TotalImages()-v.Images()+int64(last),
		progressbar.OptionSetWriter(screen.Stream(r.w)),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(r.reword("images")),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(min(24, max(6, width-72))), // the rest takes up to 72 columns
		progressbar.OptionClearOnFinish(),
	)
}

// Step moves the bar.
func (r *Reporter) Step(v *train.View, s train.Step) {
	if !r.terminal {
		return
	}
	if r.bar == nil {
		r.startBar(v, s.Images)
	}
	epochs := v.Run().Config.TotalEpochs()
	r.bar.Describe(screen.Name(fmt.Sprintf("%s  loss %.4g", epochTitle(v.EpochInProgress(), epochs, v.Phase().Name), s.Loss)))
	r.bar.Add(s.Images)
}

// Interval writes the line of an interval.
func (r *Reporter) Interval(_ context.Context, _ *train.View, l runlog.Line) error {
	r.printLine(intervalText(l))
	r.warn(l)
	return nil
}

// Waiting for images is reported if it takes this share of the training time, and more
// than a second.
const noticeableShare = 0.02

// Epoch writes the line of an epoch.
func (r *Reporter) Epoch(_ context.Context, v *train.View, l runlog.Line) error {
	r.epoch(&v.Run().Config, l, v.WaitedShare())
	return nil
}

// epoch writes the line of an epoch; waited is the share of its training time that was
// spent waiting for images.
func (r *Reporter) epoch(c *runlog.Config, l runlog.Line, waited float64) {
	if c.LogSteps > 0 && !c.IsLast(&l) { // intervals have lines enough
		r.warn(l)
		return
	}
	s := r.reword(epochText(l, c.TotalEpochs()))
	noticeable := waited > noticeableShare && l.Waited > 1
	if noticeable {
		s += fmt.Sprintf(r.reword("  waited for images %.0f %%"), 100*waited)
	}
	if width, _ := screen.Columns(r.w); r.terminal && utf8.RuneCountInString(s) > width {
		s = speed.ReplaceAllString(s, "") // the bar has shown it, and the log has it
	}
	r.printLine(s)
	r.warn(l)
	if noticeable && !r.advised {
		r.advised = true
		r.entry("", r.reword("images are read more slowly than they are trained on: let them be kept decoded (no ")+r.option("NoCache")+", room on the disk of the cache), or keep them on a faster disk")
	}
}

// reword returns text about images as text about the items of the run.
func (r *Reporter) reword(text string) string { return medium.Reword(r.item, text) }

func (r *Reporter) option(field string) string {
	if r.name == nil {
		return field
	}
	return r.name(field)
}

// warn writes what the diagnosis found.
func (r *Reporter) warn(l runlog.Line) {
	for _, w := range l.Warnings {
		r.entry("warning", w.Message(r.name))
	}
}

// Note writes a note.
func (r *Reporter) Note(_ *train.View, n train.Note) { r.entry(n.Kind, n.Text) }

// Done removes the bar.
func (r *Reporter) Done(*train.View, error) error {
	if r.bar != nil {
		r.bar.Clear()
		r.bar.Exit()
		r.bar = nil
	}
	return nil
}

// speed is the part of an epoch's line that is left out if there is no room for it.
var speed = regexp.MustCompile(` +[0-9,]+ [^ ]+/s`)
