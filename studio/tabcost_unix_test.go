//go:build unix

package studio_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"

	"github.com/imago-ml/imago/internal/chromium"
	"github.com/imago-ml/imago/train/live"
	"github.com/imago-ml/imago/train/runlog"
)

// TestTabCost measures what a studio costs the training that it has started: with a tab that shows the run, with none, and while the
// studio itself stands still. As TestLatency it is run by hand, with IMAGO_LATENCY=1 on a machine that does nothing else. The three
// take turns in short windows, every second round with the tab first, and what is judged is the median of the ratios of the rounds:
// a machine changes its speed within minutes by more than a tab costs. It fails where it is more than this project
// promises: 3 % of the speed for a tab, 1 % for a studio without one.
func TestTabCost(t *testing.T) {
	if os.Getenv("IMAGO_LATENCY") == "" {
		t.Skip("IMAGO_LATENCY is not set: it measures times, which other work on this machine changes")
	}
	bin := build(t)
	for _, c := range []struct {
		name, options string
		rounds        int
		window        time.Duration // with a tab, with none, and of a studio that stands still: of several lines of the log, which has one each hundred steps
		parts         int           // of the last two, which take turns
	}{
		{"the batch of the recipe", "", 10, 9 * time.Second, 1},
		{"batches of 16", `, batch: "16"`, 6, 6 * time.Second, 2}, // several lines a second, and steps that wait for each other as often as possible
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startProgram(t, bin, t.TempDir())
			run := p.beside(`limit: "60000", "pictures-every": "-1"` + c.options) // its epochs have many lines, and no pictures to be drawn
			p.unwatched()
			var none, one []float64
			open := true
			for round := range c.rounds {
				var still, alone, tab pace
				withNone := func() {
					if open {
						chromium.Run(t, p.Tab, chromedp.Navigate("about:blank"))
						_ = os.Remove(filepath.Join(p.folder, run, filepath.FromSlash(live.Watch))) // else the training writes weights for 10 seconds
						time.Sleep(1200 * time.Millisecond)
						open = false
					}
					for range c.parts {
						still.add(p.paceStill(run, c.window/time.Duration(c.parts)))
						alone.add(p.pace(run, c.window/time.Duration(c.parts)))
					}
				}
				withOne := func() {
					if !open {
						chromium.Run(t, p.Tab, chromedp.Navigate(p.base+"/run/"+run))
						p.until("its pictures are shown", stepShown+" > 0")
						time.Sleep(1500 * time.Millisecond)
						open = true
					}
					before := p.browserTime()
					tab = p.pace(run, c.window)
					t.Logf("the browser takes %.0f ms of processor time a second", 1e3*(p.browserTime()-before)/c.window.Seconds())
				}
				if round%2 == 0 {
					withNone()
					withOne()
				} else {
					withOne()
					withNone()
				}
				if least := min(still.seconds, alone.seconds, tab.seconds); least < c.window.Seconds()/4 {
					t.Fatalf("in %v the log has grown for %.1f s", c.window, least)
				}
				none, one = append(none, alone.speed()/still.speed()), append(one, tab.speed()/alone.speed())
				t.Logf("round %d: %.2f steps a second without a studio, %.2f with one: %.3f of it; %.2f with a tab: %.3f of that", round+1, still.speed(), alone.speed(), none[round], tab.speed(), one[round])
			}
			t.Logf("speed beside a studio without a tab: %s; with a tab: %s of that", interval(none), interval(one))
			if m := median(none); m < .99 {
				t.Errorf("beside a studio without a tab a training has %.3f of its speed, want at least 0.99", m)
			}
			if m := median(one); m < .97 {
				t.Errorf("with a tab open a training has %.3f of its speed, want at least 0.97", m)
			}
		})
	}
}

