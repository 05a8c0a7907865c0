package docs_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/imago-ml/imago/docs"
	"github.com/imago-ml/imago/docs/site"
	"github.com/imago-ml/imago/internal/chromium"
)

// write writes the site to a folder and returns the folder.
func write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := site.Write(dir, site.Source{Pages: docs.Pages, Index: docs.Index, Outside: "https://example.org/"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSite: all pages are listed, all links between them lead somewhere.
func TestSite(t *testing.T) { write(t) }

// layout is what is wrong with how a page is laid out: it is wider than the window, the lines break inside a word of code, or
// the button that copies covers code.
const layout = `(() => {
  const faults = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push("the page is " + root.scrollWidth + " wide");
  const lines = (node, from, to) => { const r = document.createRange(); r.setStart(node, from); r.setEnd(node, to); return new Set([...r.getClientRects()].map((b) => b.top)).size; };
  for (const code of document.querySelectorAll("main code:not(pre code)")) {
    const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    for (let n; (n = texts.nextNode());) for (const m of n.data.matchAll(/\S+/g))
      if (m[0].length <= 24 && lines(n, m.index, m.index + m[0].length) > 1) faults.push("a line breaks inside " + m[0]);
  }
  for (const frame of document.querySelectorAll("main .code")) {
    const button = frame.querySelector(".copy"), pre = frame.querySelector("pre");
    if (!button || button.getBoundingClientRect().width < 20) faults.push("no button that copies " + pre.textContent);
    else if (pre.getBoundingClientRect().right > button.getBoundingClientRect().left) faults.push("a button covers " + pre.textContent);
  }
  return faults;
})()`

// The pages in a browser, on a telephone and on a notebook: their layout, what axe-core finds serious in them if IMAGO_AXE is
// its file, and what the search finds first.
func TestSiteInBrowser(t *testing.T) {
	dir := write(t)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	tab := chromium.Open(t, strings.TrimPrefix(server.URL, "http://"))
	axe, err := os.ReadFile(os.Getenv("IMAGO_AXE"))
	if err != nil && os.Getenv("CI") == "true" {
		t.Error(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(pages) < 50 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for i, page := range pages {
		name := filepath.Base(page)
		width := []int64{360, 1280}[i%2] // each half of the pages, as most are alike
		if name == "glossary.html" {
			width = 1280
		}
		chromium.Size(t, tab, width, 900, i%4 < 2)
		chromium.Run(t, tab, chromedp.Navigate(server.URL+"/"+name))
		for _, fault := range chromium.Eval[[]string](t, tab, layout) {
			t.Errorf("%s, %d pixels wide: %s", name, width, fault)
		}
		if name == "glossary.html" && chromium.Eval[bool](t, tab, `[...document.querySelectorAll(".table")].some((e) => e.scrollWidth > e.clientWidth + 1)`) {
			t.Errorf("a table of %s is cut", name)
		}
		if len(axe) > 0 && i%4 != 1 { // the pages of one recipe are as those of another
			chromium.Eval[bool](t, tab, string(axe)+";true")
			for _, fault := range chromium.Eval[[]string](t, tab, `axe.run().then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => v.id + " " + v.nodes[0].target))`) {
				t.Errorf("%s: axe-core: %s", name, fault)
			}
		}
	}
	for query, want := range map[string]string{
		"posterior collapse": "faq.html#posterior-collapse",
		"mode collapse":      "faq.html#mode-collapse",
		"own data":           "data.html",
		"own pictures":       "guide-pictures.html",
		"FID":                "guide-evaluation.html#fid",
		"onnx":               "export.html#onnx",
		"learning rate":      "training.html#the-optimiser",
	} {
		chromium.Run(t, tab, chromedp.Navigate(server.URL+"/index.html?q="+url.QueryEscape(query)))
		if first := chromium.Eval[string](t, tab, `document.querySelector("#found a")?.getAttribute("href") ?? ""`); !strings.HasPrefix(first, want) {
			t.Errorf("the search for %q finds %q first, want %s…", query, first, want)
		}
	}
}
