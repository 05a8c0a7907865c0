package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/cli"
)

// TestMain is imago itself where this program starts itself as that.
func TestMain(m *testing.M) {
	if os.Getenv(asImago) != "" {
		cli.Main()
	}
	os.Exit(m.Run())
}

const docs = "../.."

// loaded returns the gallery.
func loaded(t *testing.T) *gallery {
	t.Helper()
	g, err := load("..")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestPages checks that the pages are those of the recipes: none is missing, and command, paper and options are the program's.
func TestPages(t *testing.T) {
	pages, err := loaded(t).pages(docs)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil || string(got) != want {
			t.Errorf("docs/%s is not what go run ./docs/gallery/make writes (%v)", name, err)
		}
	}
	there, err := filepath.Glob("../*.md")
	if err != nil || len(there) != len(pages)-1 {
		t.Errorf("docs/gallery has %d pages, want %d: remove those of no recipe (%v)", len(there), len(pages)-1, err)
	}
}

// TestForgotten checks that a recipe without an entry, and a measurement of none, is an error.
func TestForgotten(t *testing.T) {
	g := loaded(t)
	g.groups[0].entries = g.groups[0].entries[1:]
	if _, err := g.pages(docs); err == nil || !strings.Contains(err.Error(), "no entry of the recipe mlp-vae") {
		t.Errorf("without the entry of mlp-vae: %v", err)
	}
	g = loaded(t)
	g.measured.Recipes["dcgam"] = measuredOf{}
	if _, err := g.pages(docs); err == nil || !strings.Contains(err.Error(), "dcgam is no recipe") {
		t.Errorf("with figures of no recipe: %v", err)
	}
	g = loaded(t)
	g.groups[0].entries[0].options = []string{"latnt"}
	if _, err := g.pages(docs); err == nil || !strings.Contains(err.Error(), "no option --latnt") {
		t.Errorf("with an option that is not there: %v", err)
	}
}

// TestFigures checks that each figure stands in the page that it is said to come from.
func TestFigures(t *testing.T) {
	for recipe, m := range loaded(t).measured.Recipes {
		for _, f := range m.Figures {
			name, _, _ := strings.Cut(f.Page, "#")
			page, err := os.ReadFile(filepath.Join(docs, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range f.Seeds {
				if !strings.Contains(string(page), value) {
					t.Errorf("%s: %s: %s does not have %s", recipe, f.What, f.Page, value)
				}
			}
		}
	}
}

// maxPicture is the size of a picture in bytes: all of them are in the program.
const maxPicture = 42_000

// TestPictures checks that each page has a small picture, and makes those again that take no long training: most are of
// models that imago brings along, one of a training of three epochs.
func TestPictures(t *testing.T) {
	g, err := loaded(t).named(nil)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	for _, f := range g {
		info, err := os.Stat(filepath.Join(docs, f.path))
		if err != nil || !f.whole && info.Size() > maxPicture {
			t.Errorf("%s is missing, or has more than %d bytes (%v)", f.path, maxPicture, err)
			continue
		}
		if !f.again || testing.Short() {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			if err := compare(t.Output(), docs, work, []file{f}); err != nil {
				t.Errorf("%v: go run ./docs/gallery/make -pictures %s", err, f.name)
			}
		})
	}
}

// browsed are the pictures of pages in a browser, which the tests of these pages make again and compare.
var browsed = []string{"export-page.png", "studio.gif"}

// TestNoOtherPicture checks that the guides have no picture but those that are made again and compared.
func TestNoOtherPicture(t *testing.T) {
	known := slices.Clone(browsed)
	for _, f := range loaded(t).files() {
		known = append(known, f.path)
	}
	err := fs.WalkDir(os.DirFS(docs), ".", func(path string, d fs.DirEntry, err error) error {
		if slices.Contains([]string{".png", ".gif", ".jpg", ".svg", ".webp"}, filepath.Ext(path)) && !slices.Contains(known, path) {
			t.Errorf("docs/%s is made by no command of table.go", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSheets checks that the page of a whole sheet shows it and the commands that make it.
func TestSheets(t *testing.T) {
	for _, s := range sheets() {
		page, err := os.ReadFile(filepath.Join(docs, "..", s.page))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range append([]string{s.name + ".png"}, s.commands...) {
			if !strings.Contains(string(page), want) {
				t.Errorf("%s has no %s", s.page, want)
			}
		}
	}
}

// TestDiffers checks that a picture which its commands do not make is reported, as is one of another size or of no recipe.
func TestDiffers(t *testing.T) {
	g, pages, work := loaded(t), t.TempDir(), t.TempDir()
	files, err := g.named([]string{"cnn-vae", "infogan"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(pages, "gallery"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{"cnn-vae": "infogan", "infogan": "face-vae"} {
		b, err := os.ReadFile(filepath.Join("..", from+".png"))
		if err == nil {
			err = os.WriteFile(filepath.Join(pages, "gallery", name+".png"), b, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := compare(&out, pages, work, files); err == nil || !strings.HasPrefix(err.Error(), "2 of 2 pictures differ") {
		t.Errorf("pictures of other models: %v", err)
	}
	if text := out.String(); strings.Count(text, "OVER") != 2 || !strings.Contains(text, "255.00 of 255") {
		t.Errorf("it wrote\n%s", text)
	}
	if _, err := g.named([]string{"dcgam"}); err == nil || !strings.Contains(err.Error(), `no picture "dcgam"`) {
		t.Errorf("a picture of no recipe: %v", err)
	}
}
