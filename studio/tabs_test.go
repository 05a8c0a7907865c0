package studio_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/imago-ml/imago/internal/chromium"
)

// TestTraining looks at a training with the page of a studio that did not start it.
func TestTraining(t *testing.T) {
	bin := build(t)
	p := openStudio(t)
	cmd := exec.Command(bin, "train", "cnn-vae", "--data", "digits", "--limit", "2000", "--latent", "2", "--epochs", "100000", "--threads", "1", "--out", p.folder, "--name", "long")
	cmd.Stderr = os.Stderr
	diesWith(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it would train for days
		_ = cmd.Wait()         // it was killed
	})
	p.open("/run/long", stepShown+" > 0")
	t.Run("explore", func(t *testing.T) { testExploreTraining(t, p) })
	t.Run("tabs", func(t *testing.T) { testTabs(t, p) })
}

// in returns the place for a part of the test.
func (p *place) in(t *testing.T) *place { return &place{p.Tab, t, p.studio, p.folder, p.base} }

// stepShown is the step of the weights whose samples a run view shows, 0 if it shows none.
const stepShown = `Number(/^weights of step ([\d\u2009]+)/.exec(document.querySelector(".pics-col .mute")?.textContent ?? "")?.[1].replace(/\D/g, "") ?? 0)`

// testExploreTraining checks that explore shows the picture of the same code anew when the training has newer weights.
func testExploreTraining(t *testing.T, p *place) {
	p = p.in(t)
	p.open("/explore/long?at=live&z=0.5,-0.75", `globalThis.imagoExplore?.space.values && document.querySelector(".x-head .dot.beat")`)
	for range 3 {
		step := chromium.Eval[int](t, p.Tab, "(globalThis.was = imagoExplore.space.values.slice(), imagoExplore.space.decoder.step)")
		p.wait(fmt.Sprintf(`imagoExplore.space.decoder.step > %d && imagoExplore.space.values.some((v, i) => v !== was[i])`, step))
		p.wait(fmt.Sprintf(`Number(document.querySelector(".x-head [role=status]").textContent.replace(/\D/g, "")) > %d`, step))
	}
	if z := p.numbers("imagoExplore.space.z"); len(z) != 2 || z[0] != 0.5 || z[1] != -0.75 {
		t.Errorf("the code is %v, and nobody has moved it", z)
	}
	chromium.Size(t, p.Tab, 360, 740, false)
	if over := chromium.Eval[[]int](t, p.Tab, `[document.documentElement.scrollWidth - 360, document.querySelector(".x-head label").offsetHeight - document.querySelector(".x-head select").offsetHeight]`); over[0] > 0 || over[1] > 2 {
		t.Errorf("at 360 pixels the page is %d wider, and the label of the weights %d higher than its field", over[0], over[1])
	}
	chromium.Size(t, p.Tab, 1280, 800, false)
}

// testTabs opens the run in 12 tabs: all follow the training, by one stream of events, also when the first of them has gone.
func testTabs(t *testing.T, p *place) {
	p = p.in(t)
	all := []*place{p}
	p.open("/run/long", stepShown+" > 0")
	for len(all) < 12 {
		tab := &place{chromium.Another(t, p.Tab), t, p.studio, p.folder, p.base}
		chromium.Run(t, tab.Tab, chromedp.Navigate(p.base+"/run/long"))
		all = append(all, tab)
	}
	follow := func(tabs []*place) {
		t.Helper()
		first := tabs[0]
		first.wait(fmt.Sprintf("%s > %d", stepShown, chromium.Eval[int](t, first.Tab, stepShown)))
		newest := chromium.Eval[int](t, first.Tab, stepShown)
		for _, tab := range tabs {
			tab.wait(fmt.Sprintf("%s >= %d", stepShown, newest))
		}
		for range 10 {
			if n := p.studio.Streams(); n != 1 {
				t.Errorf("%d tabs have %d streams of events, want one", len(tabs), n)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	follow(all)
	chromium.Run(t, p.Tab, chromedp.Navigate("about:blank"))
	follow(all[1:])
}
