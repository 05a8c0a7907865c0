package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/schollz/progressbar/v3"
)

// printInterval is the time between two lines of progress where there is no terminal.
const printInterval = 10 * time.Second

// A progress shows how much of a task is done, and then of the next task: a bar on a
// terminal, a line every ten seconds elsewhere. A task that ends before that prints nothing.
type progress struct {
	w        io.Writer
	terminal bool
	what     string
	bar      *progressbar.ProgressBar
	start    time.Time // of this task
	done     int
	printed  time.Time
}

// newProgress returns a progress that writes to w.
func newProgress(w io.Writer) *progress {
	_, terminal := screen.Columns(w)
	return &progress{w: w, terminal: terminal}
}

// set shows that done of total things of the task what are done; thing names one of them, as "image".
func (p *progress) set(what string, done, total int, thing string) {
	now := time.Now()
	if what != p.what || done < p.done { // a task may have parts, each counted from 0
		p.end()
		p.what, p.start, p.printed = what, now, now
		if p.terminal {
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(screen.Stream(p.w)), progressbar.OptionSetDescription(screen.Name(what)),
				progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
	}
	p.done = done
	if p.bar != nil {
		p.bar.Set(done) // an error of the terminal does not stop the task
		return
	}
	if now.Sub(p.printed) < printInterval {
		return
	}
	p.printed = now
	left := ""
	if done > 0 {
		left = fmt.Sprintf(", %v left", (now.Sub(p.start) * time.Duration(total-done) / time.Duration(done)).Round(time.Second))
	}
	fmt.Fprintf(p.w, "%s: %s of %s%s\n", what, thousands(done), english.Plural(total, thing), left)
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar.Exit()
		p.bar = nil
	}
	p.what = ""
}
