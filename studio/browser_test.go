package studio_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/imago-ml/imago/internal/chromium"
)

// A program is the built program with a studio on a folder, and a tab that shows it.
type program struct {
	*chromium.Tab
	t           *testing.T
	bin, folder string
	base        string
	process     *os.Process
}

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the program and opens a browser")
	}
	bin := filepath.Join(t.TempDir(), "imago")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/imago").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// startProgram starts imago studio on a folder, and opens the address that it prints, in a Chromium with these switches.
func startProgram(t *testing.T, bin, folder string, switches ...string) *program {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, "studio", folder, "--no-open", "--root", t.TempDir(), "--stop-with-studio")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	diesWith(cmd)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()                       // an interrupted program fails
	})
	found := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if m := regexp.MustCompile(`http://\S+`).FindString(s.Text()); m != "" {
				select {
				case found <- m:
				default:
				}
			}
		}
	}()
	select {
	case url := <-found:
		host := strings.SplitN(strings.TrimPrefix(url, "http://"), "/", 2)[0]
		p := &program{chromium.OpenWith(t, switches, host), t, bin, folder, "http://" + host, cmd.Process}
		chromium.Size(t, p.Tab, 1280, 800, false)
		chromium.Run(t, p.Tab, chromedp.Navigate(url))
		return p
	case <-ctx.Done():
		t.Fatal("after a minute the program has printed no address")
		return nil
	}
}

// TestProgram drives the built program in a browser.
func TestProgram(t *testing.T) {
	bin := build(t)
	t.Run("keys", func(t *testing.T) { testKeys(t, bin) })
	t.Run("trains", func(t *testing.T) { testTrains(t, bin) })
	t.Run("undo", func(t *testing.T) { testUndo(t, bin) })
	t.Run("looks", func(t *testing.T) { testLooks(t, bin) })
}

