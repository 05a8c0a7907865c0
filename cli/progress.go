package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// plainEvery is the time between two lines of progress where there is no terminal.
const printInterval = 10 * time.Second

// A progress tells how far pieces of work are that come one after another: a bar on a
// terminal, a line now and then elsewhere. What is done at once is not told of.
type progress struct {
	w        io.Writer
	terminal bool
	what     string
	bar      *progressbar.ProgressBar
	start    time.Time // of this piece of work
	done     int
	printed  time.Time
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// set says that so many of total things of what is being done are done.
func (p *progress) set(what string, done, total int, thing string) {
	now := time.Now()
	if what != p.what || done < p.done { // a piece of work may have parts, each from the start
		p.end()
		p.what, p.start, p.printed = what, now, now
		if p.terminal {
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(what),
				progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
	}
	p.done = done
	if p.bar != nil {
		p.bar.Set(done) // an error of the terminal is no error of the work
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
	fmt.Fprintf(p.w, "%s: %s of %s%s\n", what, thousands(done), plural(total, thing), left)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar.Exit()
		p.bar = nil
	}
	p.what = ""
}
