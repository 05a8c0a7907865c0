package text

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// The parts of a set.
const (
	trainPart = iota
	validPart
	testPart
	parts
)

// partNames are the names of the parts, as data.PartNamed returns them.
var partNames = [parts]string{trainPart: "train", validPart: "val", testPart: "test"}

// A division is the files of a folder that are the parts of one set, as ptb.train.txt, ptb.valid.txt and ptb.test.txt.
type division struct {
	files [parts]string // "" is none
	left  []string      // other files
	err   error         // two files are the same part
}

// divide looks at the names in a folder. There is no division unless one file is the training and one the test part, and
// nothing else is in the folder but what one writes beside texts: lists of pictures have such names too.
func divide(dir string) (d division, found bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return division{}, false, err
	}
	for _, e := range entries {
		part, is := partOf(e)
		switch {
		case e.IsDir() || !is && !slices.Contains([]string{"", ".md", ".txt"}, strings.ToLower(filepath.Ext(e.Name()))):
			return division{}, false, nil
		case !is:
			d.left = append(d.left, e.Name())
		case d.files[part] != "":
			d.err = errors.Join(d.err, fmt.Errorf("both %s and %s are the %s part: leave one of them in the folder", d.files[part], e.Name(), []string{"training", "validation", "test"}[part]))
		default:
			d.files[part] = e.Name()
		}
	}
	return d, d.files[trainPart] != "" && d.files[testPart] != "", nil
}

// partOf reports whether an entry of a folder is a file of texts whose name has exactly one word for a part.
func partOf(e fs.DirEntry) (part int, is bool) {
	if !slices.Contains([]string{".txt", ".jsonl", ".ndjson", ".csv", ".tsv"}, form(e.Name())) {
		return 0, false
	}
	found := map[int]bool{}
	for _, word := range strings.FieldsFunc(e.Name(), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if p := slices.Index(partNames[:], data.PartNamed(word)); p >= 0 {
			part = p
			found[p] = true
		}
	}
	return part, len(found) == 1
}

// openParts reads the files of a folder as the parts of a set.
func openParts(ctx context.Context, dir string, d division, opt data.Options) (*data.Set, error) {
	if d.err != nil {
		return nil, fmt.Errorf("text: %s: %w", dir, d.err)
	}
	set := &data.Set{Name: dir}
	var all [parts]part
	for i, name := range d.files {
		switch {
		case name == "":
			continue
		case i == validPart && opt.Validation == 0 && !opt.Whole:
			set.Tell("left out: %s; {Validation} 0.1 takes it for the validation part, whatever the number", name)
			continue
		}
		if suffix := form(name); (suffix == ".csv" || suffix == ".tsv") && opt.Text == "" {
			return nil, option.Errorf("text: %s: name the column of the texts with {Text}", filepath.Join(dir, name))
		}
		var err error
		if all[i], err = read(ctx, filepath.Join(dir, name), opt, set); err != nil {
			return nil, fmt.Errorf("text: %s: %w", filepath.Join(dir, name), err)
		}
		if all[i].texts == nil {
			return nil, fmt.Errorf("text: %s: %w: there is no text in it", filepath.Join(dir, name), ErrFormat)
		}
	}
	if n := len(d.left); n > 0 {
		set.Tell("left out: %s whose name has no part in it, as %s", english.Plural(n, "file"), d.left[0])
	}
	if opt.Whole {
		for _, p := range all[1:] {
			all[trainPart].texts, all[trainPart].lines, all[trainPart].labels = append(all[trainPart].texts, p.texts...), append(all[trainPart].lines, p.lines...), append(all[trainPart].labels, p.labels...)
		}
		all[validPart], all[testPart] = part{}, part{}
	}
	if err := fill(ctx, set, all, opt); err != nil {
		return nil, fmt.Errorf("text: %s: %w", dir, err)
	}
	return set, nil
}
