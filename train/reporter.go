package train

import (
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// A Reporter tells a person how a run goes: a line an epoch, and on a terminal a
// bar with the loss, the speed and the time that is left. It is not safe for
// concurrent use. A nil *Reporter is silent.
type Reporter struct {
	w        io.Writer
	terminal bool
	bar      *progressbar.ProgressBar
	advised  bool // what to do about waiting
}

// NewReporter writes to w, which may be a terminal.
func NewReporter(w io.Writer) *Reporter {
	f, ok := w.(*os.File)
	return &Reporter{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// Println writes a line, above the bar if there is one.
func (r *Reporter) Println(a ...any) {
	if r == nil {
		return
	}
	if r.bar != nil {
		r.bar.Clear() // an error of the terminal is no error of the run
	}
	fmt.Fprintln(r.w, a...)
}

// begin says what is about to be trained.
func (r *Reporter) begin(run *runlog.Run, objective string, params int) {
	c := run.Config
	data := c.Data.Name
	if c.Data.Source != data {
		data += " (" + c.Data.Source + ")"
	}
	r.Println("run       ", run.Dir)
	r.Println("recipe    ", c.Recipe, string(c.Model))
	r.Println("data      ", fmt.Sprintf("%s: %s training and %s test images of %v", data, thousands(float64(c.Data.Train)), thousands(float64(c.Data.Test)), c.Data.Item))
	rate := fmt.Sprint(c.LR)
	if c.Schedule != "" {
		rate += " (" + c.Schedule + ")"
	}
	r.Println("training  ", fmt.Sprintf("%s, batch %d, learning rate %s, seed %d", c.Length(), c.Batch, rate, c.Seed))
	r.Println("parameters", thousands(float64(params)))
	r.Println("objective ", objective)
}

// start shows the bar for the images that are left.
func (r *Reporter) start(images int64) {
	if r == nil || !r.terminal || images <= 0 {
		return
	}
	r.bar = progressbar.NewOptions64(images,
		progressbar.OptionSetWriter(r.w),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("images"),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(min(24, max(6, columns(r.w)-72))), // the rest takes up to 72 columns
		progressbar.OptionClearOnFinish(),
	)
}

// step moves the bar.
func (r *Reporter) step(c *runlog.Config, epoch int, stage string, images int, loss float64) {
	if r == nil || r.bar == nil {
		return
	}
	r.bar.Describe(fmt.Sprintf("%s  loss %.4g", epochOf(epoch, c.TotalEpochs(), stage), loss))
	r.bar.Add(images)
}

// Waiting for images is told if it takes this part of the training time, and more
// than a second.
const noticeable = 0.02

// epoch writes an epoch's line. waited is the part of its training time that was
// spent waiting for images.
func (r *Reporter) epoch(c *runlog.Config, l runlog.Line, waited float64) {
	if r == nil {
		return
	}
	if c.LogSteps > 0 && !c.IsLast(&l) { // intervals have lines enough
		r.warn(l)
		return
	}
	s := textOf(l, c.TotalEpochs())
	noticed := waited > noticeable && l.Waited > 1
	if noticed {
		s += fmt.Sprintf("  waited for images %.0f %%", 100*waited)
	}
	if r.terminal && utf8.RuneCountInString(s) > columns(r.w) {
		s = speed.ReplaceAllString(s, "") // the bar has shown it, and the log has it
	}
	r.Println(s)
	r.warn(l)
	if noticed && !r.advised {
		r.advised = true
		r.Println("          ", "images are read more slowly than they are trained on: let them be kept decoded (no --no-cache, room on the disk of the cache), or keep them on a faster disk")
	}
}

// warn tells what was noticed.
func (r *Reporter) warn(l runlog.Line) {
	for _, w := range l.Warnings {
		r.Println("warning   ", w.Text)
	}
}

// speed is what an epoch's line can spare.
var speed = regexp.MustCompile(` +[0-9,]+ images/s`)

// columns returns the width of the terminal.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// stop takes the bar away.
func (r *Reporter) stop() {
	if r != nil && r.bar != nil {
		r.bar.Clear()
		r.bar.Exit()
		r.bar = nil
	}
}

// text returns the line as a person reads it:
//
//	epoch 3/10  loss 161.2 (recon 155.9 + KL 5.3)  test 159.6 (154.1 + 5.5)  12,345 images/s  4.9 s
//	epoch 3/10  [D loss 0.130, acc. 96.2 %] [G loss 3.39]  12,345 images/s  4.9 s
func textOf(l runlog.Line, epochs int) string {
	var b strings.Builder
	b.WriteString(epochOf(l.Epoch, epochs, l.Phase))
	if l.Partial {
		b.WriteString(", cut at step " + thousands(float64(l.Step)))
	}
	b.WriteString("  ")
	if d, ok := l.Train[model.DLoss]; ok {
		apart := ""
		if v, ok := l.Train[model.DAccuracy]; ok { // a critic has none
			apart = fmt.Sprintf(", acc. %.1f %%", 100*v)
		}
		fmt.Fprintf(&b, "[D loss %.3f%s] [G loss %.2f]", d, apart, l.Train[model.GLoss])
	} else {
		fmt.Fprintf(&b, "loss %s", terms(l.Train, model.Loss, model.Reconstruction, model.KL, "recon ", "KL "))
	}
	if _, ok := l.Test[eval.TestLoss]; ok {
		fmt.Fprintf(&b, "  test %s", terms(l.Test, eval.TestLoss, "test_reconstruction", "test_kl", "", ""))
	}
	fmt.Fprintf(&b, "  %s images/s  %.1f s", thousands(l.ImagesPerSec), l.Seconds)
	return b.String()
}

// epochOf returns epoch 3/10, or epoch 3/10 pretrain.
func epochOf(epoch, epochs int, stage string) string {
	s := fmt.Sprintf("epoch %d/%d", epoch, epochs)
	if stage != "" {
		s += " " + stage
	}
	return s
}

// terms returns a loss and, if it has two, what it is made of: with a + where they make
// it up, a comma where the KL is weighted.
func terms(m map[string]float64, loss, rec, kl, recName, klName string) string {
	s := fmt.Sprintf("%.1f", m[loss])
	r, hasRec := m[rec]
	k, hasKL := m[kl]
	if !hasRec || !hasKL {
		return s
	}
	joint := ", "
	if math.Abs(r+k-m[loss]) <= 1e-3*math.Abs(m[loss]) {
		joint = " + "
	}
	return fmt.Sprintf("%s (%s%.1f%s%s%.1f)", s, recName, r, joint, klName, k)
}

// plural returns 1 epoch, 2 epochs.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(float64(n)) + " " + one + "s"
}

// thousands returns 12,345.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
