// Command make writes the gallery of the guides: a page for each recipe with its picture, and the list of them.
//
//	go run ./docs/gallery/make                      # the pages, and the table of docs/recipes.md
//	go run ./docs/gallery/make -pictures dcgan m2   # the pictures of some recipes first, or of all if none is named
//
// A page is made of what the program itself has of a recipe (its one line, its settings, its paper, the help of its options),
// of the table in table.go, and of what was measured, which is in docs/gallery/measured.json. So no recipe is forgotten, and
// no page says another command, paper or option than the program: a test compares the pages with what this command writes. It
// promises that each figure of a page stands in the page of results that it names. What nobody measured is called not measured.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago/cli"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/models/model"
)

// asImago is the variable by which this program is imago itself, so that pictures are made by its commands.
const asImago = "IMAGO_GALLERY_COMMAND"

func main() {
	if os.Getenv(asImago) != "" {
		cli.Main()
	}
	pictures := flag.Bool("pictures", false, "make the pictures of the named recipes too, of all if none is named")
	work := flag.String("work", "", "`folder` to train in, which is kept; runs that are there already are taken as they are")
	flag.Parse()
	if err := write("docs", *pictures, *work, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

// write writes the pages below a folder, after the pictures of those recipes if they are asked for.
func write(docs string, pictures bool, work string, names []string) error {
	dir := filepath.Join(docs, "gallery")
	g, err := load(dir)
	if err != nil {
		return err
	}
	if pictures {
		if work == "" {
			if work, err = os.MkdirTemp("", "imago-gallery-"); err != nil {
				return err
			}
			defer os.RemoveAll(work)
		}
		for _, e := range g.entries() {
			if len(names) > 0 && !slices.Contains(names, e.recipe) {
				continue
			}
			b, err := e.draw(work)
			if err == nil {
				err = atomicfile.WriteBytes(filepath.Join(dir, e.recipe+".png"), b)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", e.recipe, err)
			}
		}
	}
	pages, err := g.pages(docs)
	if err != nil {
		return err
	}
	for name, text := range pages {
		if err := atomicfile.WriteBytes(filepath.Join(docs, name), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// A gallery is what the pages are made of.
type gallery struct {
	models   model.Registry
	groups   []group
	measured measured
}

// measured is the file of what was measured.
type measured struct {
	Machine string                `json:"machine"`
	Recipes map[string]measuredOf `json:"recipes"`
}

// measuredOf is what was measured of a recipe.
type measuredOf struct {
	Step    step     `json:"step"`
	Figures []figure `json:"figures"`
}

// A step is the time of an update, and of how many images; the zero value says that it was not measured.
type step struct {
	Milliseconds float64 `json:"ms"`
	Images       int     `json:"images"`
	Shape        string  `json:"shape"`
}

// A figure is a result, with a value for each seed, as the page that it comes from has it.
type figure struct {
	What    string   `json:"what"`
	Seeds   []string `json:"seeds"`
	Command string   `json:"command"`
	Page    string   `json:"page"` // of docs, with the heading
}

// load reads what the pages are made of; dir is the folder of the gallery.
func load(dir string) (*gallery, error) {
	g := &gallery{groups: groups()}
	catalog.Models(&g.models)
	b, err := os.ReadFile(filepath.Join(dir, "measured.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &g.measured); err != nil {
		return nil, fmt.Errorf("measured.json: %w", err)
	}
	return g, nil
}

// entries returns all entries in the order of the gallery.
func (g *gallery) entries() []entry {
	var all []entry
	for _, g := range g.groups {
		all = append(all, g.entries...)
	}
	return all
}
