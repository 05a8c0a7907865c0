package site

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// files returns a file system of Markdown pages.
func files(pages map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range pages {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func TestWrite(t *testing.T) {
	src := Source{Index: "index.md", Outside: "https://example.org/docs/", Version: "v1.2.3", Pages: files(map[string]string{
		"index.md": "# All\n\nHello.\n\n## Start\n\n- [Data & more](data.md): own files\n- [Two](two.md)\n",
		"data.md": "# Data\n\n<!-- ci: parse -->\n<script>alert(1)</script>\n\nSee [there](two.md#a-b) and [the map](../MAP.md).\n\n## What's *this*?\n\nPosterior collapse.\n\n## Next\n\n" +
			"| a |\n| --- |\n| `x` |\n| `imago train vae --epochs 10` |\n\n`imago train/" + strings.Repeat("a", 40) + "`\n\n```sh\nimago\n```\n\n<img src=\"p.png\" width=\"40\" alt=\"a picture\">\n",
		"two.md": "# Two\n\n## A b\n\ntext\n\n## A b\n\nagain\n",
		"p.png":  "png",
	})}
	dir := t.TempDir()
	if err := Write(dir, src); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	data := read("data.html")
	for _, want := range []string{
		"<title>Data · imago</title>", `<a href="data.html" aria-current="page">Data &amp; more</a>`, `href="two.html#a-b"`, `href="https://example.org/docs/../MAP.md"`,
		`<h2 id="whats-this">`, `<div class="table"`, `<code>x</code>`, `<code class="long"><span>imago</span> <span>train</span> <span>vae</span> <span>--epochs</span>`,
		`<div class="code"><pre tabindex="0">`, "<span>imago</span> train/" + strings.Repeat("a", 40) + "</code>", `<img src="p.png" width="40" alt="a picture">`, `rel="next">Two →</a>`, "imago v1.2.3",
	} {
		if !strings.Contains(data, want) {
			t.Errorf("data.html has no %s:\n%s", want, data)
		}
	}
	for _, bad := range []string{"<script>alert", "javascript:", "ci: parse"} {
		if strings.Contains(data, bad) {
			t.Errorf("data.html has %s", bad)
		}
	}
	if two := read("two.html"); !strings.Contains(two, `id="a-b-1"`) || !strings.Contains(two, `rel="prev">← Data &amp; more</a>`) {
		t.Errorf("two.html:\n%s", two)
	}
	words := strings.TrimSuffix(strings.TrimPrefix(read("words.js"), "globalThis.imagoWords = "), ";\n")
	var sections []section
	if err := json.Unmarshal([]byte(words), &sections); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, s := range sections {
		found = found || s == section{Page: "Data", Title: "What's this?", Address: "data.html#whats-this", Text: "Posterior collapse."}
	}
	if !found {
		t.Errorf("the search has %+v", sections)
	}
	if read("p.png") != "png" {
		t.Error("the picture is another")
	}
}

// Pages in a folder: the index of the folder lists them, the site is flat, and a list of pictures is one of cards.
func TestFolder(t *testing.T) {
	pages := map[string]string{
		"index.md": "# All\n\n## Start\n\n- [Gallery](g/index.md)\n- [Data](data.md)\n", "data.md": "# Data\n\nSee [a](g/a.md#x) and [the code](../x/y.go).\n", "g/index.md": "# Gallery\n\n- [![alt](a.png) A](a.md) first\n- [![alt](a.png) B](b.md)\n",
		"g/a.md": "# A\n\n## X\n\n![alt](a.png) [up](index.md), [data](../data.md), [out](../../R.md)\n", "g/b.md": "# B\n", "g/a.png": "png", "g/make.go": "package main",
	}
	write := func() (string, error) {
		dir := t.TempDir()
		return dir, Write(dir, Source{Pages: files(pages), Index: "index.md", Outside: "https://example.org/docs/"})
	}
	dir, err := write()
	if err != nil {
		t.Fatal(err)
	}
	for name, wants := range map[string][]string{
		"data.html":    {`href="g-a.html#x"`, `href="https://example.org/docs/../x/y.go"`},
		"g.html":       {`<ul class="cards">`, `href="g-a.html"`, `src="g-a.png"`, `<a href="g.html" aria-current="page">`, `rel="next">Data`},
		"g-a.html":     {`src="g-a.png"`, `href="g.html">up`, `href="data.html"`, `docs/../R.md"`, `<a href="g.html" aria-current="page">`, `rel="prev">← Gallery</a>`, `rel="next">B →</a>`},
		"g-b.html":     {`rel="prev">← A</a>`},
		"g-a.png":      {"png"},
		"g-make.go":    nil,
		"g-index.html": nil,
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if (err == nil) != (wants != nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range wants {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s has no %s:\n%s", name, want, b)
			}
		}
	}
	pages["g/c.md"] = "# C\n"
	if _, err := write(); err == nil || !strings.Contains(err.Error(), "g/index.md does not list g/c.md") {
		t.Errorf("a page that is not listed: %v", err)
	}
	delete(pages, "g/c.md")
	pages["g/b.md"] = "# B\n\n![alt](gone.png)\n"
	if _, err := write(); err == nil || !strings.Contains(err.Error(), "g/b.md: link to gone.png") {
		t.Errorf("a picture that is not there: %v", err)
	}
}

// Many headings of one name have an anchor each.
func TestAnchors(t *testing.T) {
	a, seen := &anchors{used: map[string]bool{}}, map[string]bool{}
	for range 30 {
		seen[string(a.Generate([]byte("A b"), 0))] = true
	}
	if len(seen) != 30 || !seen["a-b"] || !seen["a-b-1"] || !seen["a-b-29"] {
		t.Errorf("%v", seen)
	}
}

func TestWriteFails(t *testing.T) {
	for _, tt := range []struct {
		pages map[string]string
		want  string
	}{
		{map[string]string{"index.md": "# All\n\n## G\n\n- [A](a.md)\n", "a.md": "# A\n", "b.md": "# B\n"}, "index.md does not list b.md"},
		{map[string]string{"index.md": "# All\n\n## G\n\n- [A](a.md)\n", "a.md": "# A\n\n[gone](gone.md#x)\n"}, "a.md: link to gone.md#x"},
		{map[string]string{"a.md": "# A\n"}, "index.md"},
	} {
		err := Write(t.TempDir(), Source{Pages: files(tt.pages), Index: "index.md"})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.pages, err, tt.want)
		}
	}
}
