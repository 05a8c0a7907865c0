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
			"| a |\n| --- |\n| `x` |\n\n<img src=\"p.png\" width=\"40\" alt=\"a picture\">\n",
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
		`<h2 id="whats-this">`, `<div class="table"`, `<img src="p.png" width="40" alt="a picture">`, `rel="next">Two →</a>`, "imago v1.2.3",
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
