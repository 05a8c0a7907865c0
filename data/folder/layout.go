package folder

import (
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
)

// A Layout is the division of a set into parts and classes, by the paths of its files.
type Layout struct {
	Names       []string // of each file, below what holds them all
	Train, Test []int    // indices of the files
	Labels      []int32  // of each file, or nil
	Classes     []string
	Parts       bool // Train and Test are directories of the set

	noun   string   // what a file is called: "image"
	within []string // the path of each file below its part, where there are parts
	held   []int    // indices of files in a val beside a test
	common string   // the directories that all files have in common, with a slash at the end
}

// Arrange divides the files of a set, each of which is called noun; see the package. It
// panics, as a slice does, if there is none.
func Arrange(entries []data.ImageFile, noun string, opt data.Options) Layout {
	l := Layout{noun: noun}
	for _, e := range entries {
		l.Names = append(l.Names, e.Name)
	}
	l.common = stripCommon(l.Names)

	inside := slices.Clone(l.Names)
	parts := map[string][]int{}
	for i, name := range l.Names {
		top, rest, nested := strings.Cut(name, "/")
		part := data.PartNamed(top)
		if !nested {
			part = ""
		}
		parts[part] = append(parts[part], i)
		inside[i] = rest
	}
	test := parts["test"]
	if len(test) == 0 {
		test = parts["val"]
	}
	if len(parts[""]) == 0 && len(parts["train"]) > 0 && len(test) > 0 {
		l.Train, l.Test, l.Parts = parts["train"], test, true
		if len(parts["test"]) > 0 {
			l.held = parts["val"]
		}
	} else {
		inside = l.Names
		l.Train, l.Test = data.HoldOut(len(entries), opt, func(i int) string { return l.Names[i] })
	}
	l.within = inside
	l.label(inside)
	return l
}

// stripCommon removes and returns the leading directories that all names have in common.
func stripCommon(names []string) (common string) {
	for {
		top, _, nested := strings.Cut(names[0], "/")
		if !nested {
			return common
		}
		for _, n := range names {
			if !strings.HasPrefix(n, top+"/") {
				return common
			}
		}
		common += top + "/"
		for i := range names {
			names[i] = names[i][len(top)+1:]
		}
	}
}

// Keep leaves files out of both parts, and classes without a file.
func (l *Layout) Keep(good func(i int) bool) {
	n := len(l.Train) + len(l.Test)
	bad := func(i int) bool { return !good(i) }
	l.Train, l.Test = slices.DeleteFunc(l.Train, bad), slices.DeleteFunc(l.Test, bad)
	if len(l.Train)+len(l.Test) < n && l.Labels != nil {
		l.Labels, l.Classes = nil, nil
		l.label(l.within)
	}
}

// label makes classes of the first directory of the files used.
func (l *Layout) label(names []string) {
	class := map[string]int32{}
	for _, i := range slices.Concat(l.Train, l.Test) {
		top, _, nested := strings.Cut(names[i], "/")
		if !nested {
			return
		}
		class[top] = 0
	}
	if len(class) < 2 {
		return
	}
	for top := range class {
		l.Classes = append(l.Classes, top)
	}
	slices.Sort(l.Classes)
	for k, top := range l.Classes {
		class[top] = int32(k)
	}
	l.Labels = make([]int32, len(names))
	for i, n := range names { // those of a part left out keep 0, unused
		top, _, _ := strings.Cut(n, "/")
		l.Labels[i] = class[top]
	}
}
