package studio_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/imago-ml/imago/internal/chromium"
)

// keys presses keys on what has the focus.
func (p *program) keys(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		chromium.Run(p.t, p.Tab, chromedp.KeyEvent(k))
	}
}

// tab presses Tab, or Shift and Tab for what stands before, until an expression of the element e that has the focus is true.
func (p *program) tab(is string) {
	p.t.Helper()
	way := fmt.Sprintf(`(() => {
		const is = (e) => !!(%s), at = document.activeElement;
		if (is(at)) return 0;
		const to = [...document.querySelectorAll("a, button, input, select, summary, [tabindex]")].find((e) => is(e) && e.checkVisibility());
		return to && at.compareDocumentPosition(to) & Node.DOCUMENT_POSITION_PRECEDING ? -1 : 1;
	})()`, is)
	for range 200 {
		switch chromium.Eval[int](p.t, p.Tab, way) {
		case 0:
			return
		case 1:
			p.keys(kb.Tab)
		default:
			chromium.Run(p.t, p.Tab, chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
		}
	}
	p.t.Fatalf("200 times Tab do not lead to %s, but to %s", is, chromium.Eval[string](p.t, p.Tab, "document.activeElement.outerHTML.slice(0, 300)"))
}

// named is an expression for tab: a button or link of the view with this text.
func named(text string) string {
	return fmt.Sprintf(`e.matches("main button, main a") && e.textContent.trim() === %q`, text)
}

// recipe is an expression for tab: the card of a recipe.
func recipe(name string) string {
	return fmt.Sprintf(`e.matches(".recipes .card") && e.querySelector(".strong").textContent === %q`, name)
}

// testKeys goes from an empty folder to a film by keys alone: a training is started, watched, explored while it trains, stopped,
// resumed, compared with one like it, and a path through the latter is saved.
func testKeys(t *testing.T, bin string) {
	p := startProgram(t, bin, filepath.Join(t.TempDir(), "runs"))
	p.until("the models of the zoo are offered", `document.querySelectorAll(".zoo-cards a").length >= 3`)
	p.tab(named("Start a training"))
	p.keys(kb.Enter)
	p.until("the start is ready", `location.pathname === "/start" && document.querySelector("[name=epochs]") && document.querySelector(".cmd code")`)
	for _, name := range []string{"mlp-vae", "cnn-vae"} {
		p.tab(recipe(name))
		p.keys(" ")
		p.until(name+" is chosen", fmt.Sprintf(`document.querySelector(".launch h2").textContent.startsWith(%q) && document.querySelector("[name=epochs]")`, name))
	}
	p.tab(`e.matches(".sets .card") && e.querySelector(".strong").textContent === "digits"`)
	p.keys(kb.Enter)
	p.tab(`e.name === "epochs"`)
	p.keys("2000")
	p.tab(`e.getAttribute("aria-label") === "Find an option"`)
	p.keys("limit")
	p.tab(`e.name === "limit"`)
	p.keys("200")
	p.until("the command is shown", `/ --epochs 2000\b/.test(document.querySelector(".cmd code")?.textContent) && / --limit 200\b/.test(document.querySelector(".cmd code")?.textContent) && document.querySelector(".go")?.disabled === false`)
	p.tab(`e.matches(".go")`)
	p.keys(kb.Enter)
	p.until("it trains", `location.pathname.startsWith("/run/") && document.querySelector(".badge.on")`)
	p.until("there is a curve", `document.querySelectorAll(".chart tbody tr").length > 2`)

	p.tab(named("Explore"))
	p.keys(kb.Enter)
	p.until("the weights of the training are explored", `location.pathname.startsWith("/explore/") && document.querySelector(".x-head .dot.beat") && globalThis.imagoExplore?.space.values`)
	p.tab(`e.matches(".x-box")`)
	p.walk(kb.ArrowLeft, kb.ArrowLeft, kb.ArrowUp, kb.ArrowUp)
	p.until("the picture is that of newer weights", fmt.Sprintf("imagoExplore.space.decoder.step > %d", chromium.Eval[int](t, p.Tab, "imagoExplore.space.decoder.step")))
	p.keys("gl") // l alone is the lasso
	p.until("learn is shown", `location.pathname === "/learn"`)

	p.keys("gr")
	p.until("the run is listed", `document.querySelector(".run .name")`)
	p.tab(`e.matches(".run .name")`)
	p.keys(kb.Enter)
	p.until("the run is shown", `location.pathname.startsWith("/run/") && document.querySelector(".badge.on")`)
	p.tab(named("Stop and save"))
	p.keys(kb.Enter)
	p.until("it has stopped", says("Stopped"))
	const epoch = `parseInt(/epoch (\d+)/.exec(document.querySelector(".fact b")?.textContent)?.[1])`
	stopped := chromium.Eval[int](t, p.Tab, epoch)
	p.tab(named("Resume"))
	p.keys(kb.Enter)
	p.until("it goes on", fmt.Sprintf(`document.querySelector(".badge.on") && %s > %d`, epoch, stopped))
	p.tab(named("Stop and save"))
	p.keys(kb.Enter)
	p.until("it has stopped again", says("Stopped"))

	p.tab(`e.matches("main [aria-haspopup=menu]")`)
	p.keys(kb.Enter)
	p.until("the menu is open", `document.activeElement.textContent === "Start one like it"`)
	p.keys(kb.Enter)
	p.until("the options are those of the first", `location.pathname === "/start" && document.querySelector("[name=epochs]")?.value === "2000"`)
	p.tab(`e.name === "epochs"`)
	p.keys("2")
	p.until("the command is that of the second", `/ --epochs 2( |$)/.test(document.querySelector(".cmd code")?.textContent) && / --limit 200\b/.test(document.querySelector(".cmd code")?.textContent) && document.querySelector(".go")?.disabled === false`)
	p.tab(`e.matches(".go")`)
	p.keys(kb.Enter)
	p.until("the second is complete", `location.pathname.startsWith("/run/") && `+says("Complete"))

	p.keys("gr")
	p.until("both are listed", `document.querySelectorAll(".run:not(.head-row)").length === 2`)
	for range 2 {
		p.tab(`e.matches(".run:not(.head-row) input") && !e.checked`)
		p.keys(" ")
	}
	p.until("both are selected", `document.querySelectorAll(".run.on").length === 2`)
	p.keys("c")
	p.until("they are compared", `location.pathname === "/compare" && [...document.querySelectorAll(".samples canvas")].filter((c) => c.width === 28).length === 32`)

	chromium.Eval[bool](t, p.Tab, "delete globalThis.imagoExplore && "+saved)
	p.keys("ge")
	p.until("the second is explored", `location.pathname.startsWith("/explore/") && globalThis.imagoExplore?.space.values`)
	p.tab(`e.matches(".x-box")`)
	p.keys("p")
	p.walk(kb.ArrowLeft, kb.ArrowLeft, kb.ArrowLeft, "p")
	p.walk(kb.ArrowUp, kb.ArrowUp, kb.ArrowUp, "p")
	p.until("the path has three stops", `document.querySelectorAll("ol.shelf li").length === 3 && document.querySelector(".film")`)
	p.tab(`e.matches("[aria-label='Save the film'] .btn") && e.textContent === "GIF"`)
	p.keys(kb.Enter)
	p.until("the film is saved", "saved.length === 1")
	if head := chromium.Eval[string](t, p.Tab, "saved[0].slice(0, 6).text()"); head != "GIF89a" {
		t.Errorf("the film begins with %q", head)
	}
}

// walk presses keys on the plane, after which the code and its picture are to be others.
func (p *program) walk(keys ...string) {
	p.t.Helper()
	chromium.Eval[bool](p.t, p.Tab, "(() => { const { z, values } = imagoExplore.space; globalThis.was = { z: z.join(), values: values.slice() }; return true; })()")
	p.keys(keys...)
	p.until("the code and its picture are others", "imagoExplore.space.z.join() !== was.z && imagoExplore.space.values.some((v, i) => v !== was.values[i])")
}