// train trains a small run by the command line.
func train(t *testing.T, bin, folder string, args ...string) {
	t.Helper()
	if out, err := exec.Command(bin, append([]string{"train", "--data", "digits", "--limit", "600", "--threads", "1", "--out", folder}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// until waits until an expression of the page is true. It counts how often it has asked, not the time: a machine that stands
// still for a while is no fault.
func (p *program) until(what, expression string) {
	p.t.Helper()
	for asked := 0; !chromium.Eval[bool](p.t, p.Tab, "!!("+expression+")"); time.Sleep(60 * time.Millisecond) {
		if asked++; asked > 1500 {
			p.t.Fatalf("asked 1,500 times: %s; the page says %q", what, chromium.Eval[string](p.t, p.Tab, "document.body.innerText.slice(0, 1500)"))
		}
	}
}

// click presses what has this text.
func (p *program) click(text string) {
	p.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll("main button, main a, [role=menuitem], .toast button")].find((e) => e.textContent.trim() === %q && !e.disabled)`, text)
	p.until("there is no "+text, find)
	chromium.Eval[bool](p.t, p.Tab, "(() => { "+find+".click(); return true; })()")
}

// says is an expression: the view shows this text.
func says(text string) string {
	return fmt.Sprintf(`document.querySelector("main").innerText.includes(%q)`, text)
}

// fill types a value into the field with a name.
func (p *program) fill(name, value string) {
	p.t.Helper()
	chromium.Eval[bool](p.t, p.Tab, fmt.Sprintf(`(() => { const e = document.querySelector("[name=%s]"); e.value = %q; e.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`, name, value))
}

// testTrains is the way of a person who has nothing: an empty folder shows models to play with; a training is started on
// the page, appears in the list, is watched, stopped, resumed, and compared with a second one that is started from the first.
func testTrains(t *testing.T, bin string) {
	p := startProgram(t, bin, filepath.Join(t.TempDir(), "runs"))
	p.until("the models of the zoo are offered", `document.querySelectorAll(".zoo-cards a").length >= 3`)
	p.click("Start a training")
	p.until("the start is ready", `location.pathname === "/start" && document.querySelector("[name=epochs]") && document.querySelector(".cmd code")`)
	p.fill("epochs", "-3")
	p.until("a wrong value is said at once", `document.querySelector("[name=epochs]").getAttribute("aria-invalid") === "true" && document.querySelector(".go").disabled`)
	chromium.Eval[bool](t, p.Tab, `([...document.querySelectorAll(".recipes .card")].find((e) => e.querySelector(".strong").textContent === "mlp-vae").click(), true)`)
	p.until("the options are those of the recipe", `document.querySelector(".launch h2").textContent.startsWith("mlp-vae") && document.querySelector("[name=latent]")`)
	p.fill("epochs", "200")
	p.fill("limit", "2000")
	p.until("the command is shown", `document.querySelector(".cmd code").textContent.includes("--epochs 200") && document.querySelector(".cmd code").textContent.includes("--limit 2000")`)
	p.click("Start")
	p.until("the run is shown", `location.pathname.startsWith("/run/")`)
	p.until("it trains", `document.querySelector(".badge.on")`)
	p.until("there is a curve", `document.querySelectorAll(".chart tbody tr").length > 2`)
	p.until("there are samples of live weights", `[...document.querySelectorAll(".samples canvas")].every((c) => c.width === 28)`)
	before := chromium.Eval[string](t, p.Tab, `document.querySelector(".pics-col .mute").textContent`)
	p.until("newer weights come", fmt.Sprintf(`document.querySelector(".pics-col .mute").textContent !== %q`, before))
	p.click("Stop and save")
	p.until("it has stopped", says("Stopped"))
	stopped := chromium.Eval[int](t, p.Tab, `parseInt(/epoch (\d+)/.exec(document.querySelector(".fact b").textContent)[1])`)
	p.click("Resume")
	p.until("it goes on", `document.querySelector(".badge.on")`)
	p.until("it is further than before", fmt.Sprintf(`parseInt(/epoch (\d+)/.exec(document.querySelector(".fact b").textContent)[1]) > %d`, stopped))
	p.click("Stop and save")
	p.until("it has stopped again", says("Stopped"))

	chromium.Run(t, p.Tab, chromedp.Navigate(p.base+"/start?recipe=mlp-vae&data=digits&name=second&o.limit=600&o.epochs=2&o.beta=4"))
	p.click("Start")
	p.until("the second is complete", says("Complete"))
	chromium.Eval[bool](t, p.Tab, `(document.querySelector(".brand").click(), true)`)
	p.until("both are listed", `document.querySelectorAll(".run:not(.head-row)").length === 2`)
	chromium.Eval[bool](t, p.Tab, `(document.querySelectorAll(".run:not(.head-row) input").forEach((e) => e.click()), true)`)
	p.click("Compare")
	p.until("what differs is told", says("model.beta"))
	p.until("the samples are there", `[...document.querySelectorAll(".samples canvas")].length === 32 && [...document.querySelectorAll(".samples canvas")].every((c) => c.width === 28)`)
}

// testUndo checks that a run is renamed, tagged, found by words, deleted and brought back, and the keys for it.
func testUndo(t *testing.T, bin string) {
	folder := t.TempDir()
	train(t, bin, folder, "mlp-vae", "--epochs", "2", "--name", "one")
	train(t, bin, folder, "dense-gan", "--steps", "60", "--name", "two")
	p := startProgram(t, bin, folder)
	rows := func(n int) string {
		return fmt.Sprintf(`document.querySelectorAll(".run:not(.head-row)").length === %d`, n)
	}
	p.until("both are listed", rows(2))
	chromium.Run(t, p.Tab, chromedp.KeyEvent("/"))
	p.until("the filter has the focus", `document.activeElement.type === "search" && ((document.activeElement.value = ""), true)`) // the key is sent with its letter
	chromium.Run(t, p.Tab, chromedp.KeyEvent("dense -mlp"))
	p.until("words find one", rows(1)+` && document.querySelector(".run .name").textContent === "two"`)
	menu := func(item string) {
		chromium.Eval[bool](t, p.Tab, `(document.querySelector(".run .act button").click(), true)`)
		p.click(item)
	}
	menu("Rename")
	p.until("a name is asked for", `document.querySelector("dialog input")`)
	chromium.Eval[bool](t, p.Tab, `(() => { const e = document.querySelector("dialog input"); e.value = "dense-three"; e.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`)
	chromium.Run(t, p.Tab, chromedp.KeyEvent(kb.Enter))
	p.until("it has the name", `document.querySelector(".run .name")?.textContent === "dense-three"`)
	if _, err := os.Stat(filepath.Join(folder, "dense-three", "run.json")); err != nil {
		t.Error(err)
	}
	p.until("its picture is there", `[...document.querySelectorAll(".run img")].every((i) => i.complete)`) // else it is asked of a run that is gone
	menu("Delete")
	p.until("it is gone", rows(0))
	chromium.Run(t, p.Tab, chromedp.KeyEvent("z"))
	p.until("it is back", rows(1))
	if _, err := os.Stat(filepath.Join(folder, "dense-three", "run.json")); err != nil {
		t.Error(err)
	}
}

// settledColours waits until the page is drawn in its size and its colours do not change any more, three seconds at most: a
// browser on a busy machine may draw no frame for minutes where nothing changes.
const settledColours = `Promise.race([new Promise((done) => setTimeout(done, 3000)), new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => Promise.allSettled(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished)))]).then(() => true)`

// testLooks opens every view at three sizes, light and dark, and lets axe-core judge it: nothing serious, no console
// error, nothing wider than the window.
func testLooks(t *testing.T, bin string) {
	axe, err := os.ReadFile(os.Getenv("IMAGO_AXE"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("no axe-core: IMAGO_AXE is not the path of its axe.min.js")
	}
	folder := t.TempDir()
	train(t, bin, folder, "mlp-vae", "--epochs", "3", "--name", "one")
	train(t, bin, folder, "mlp-vae", "--epochs", "3", "--beta", "4", "--name", "two")
	train(t, bin, folder, "dense-gan", "--steps", "60", "--name", "game")
	p := startProgram(t, bin, folder)
	shots := os.Getenv("IMAGO_SHOTS") // a folder for pictures of what is seen
	for _, view := range []struct{ name, path, ready string }{
		{"runs", "/", `document.querySelectorAll(".run").length === 4`},
		{"run", "/run/one", `document.querySelectorAll(".chart").length > 1 && [...document.querySelectorAll(".samples canvas")].every((c) => c.width === 28)`},
		{"game", "/run/game", `document.querySelectorAll(".chart").length > 1`},
		{"compare", "/compare?runs=one,two", `document.querySelectorAll(".samples canvas").length === 32`},
		{"start", "/start", `document.querySelector(".look") && document.querySelector("[name=epochs]")`},
		{"judge", "/judge/one", `document.querySelector("main .panel")`},
		{"judge-which", "/judge", `document.querySelector(".picks")`},
	} {
		chromium.Run(t, p.Tab, chromedp.Navigate(p.base+view.path))
		p.until(view.name+" is ready", view.ready)
		chromium.Eval[bool](t, p.Tab, string(axe)+"; true")
		for _, size := range []struct{ w, h int64 }{{360, 740}, {1280, 800}, {2560, 1440}} {
			for _, dark := range []bool{false, true} {
				at := fmt.Sprintf("%s at %dx%d, dark %v", view.name, size.w, size.h, dark)
				chromium.Size(t, p.Tab, size.w, size.h, dark)
				chromium.Eval[bool](t, p.Tab, settledColours)
				if over := chromium.Eval[int](t, p.Tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
					t.Errorf("%s: %d pixels wider than the window", at, over)
				}
				for _, v := range chromium.Eval[[]string](t, p.Tab, `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id + ": " + v.nodes[0].html.slice(0, 160)))`) {
					t.Errorf("%s: %s", at, v)
				}
				if shots != "" {
					b := chromium.Run(t, p.Tab, chromedp.CaptureScreenshot())
					if err := os.WriteFile(filepath.Join(shots, fmt.Sprintf("%s-%d-%v.png", view.name, size.w, dark)), b, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
