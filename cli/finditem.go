package cli

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
)

// findItems returns the numbers in a split of the items that words name: a number from 0, or a name as outputs have it,
// as a/b.png or b.png, row 12, line 14, x_test row 3, or FILE:14 with the name of the set's file. Errors call the items
// of the split what.
func findItems(set *data.Set, p data.Split, words []string, what string) ([]int, error) {
	var index []int
	for _, w := range words {
		i, err := findItem(set, p, w, what)
		if err != nil {
			return nil, err
		}
		index = append(index, i)
	}
	return index, nil
}

// findItem returns the number in a split of the item that a word names.
func findItem(set *data.Set, p data.Split, word, what string) (int, error) {
	if i, err := strconv.Atoi(word); err == nil {
		if i < 0 || i >= p.Len() {
			return 0, fmt.Errorf("--index %d: %s has %s, numbered from 0", i, set.Name, what)
		}
		return i, nil
	}
	for _, names := range []func(o data.Origin) []string{exactNames, looseNames(set)} {
		var found []int
		var called []string
		for i := range p.Len() {
			o := p.Origin(i)
			for _, name := range names(o) {
				if name == word {
					found, called = append(found, i), append(called, strconv.Quote(o.String()))
					break
				}
			}
		}
		if len(found) > 1 {
			return 0, fmt.Errorf("--index %q names %s: %s: give one of these", word, english.Plural(len(found), "item"), english.Some(called))
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	var all []string
	for i := range min(p.Len(), maxSuggested) {
		all = append(all, looseNames(set)(p.Origin(i))[0])
	}
	return 0, fmt.Errorf("--index %q: none of %s of %s is called so%s; want a number from 0 to %d, or a name such as %s", word, what, set.Name, data.DidYouMean(word, all), p.Len()-1, english.Some(all[:min(len(all), 3)]))
}

// maxSuggested bounds the names that a wrong one is compared with.
const maxSuggested = 10_000

// exactNames returns the names of an item that no other has.
func exactNames(o data.Origin) []string { return []string{o.String()} }

// looseNames returns other names of an item of a set, of which the first is the shortest.
func looseNames(set *data.Set) func(o data.Origin) []string {
	file := filepath.Base(set.Name)
	return func(o data.Origin) []string {
		switch {
		case o.Alone:
			return []string{path.Base(o.File)}
		case o.Line > 0:
			return []string{fmt.Sprintf("line %d", o.Line), fmt.Sprintf("row %d", o.Row), fmt.Sprintf("%s:%d", file, o.Line)}
		case o.File != "":
			return []string{fmt.Sprintf("row %d", o.Row), strings.Join([]string{o.File, strconv.Itoa(o.Row)}, ":")}
		}
		return []string{fmt.Sprintf("row %d", o.Row)}
	}
}