// unwatched makes the browser tell this test nothing of what the page asks and changes: no person's browser does, and it takes time.
func (p *program) unwatched() {
	p.t.Helper()
	for _, domain := range []cdp.Command[cdp.Empty, cdp.Empty]{css.Disable, dom.Disable, log.Disable, network.Disable} {
		if _, err := chromedp.Call(p.Tab, domain, cdp.Empty{}); err != nil {
			p.t.Fatal(err)
		}
	}
}

// A pace is steps of a training, and how long they took.
type pace struct{ steps, seconds float64 }

// speed returns the steps a second.
func (a *pace) speed() float64 { return a.steps / a.seconds }

// add adds the steps of another time.
func (a *pace) add(b pace) { a.steps, a.seconds = a.steps+b.steps, a.seconds+b.seconds }

// median returns the median, which of an even number of values is the mean of the two in the middle: percentile returns one of them.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// interval returns the median of ratios, and the interval between two of them that has the true median with a probability of 0.9 if
// there are five, which it names: each ratio is below the true median as often as above.
func interval(ratios []float64) string {
	s := slices.Sorted(slices.Values(ratios))
	n, k := float64(len(s)), 0
	next := math.Pow(.5, n) // the probability that k of the ratios are below
	outside := next
	for next *= n; 2*(outside+next) <= .1; next *= (n - float64(k)) / float64(k+1) {
		outside += next
		k++
	}
	return fmt.Sprintf("%.3f (%.3f to %.3f with a probability of %.2f)", median(s), s[k], s[len(s)-1-k], 1-2*outside)
}

// browserTime returns the seconds of processor time that the browser has taken.
func (p *program) browserTime() (seconds float64) {
	p.t.Helper()
	info, err := chromedp.CallBrowser(p.Tab, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, one := range info.ProcessInfo {
		seconds += one.CPUTime
	}
	return seconds
}

// paceStill returns the pace of a training while the studio stands still. Another program makes it go on, so that it does even when
// this test is killed: a studio that stands still would not end its training.
func (p *program) paceStill(run string, within time.Duration) pace {
	p.t.Helper()
	hold := exec.Command("sh", "-c", fmt.Sprintf("kill -STOP %d; sleep %v; kill -CONT %[1]d", p.process.Pid, within.Seconds()))
	if err := hold.Start(); err != nil {
		p.t.Fatal(err)
	}
	v := p.pace(run, within)
	if err := hold.Wait(); err != nil {
		p.t.Fatal(err)
	}
	return v
}

// pace returns the steps of a training within a time from now on: between lines of its log that follow each other in an epoch.
func (p *program) pace(run string, within time.Duration) (done pace) {
	p.t.Helper()
	var last runlog.Line
	var wrote time.Time
	for begin := time.Now(); time.Since(begin) < within; time.Sleep(10 * time.Millisecond) {
		st, err := os.Stat(filepath.Join(p.folder, run, runlog.MetricsFile))
		if err != nil {
			p.t.Fatal(err)
		}
		if st.ModTime().Equal(wrote) {
			continue
		}
		line, whole := p.newest(run, st.Size())
		if !whole {
			continue
		}
		if last.Step > 0 && !wrote.Before(begin) && line.Epoch == last.Epoch && line.Kind == last.Kind { // when the first one was written says nothing
			done.add(pace{float64(line.Step - last.Step), st.ModTime().Sub(wrote).Seconds()})
		}
		last, wrote = line, st.ModTime()
	}
	return done
}

// newest returns the last line of the log of a run that is so long, if it is there as a whole. The log is read at its end alone: it
// would take longer in each window than in the one before.
func (p *program) newest(run string, size int64) (line runlog.Line, whole bool) {
	p.t.Helper()
	f, err := os.Open(filepath.Join(p.folder, run, runlog.MetricsFile))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, min(size, 8<<10))
	if _, err := f.ReadAt(b, size-int64(len(b))); err != nil {
		p.t.Fatal(err)
	}
	text, whole := bytes.CutSuffix(b, []byte{'\n'})
	text = text[bytes.LastIndexByte(text, '\n')+1:]
	return line, whole && json.Unmarshal(text, &line) == nil
}
