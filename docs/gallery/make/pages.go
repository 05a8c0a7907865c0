package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/models/model"
)

// pages returns the pages, by their names below docs: those of the gallery, and recipes.md with its table.
func (g *gallery) pages(docs string) (map[string]string, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	recipes := filepath.Join(docs, "recipes.md")
	b, err := os.ReadFile(recipes)
	if err != nil {
		return nil, err
	}
	table, err := g.table(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", recipes, err)
	}
	pages := map[string]string{"recipes.md": table, "gallery/index.md": g.index()}
	for _, e := range g.entries() {
		if pages["gallery/"+e.recipe+".md"], err = g.page(&e); err != nil {
			return nil, fmt.Errorf("%s: %w", e.recipe, err)
		}
	}
	return pages, nil
}

// check returns an error unless each recipe has one entry, and each entry and each measurement a recipe.
func (g *gallery) check() error {
	all := map[string]bool{}
	for _, e := range g.entries() {
		if _, err := g.models.Recipe(e.recipe); err != nil || all[e.recipe] {
			return fmt.Errorf("table.go: %s is there twice, or no recipe", e.recipe)
		}
		all[e.recipe] = true
	}
	for _, r := range g.models.Recipes() {
		if !all[r.Name] {
			return fmt.Errorf("table.go has no entry of the recipe %s", r.Name)
		}
	}
	for name := range g.measured.Recipes {
		if !all[name] {
			return fmt.Errorf("measured.json: %s is no recipe", name)
		}
	}
	return nil
}

// recipe returns the recipe of an entry, which check has found.
func (g *gallery) recipe(e *entry) model.Recipe {
	r, err := g.models.Recipe(e.recipe)
	if err != nil {
		panic(err)
	}
	return r
}

const notice = "<!-- Written by go run ./docs/gallery/make: change its table instead. -->\n"

// index returns the page that shows all recipes as cards.
func (g *gallery) index() string {
	var b strings.Builder
	b.WriteString("# Gallery\n\n" + notice + "\nAll " + fmt.Sprint(len(g.entries())) + " recipes: a page each, with a picture, its paper, its command, how long it takes, how good it is, and what is known\n" +
		"to go wrong. The pictures are of digits, faces, sounds, melodies, chorales and sentences that imago makes. The models behind\nthem were trained for some minutes at most; their pages say how.\n")
	for _, group := range g.groups {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", group.title, wrap(group.about))
		for _, e := range group.entries {
			fmt.Fprintf(&b, "- [![%s](%s.png) %s](%s.md) %s\n", e.picture.alt, e.recipe, e.recipe, e.recipe, g.recipe(&e).About)
		}
	}
	return b.String()
}

// The marks between which recipes.md has the table.
const tableBegins, tableEnds = "<!-- recipes, by go run ./docs/gallery/make -->\n\n", "\n<!-- end of recipes -->\n"

// table returns the page recipes.md with the table of all recipes.
func (g *gallery) table(page string) (string, error) {
	before, rest, begins := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("there are no lines %q and %q", tableBegins, tableEnds)
	}
	var b strings.Builder
	b.WriteString("| recipe | what it is | from |\n| --- | --- | --- |\n")
	for _, e := range g.entries() {
		author, _, _ := strings.Cut(catalog.Paper(e.recipe), ",")
		fmt.Fprintf(&b, "| [`%s`](gallery/%s.md) | %s | %s |\n", e.recipe, e.recipe, cell(g.recipe(&e).About), author)
	}
	return before + tableBegins + b.String() + tableEnds + after, nil
}

var arxiv = regexp.MustCompile(`arXiv:([0-9.]+)`)

// page returns the page of a recipe.
func (g *gallery) page(e *entry) (string, error) {
	r := g.recipe(e)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n%s.\n\n![%s](%s.png)\n\n", e.recipe, notice, strings.ToUpper(r.About[:1])+r.About[1:], e.picture.alt, e.recipe)
	paper := "the plain autoencoder, which has no paper of its own"
	if p := catalog.Paper(e.recipe); p != "" {
		paper = arxiv.ReplaceAllString(p, "[arXiv:$1](https://arxiv.org/abs/$1)")
	}
	fmt.Fprintf(&b, "From: %s. All recipes are in the [gallery](index.md).\n", paper)

	fmt.Fprintf(&b, "\n## Train it\n\n<!-- ci: parse -->\n```sh\nimago train %s --data %s\nimago sample latest\n```\n\n%s\n", e.recipe, e.data, wrap(g.time(e, r)))
	figures, err := g.figures(e)
	if err != nil {
		return "", err
	}
	b.WriteString("\n## How good it is\n\n" + figures)

	options, err := g.options(e, r)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "\n## Options that matter\n\n%s\n`imago train %s --help` lists all of them, and [recipes](../recipes.md) and [training](../training.md) say more.\n", options, e.recipe)

	b.WriteString("\n## Known weaknesses\n\n")
	for _, w := range e.weak {
		b.WriteString("- " + w + "\n")
	}
	of, comment := "It is of a short training, with options of its own. It shows what the recipe begins with, not what it reaches.", "<!-- ci: parse -->\n"
	if !e.picture.trained() {
		comment, of = "", "It is of a model that imago brings along, smaller than the recipe: `imago zoo` says how it was trained."
	}
	fmt.Fprintf(&b, "\n## The picture\n\n%s\n\n%s```sh\n%s\n```\n", of, comment, strings.Join(e.picture.commands, "\n"))
	return b.String(), nil
}

