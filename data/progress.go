package data

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/imago-ml/imago/internal/screen"
)

// A Progress reports how many bytes of a download or a long read are done: as a bar if
// w is a terminal, as a line every few seconds if it is another writer, not at all if w
// is nil.
type Progress struct {
	w     io.Writer
	label string
	total int64 // -1 = unknown
	now   int64
	bar   *progressbar.ProgressBar
	said  time.Time
}

// plainEvery is the time between two plain lines.
const plainEvery = 5 * time.Second

// NewProgress starts a count of total bytes, or of unknown size if total ≤ 0.
func NewProgress(w io.Writer, label string, total int64) *Progress {
	if w != nil {
		w = screen.New(w)
	}
	p := &Progress{w: w, label: label, total: total, said: time.Now()}
	if _, terminal := screen.Columns(w); terminal {
		p.bar = progressbar.NewOptions64(max(total, -1),
			progressbar.OptionSetWriter(screen.Stream(w)),
			progressbar.OptionSetDescription(screen.Name(label)),
			progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(true),
		)
	}
	return p
}

// Set records that n bytes are done.
func (p *Progress) Set(n int64) {
	p.now = n
	if p.bar != nil {
		p.bar.Set64(n) // an error of the terminal is no error of the download
	} else if time.Since(p.said) >= plainEvery {
		p.say()
	}
}

// Finish ends the bar, or writes the last line.
func (p *Progress) Finish() {
	if p.bar != nil {
		p.bar.Exit()
		fmt.Fprintln(p.w)
	} else {
		p.say()
	}
}

func (p *Progress) say() {
	p.said = time.Now()
	if p.w == nil {
		return
	}
	if p.total > 0 {
		fmt.Fprintf(p.w, "%s: %.1f of %.1f MB\n", p.label, float64(p.now)/1e6, float64(p.total)/1e6)
	} else {
		fmt.Fprintf(p.w, "%s: %.1f MB\n", p.label, float64(p.now)/1e6)
	}
}
