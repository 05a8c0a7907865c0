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

// note adds to the set what a person should know of the folder: what is left out, where
// folders are no parts or classes though they look like it, and images that are equal.
func note(set *data.Set, files *data.Listing, l layout, images *data.Decoded, used []int) {
	if left, wanted := files.LeftOutText(); wanted {
		set.Warn("left out: %s", left)
	} else if left != "" {
		set.Tell("left out: %s", left)
	}
	set.Notes = append(set.Notes, images.Notes...)
	l.noteParts(set)
	l.noteClasses(set, files)
	noteNames(set, files)
	noteEqual(set, l, images, used)
}

// noteParts says where folders named as parts are none, and what is in no part.
func (l *layout) noteParts(set *data.Set) {
	if len(l.held) > 0 {
		top, _, _ := strings.Cut(l.names[l.held[0]], "/")
		set.Warn("left out: %s in %s/, for train/ and test/ are the two parts", english.Plural(len(l.held), "image"), top)
	}
	if l.parts {
		return
	}
	var parts []string // folders named as parts
	beside := ""       // what lies beside them
	for _, name := range l.names {
		top, _, nested := strings.Cut(name, "/")
		switch {
		case nested && splitDirs[strings.ToLower(top)] != "":
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
			and(parts), beside, english.Plural(len(l.train)+len(l.test), "image"))
	}
}

// noteClasses says where folders are no classes, which folders have no image, and which
// classes are in one part only.
func (l *layout) noteClasses(set *data.Set, files *data.Listing) {
	kind := "folder"
	if l.classes != nil {
		kind = "class"
	}
	for _, dir := range l.emptyDirs(files) {
		set.Warn("%s %s has no picture that can be read", kind, dir)
	}
	if l.classes == nil {
		l.noteNoClasses(set)
		return
	}
	if !l.parts {
		return
	}
	var in [2][]int // images of each class in either part
	for part, index := range [][]int{l.train, l.test} {
		in[part] = make([]int, len(l.classes))
		for _, i := range index {
			in[part][l.labels[i]]++
		}
	}
	for k, class := range l.classes {
		for part, name := range []string{"training", "test"} {
			if in[part][k] == 0 && in[1-part][k] > 0 {
				set.Warn("class %s has no picture in the %s part", class, name)
			}
		}
	}
}

// noteNoClasses says which image keeps folders from being classes.
func (l *layout) noteNoClasses(set *data.Set) {
	dirs := map[string]bool{}
	beside := ""
	for _, i := range slices.Concat(l.train, l.test) {
		top, _, nested := strings.Cut(l.within[i], "/")
		switch {
		case nested && (l.parts || splitDirs[strings.ToLower(top)] == ""):
			dirs[top+"/"] = true
		case !nested && beside == "":
			beside = l.names[i]
		}
	}
	if len(dirs) > 1 && beside != "" {
		set.Warn("%s are no classes, for %s lies in none of them: the set has no labels", and(slices.Sorted(maps.Keys(dirs))), beside)
	}
}

// emptyDirs returns the folders without any image beside which there are folders with
// images, as paths below what all images have in common.
func (l *layout) emptyDirs(files *data.Listing) []string {
	has := map[string]bool{} // folders with an image in or below them
	for _, i := range slices.Concat(l.train, l.test, l.held) {
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
// than one in a hundred, and whether a test image is a training image too.
func noteEqual(set *data.Set, l layout, images *data.Decoded, used []int) {
	first := map[[32]byte]string{}
	copies, example := 0, ""
	both, leak := 0, ""
	for part, index := range [][]int{l.train, l.test} {
		own := map[[32]byte]string{}
		for _, i := range index {
			at, _ := slices.BinarySearch(used, i)
			sum := images.Sum(at)
			other, equal := first[sum]
			if equal && part == 1 {
				if both++; both == 1 {
					leak = fmt.Sprintf("%s and %s", l.names[i], other)
				}
			}
			if before, found := own[sum]; found {
				other, equal = before, true
			}
			if equal {
				if copies++; copies == 1 {
					example = fmt.Sprintf("%s and %s", l.names[i], other)
				}
			}
			own[sum] = l.names[i]
		}
		if part == 0 {
			first = own
		}
	}
	n := len(l.train) + len(l.test)
	switch text := "the test part has %s equal to a training image, as %s are"; {
	case 100*both > len(l.test):
		set.Tell(text+": it also judges what was learned by heart", english.Plural(both, "image"), leak)
	case both > 0:
		set.Tell(text, english.Plural(both, "image"), leak)
	case 100*copies > n:
		set.Tell("%d of %s are equal to another, as %s are", copies, english.Plural(n, "image"), example)
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
