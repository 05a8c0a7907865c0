// Command make writes the gallery of the guides: a page for each recipe with its picture, and the list of them.
//
//	go run ./docs/gallery/make                      # the pages, and the table of docs/recipes.md
//	go run ./docs/gallery/make -pictures dcgan m2   # some pictures first, or all if none is named
//	go run ./docs/gallery/make -check dcgan m2      # makes pictures again and says how much each differs; writes nothing
//
// The pictures are those of the recipes, and those of other pages that table.go has. All are of data that imago
// makes itself.
//
// A page is made of what the program itself has of a recipe (its one line, its settings, its paper, the help of its options),
// of the table in table.go, and of what was measured, which is in docs/gallery/measured.json. So no recipe is forgotten, and
// no page says another command, paper or option than the program: a test compares the pages with what this command writes. It
// promises that each figure of a page stands in the page of results that it names. What nobody measured is called not measured.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

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
	pictures := flag.Bool("pictures", false, "make the named pictures too, all if none is named")
	check := flag.Bool("check", false, "make the named pictures again, all if none is named, and compare them with those that are there")
	work := flag.String("work", "", "`folder` to train in, which is kept; runs that are there already are taken as they are")
	flag.Parse()
	if err := run("docs", *pictures, *check, *work, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

// run writes the pages below a folder, after the named pictures if they are asked for, or compares pictures.
func run(docs string, pictures, check bool, work string, names []string) error {
	if pictures && check || len(names) > 0 && !pictures && !check {
		return errors.New("names of pictures follow either -pictures or -check")
	}
	g, err := load(filepath.Join(docs, "gallery"))
	if err != nil {
		return err
	}
	if pictures || check {
		files, err := g.named(names)
		if err != nil {
			return err
		}
		if work == "" {
			if work, err = os.MkdirTemp("", "imago-gallery-"); err != nil {
				return err
			}
			defer os.RemoveAll(work)
		}
		if check {
			return compare(os.Stdout, docs, work, files)
		}
		for _, f := range files {
			b, err := f.draw(work)
			if err == nil {
				err = atomicfile.WriteBytes(filepath.Join(docs, f.path), b)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
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
