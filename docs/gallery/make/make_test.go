package main

import (
	"bytes"
	"image"
	_ "image/png" // the pictures
	"os"
	"path/filepath"
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
const maxPicture = 40_000

// TestPictures checks that each page has a small picture, and makes those again that take no long training: most are of
// models that imago brings along, one of a training of three epochs.
func TestPictures(t *testing.T) {
	work := t.TempDir()
	for _, e := range loaded(t).entries() {
		b, err := os.ReadFile(filepath.Join("..", e.recipe+".png"))
		if err != nil || len(b) > maxPicture {
			t.Errorf("%s.png: %d bytes, want 1 to %d (%v)", e.recipe, len(b), maxPicture, err)
			continue
		}
		if !e.picture.again || testing.Short() {
			continue
		}
		t.Run(e.recipe, func(t *testing.T) {
			made, err := e.draw(work)
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 0.5
			if len(e.picture.commands) > 1 { // trained anew: on another processor sums round in other places
				tolerance = 12
			}
			if d := difference(t, b, made); !(d <= tolerance) {
				t.Errorf("it differs by %.2f of 255 on average, want at most %g: go run ./docs/gallery/make -pictures %s", d, tolerance, e.recipe)
			}
		})
	}
}

// difference returns the mean difference of the red, green and blue values of two PNG files; they are of one size.
func difference(t *testing.T, a, b []byte) float64 {
	t.Helper()
	x, y := decode(t, a), decode(t, b)
	if x.Bounds() != y.Bounds() {
		t.Fatalf("%v and %v pixels", x.Bounds(), y.Bounds())
	}
	sum := 0.0
	for i := range x.Bounds().Dx() {
		for j := range x.Bounds().Dy() {
			r, g, b, _ := x.At(i, j).RGBA()
			r2, g2, b2, _ := y.At(i, j).RGBA()
			for _, d := range []int{int(r) - int(r2), int(g) - int(g2), int(b) - int(b2)} {
				sum += float64(max(d, -d)) / 257
			}
		}
	}
	return sum / float64(3*x.Bounds().Dx()*x.Bounds().Dy())
}

func decode(t *testing.T, b []byte) image.Image {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
