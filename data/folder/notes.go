package folder

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
)

// Note adds to the set what a person should know of the folder: what is left out, the notes
// of those who read the files, where folders are no parts or classes though they look like
// it, and files that are equal. sum returns the SHA-256 of a file that is used.
func (l *Layout) Note(set *data.Set, files *data.Listing, read []data.Note, sum func(i int) [32]byte) {
	if left, wanted := files.LeftOutText(); wanted {
		set.Warn("left out: %s", left)
	} else if left != "" {
		set.Tell("left out: %s", left)
	}
	set.Notes = append(set.Notes, read...)
	l.noteParts(set)
	l.noteClasses(set, files)
	noteNames(set, files)
	l.noteEqual(set, sum)
}

// noteParts says where folders named as parts are none, and what is in no part.
func (l *Layout) noteParts(set *data.Set) {
	if len(l.held) > 0 {
		top, _, _ := strings.Cut(l.Names[l.held[0]], "/")
		set.Warn("left out: %s in %s/, for train/ and test/ are the two parts", english.Plural(len(l.held), l.noun), top)
	}
	if l.Parts {
		return
	}
	var parts []string // folders named as parts
	beside := ""       // what lies beside them
	for _, name := range l.Names {
		top, _, nested := strings.Cut(name, "/")
		switch {
		case nested && data.PartNamed(top) != "":
			if !slices.Contains(parts, top+"/") {
				parts = append(parts, top+"/")
			}
		case beside == "" && nested:
			beside = top + "/"
		case beside == "":
			beside = name
		}
	}
	if len(parts) >= 2 && beside != "" {
		set.Warn("%s are no parts, for %s lies beside them: all %s are divided anew into a training and a test part",
			and(parts), beside, english.Plural(len(l.Train)+len(l.Test), l.noun))
	}
}

// noteClasses says where folders are no classes, which folders have no image, and which
// classes are in one part only.
func (l *Layout) noteClasses(set *data.Set, files *data.Listing) {
	kind := "folder"
	if l.Classes != nil {
		kind = "class"
	}
	for _, dir := range l.emptyDirs(files) {
		set.Warn("%s %s has no %s that can be read", kind, dir, l.noun)
	}
	if l.Classes == nil {
		l.noteNoClasses(set)
		return
	}
	if !l.Parts {
		return
	}
	var in [2][]int // images of each class in either part
	for part, index := range [][]int{l.Train, l.Test} {
		in[part] = make([]int, len(l.Classes))
		for _, i := range index {
			in[part][l.Labels[i]]++
		}
	}
	for k, class := range l.Classes {
		for part, name := range []string{"training", "test"} {
			if in[part][k] == 0 && in[1-part][k] > 0 {
				set.Warn("class %s is missing from the %s part: it has no %s there", class, name, l.noun)
			}
		}
	}
}

// noteNoClasses says which image keeps folders from being classes.
func (l *Layout) noteNoClasses(set *data.Set) {
	dirs := map[string]bool{}
	beside := ""
	for _, i := range slices.Concat(l.Train, l.Test) {
		top, _, nested := strings.Cut(l.within[i], "/")
		switch {
		case nested && (l.Parts || data.PartNamed(top) == ""):
			dirs[top+"/"] = true
		case !nested && beside == "":
			beside = l.Names[i]
		}
	}
	if len(dirs) > 1 && beside != "" {
		set.Warn("%s are no classes, for %s lies in none of them: the set has no labels", and(slices.Sorted(maps.Keys(dirs))), beside)
	}
}

// emptyDirs returns the folders without any image beside which there are folders with
// images, as paths below what all images have in common.
func (l *Layout) emptyDirs(files *data.Listing) []string {
	has := map[string]bool{} // folders with an image in or below them
	for _, i := range slices.Concat(l.Train, l.Test, l.held) {
		for dir := path.Dir(files.Files[i].Name); dir != "." && !has[dir]; dir = path.Dir(dir) {
			has[dir] = true
		}
	}
	parents := map[string]bool{} // folders with a folder of images
	for dir := range has {
		parents[path.Dir(dir)] = true
	}
	dirs := slices.Clone(files.Dirs)
	for _, o := range files.Left { // of a zip, whose folders need not be listed
		if dir := path.Dir(o.Name); dir != "." && o.Image {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	var empty []string
	for _, dir := range slices.Compact(dirs) {
		if !has[dir] && parents[path.Dir(dir)] {
			empty = append(empty, strings.TrimPrefix(dir, l.common))
		}
	}
	return empty
}

// noteNames says that names are shown otherwise than they are.
func noteNames(set *data.Set, files *data.Listing) {
	n := 0
	for _, f := range files.Files {
		if !utf8.ValidString(f.Name) {
			n++
		}
	}
	if n > 0 {
		set.Tell("%s with a name that is not UTF-8: its odd letters are shown as \ufffd", english.Plural(n, "file"))
	}
}

// noteEqual says how many files are equal byte for byte to another, if they are more
// than one in a hundred, and whether a test file is a training file too.
func (l *Layout) noteEqual(set *data.Set, sumOf func(i int) [32]byte) {
	first := map[[32]byte]string{}
	copies, example := 0, ""
	both, leak := 0, ""
	for part, index := range [][]int{l.Train, l.Test} {
		own := map[[32]byte]string{}
		for _, i := range index {
			sum := sumOf(i)
			other, equal := first[sum]
			if equal && part == 1 {
				if both++; both == 1 {
					leak = fmt.Sprintf("%s and %s", l.Names[i], other)
				}
			}
			if before, found := own[sum]; found {
				other, equal = before, true
			}
			if equal {
				if copies++; copies == 1 {
					example = fmt.Sprintf("%s and %s", l.Names[i], other)
				}
			}
			own[sum] = l.Names[i]
		}
		if part == 0 {
			first = own
		}
	}
	n := len(l.Train) + len(l.Test)
	switch text := "the test part has %s equal to a training " + l.noun + ", as %s are"; {
	case 100*both > len(l.Test):
		set.Tell(text+": it also judges what was learned by heart", english.Plural(both, l.noun), leak)
	case both > 0:
		set.Tell(text, english.Plural(both, l.noun), leak)
	case 100*copies > n:
		set.Tell("%d of %s are equal to another, as %s are", copies, english.Plural(n, l.noun), example)
	}
}

// and lists names: "train/ and test/", "a/, b/ and c/".
func and(names []string) string {
	const most = 4
	if n := len(names); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), n-most+1)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
