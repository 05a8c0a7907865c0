//go:build unix

package studio_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/imago-ml/imago/internal/chromium"
	"github.com/imago-ml/imago/train/runlog"
)

// TestTabCost measures what a studio costs the training that it has started: in turns with a tab that shows the run, with none, and
// while the studio itself stands still. As TestLatency it is run by hand, with IMAGO_LATENCY=1 on a machine that does nothing else, and
// fails where it is more than this project promises: 3 % of the speed for a tab, 1 % for a studio without one.
func TestTabCost(t *testing.T) {
	if os.Getenv("IMAGO_LATENCY") == "" {
		t.Skip("IMAGO_LATENCY is not set: it measures times, which other work on this machine changes")
	}
	p := startProgram(t, build(t), t.TempDir())
	run := p.beside(`batch: "16"`) // its epochs have many lines
	signal := func(s syscall.Signal) {
		t.Helper()
		if err := p.process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = p.process.Signal(syscall.SIGCONT) }) // one that stands still would not end
	var still, alone, tab []float64
	for range 2 {
		chromium.Run(t, p.Tab, chromedp.Navigate("about:blank"))
		time.Sleep(12 * time.Second) // the training notices that nobody watches
		for range 2 {
			signal(syscall.SIGSTOP)
			still = append(still, p.speeds(run, 6*time.Second)...)
			signal(syscall.SIGCONT)
			alone = append(alone, p.speeds(run, 6*time.Second)...)
		}
		chromium.Run(t, p.Tab, chromedp.Navigate(p.base+"/run/"+run))
		p.until("its pictures are shown", stepShown+" > 0")
		time.Sleep(2 * time.Second)
		tab = append(tab, p.speeds(run, 12*time.Second)...)
	}
	if len(still) < 5 || len(alone) < 5 || len(tab) < 5 {
		t.Fatalf("the log has had %d, %d and %d lines", len(still), len(alone), len(tab))
	}
	none, one := percentile(alone, 50)/percentile(still, 50), percentile(tab, 50)/percentile(alone, 50)
	t.Logf("steps a second, medians: %.2f without a studio (of %d), %.2f with one (of %d): %.3f of it; %.2f with a tab (of %d): %.3f of that",
		percentile(still, 50), len(still), percentile(alone, 50), len(alone), none, percentile(tab, 50), len(tab), one)
	if none < .99 {
		t.Errorf("beside a studio without a tab a training has %.3f of its speed, want at least 0.99", none)
	}
	if one < .97 {
		t.Errorf("with a tab open a training has %.3f of its speed, want at least 0.97", one)
	}
}

// speeds returns the steps a second between each two lines of the log of a run that come one after the other, in an epoch, within a
// time from now on.
func (p *program) speeds(run string, within time.Duration) []float64 {
	p.t.Helper()
	dir := filepath.Join(p.folder, run)
	var out []float64
	var last runlog.Line
	var size int64
	var came time.Time
	for begin := time.Now(); time.Since(begin) < within; time.Sleep(5 * time.Millisecond) {
		st, err := os.Stat(filepath.Join(dir, runlog.MetricsFile))
		if err != nil {
			p.t.Fatal(err)
		}
		now := time.Now()
		if st.Size() == size {
			continue
		}
		log, err := runlog.ReadLog(dir)
		if err != nil {
			p.t.Fatal(err)
		}
		line := log[len(log)-1]
		if size > 0 { // when the first one came is not known
			if !came.IsZero() && line.Epoch == last.Epoch && line.Kind == last.Kind {
				out = append(out, float64(line.Step-last.Step)/now.Sub(came).Seconds())
			}
			last, came = line, now
		}
		size = st.Size()
	}
	return out
}