// items is how many training pictures a set has that a command names.
var items = map[string]float64{"mnist": 60_000, "faces": 20_000}

// time says how long the training takes.
func (g *gallery) time(e *entry, r model.Recipe) string {
	length := fmt.Sprintf("%s in batches of %d", english.Plural(r.Train.Epochs, "epoch"), r.Train.Batch)
	if r.Train.Steps > 0 {
		length = fmt.Sprintf("%s iterations in batches of %d", english.Thousands(float64(r.Train.Steps)), r.Train.Batch)
	}
	length = fmt.Sprintf("As it is, it runs for %s at a learning rate of %g", length, r.Train.LearningRate)
	if s := r.Train.Schedule; s != "" {
		length += ", schedule `" + s + "`"
	}
	s := g.measured.Recipes[e.recipe].Step
	if s.Images == 0 {
		return length + ". Its time was not measured."
	}
	images := float64(r.Train.Epochs) * items[e.data]
	if r.Train.Steps > 0 {
		images = float64(r.Train.Steps * r.Train.Batch)
	}
	second := s.Milliseconds / 1000 / float64(s.Images) // of an image
	return fmt.Sprintf("%s. A step of %d images of %s takes %.3g ms on %s. So %s images take about %s, and all of it about %s.", length, s.Images, s.Shape, s.Milliseconds, g.measured.Machine,
		english.Thousands(items[e.data]), about(second*items[e.data]), about(second*images))
}

// about returns a time of so many seconds in words.
func about(seconds float64) string {
	return strings.TrimPrefix(english.About(time.Duration(seconds*float64(time.Second))), "about ")
}

// figures returns the list of what was measured.
func (g *gallery) figures(e *entry) (string, error) {
	text := ""
	for _, f := range g.measured.Recipes[e.recipe].Figures {
		page, _, _ := strings.Cut(f.Page, ".")
		text += fmt.Sprintf("- **%s**: %s (%s, [%s](../%s)), by `%s`\n", strings.Join(f.Seeds, ", "), f.What, english.Plural(len(f.Seeds), "run"), page, f.Page, f.Command)
	}
	if text == "" {
		text = "Over several seeds, or on real data, it was not measured.\n"
	}
	_, name, ok := strings.Cut(e.picture.commands[0], zoo.Scheme)
	if !ok {
		return text, nil
	}
	name, _, _ = strings.Cut(name, " ")
	catalog.Zoo()
	records, err := eval.ReadRecords(zoo.Scheme + name + "/" + eval.RecordsFile)
	if err != nil {
		return "", err
	}
	var all []string
	for _, r := range records {
		all = append(all, fmt.Sprintf("`%s` %.4g", r.Name, r.Value))
	}
	return text + fmt.Sprintf("\nThe model of the picture, one seed: %s.\n", strings.Join(all, ", ")), nil
}

var optionName = regexp.MustCompile(`--[a-z][a-z0-9-]*`)

// options returns the table of the options that matter.
func (g *gallery) options(e *entry, r model.Recipe) (string, error) {
	config, err := g.models.Config(r)
	if err != nil {
		return "", err
	}
	flags := model.Flags(config)
	var b strings.Builder
	b.WriteString("| option | here | what it is |\n| --- | --- | --- |\n")
	for _, name := range e.options {
		i := slices.IndexFunc(flags, func(f *model.Flag) bool { return f.Name == name })
		if i < 0 {
			return "", fmt.Errorf("table.go: there is no option --%s", name)
		}
		here := "`" + flags[i].String() + "`"
		if here == "``" {
			here = "by the image"
		}
		fmt.Fprintf(&b, "| `--%s` | %s | %s |\n", name, here, optionName.ReplaceAllString(cell(flags[i].Help), "`$0`"))
	}
	return b.String(), nil
}

// cell returns a text as a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// wrap breaks a text into lines of at most 130 characters.
func wrap(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 130 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}
