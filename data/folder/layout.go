package folder

import (
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
)

// A layout is the division of a set into parts and classes, by the paths of the images.
type layout struct {
	names       []string // of each image, below what holds them all
	train, test []int    // indices of the images
	labels      []int32  // of each image, or nil
	classes     []string
	within      []string // the path of each image below its part, where there are parts
	parts       bool     // train and test are directories of the set
	held        []int    // indices of images in a val beside a test
	common      string   // the directories that all images have in common, with a slash at the end
}

// splitDirs are the names of directories that are parts of a set.
var splitDirs = map[string]string{
	"train": "train", "training": "train",
	"test": "test", "testing": "test",
	"val": "val", "valid": "val", "validation": "val",
}

func arrange(entries []data.ImageFile, opt data.Options) layout {
	var l layout
	for _, e := range entries {
		l.names = append(l.names, e.Name)
	}
	l.common = stripCommon(l.names)

	inside := slices.Clone(l.names)
	parts := map[string][]int{}
	for i, name := range l.names {
		top, rest, nested := strings.Cut(name, "/")
		part := splitDirs[strings.ToLower(top)]
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
		l.train, l.test, l.parts = parts["train"], test, true
		if len(parts["test"]) > 0 {
			l.held = parts["val"]
		}
	} else {
		inside = l.names
		l.train, l.test = data.HoldOut(len(entries), opt, func(i int) string { return l.names[i] })
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

// keep leaves images out of both parts, and classes without an image.
func (l *layout) keep(good func(i int) bool) {
	n := len(l.train) + len(l.test)
	bad := func(i int) bool { return !good(i) }
	l.train, l.test = slices.DeleteFunc(l.train, bad), slices.DeleteFunc(l.test, bad)
	if len(l.train)+len(l.test) < n && l.labels != nil {
		l.labels, l.classes = nil, nil
		l.label(l.within)
	}
}

// label makes classes of the first directory of the images used.
func (l *layout) label(names []string) {
	class := map[string]int32{}
	for _, i := range slices.Concat(l.train, l.test) {
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
		l.classes = append(l.classes, top)
	}
	slices.Sort(l.classes)
	for k, top := range l.classes {
		class[top] = int32(k)
	}
	l.labels = make([]int32, len(names))
	for i, n := range names { // those of a part left out keep 0, unused
		top, _, _ := strings.Cut(n, "/")
		l.labels[i] = class[top]
	}
}
