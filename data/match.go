package data

import (
	"fmt"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// MatchClasses gives each class of s the number that it has in names, such as the
// classes of the set that a model was trained on: a class is its name. Names that are
// not the same text but the same number, as 1 and 1.0, are one class. It changes
// s.Classes, and the labels of s in a copy. Classes of items that are not in names
// follow those of names, and are returned.
func (s *Set) MatchClasses(names []string) (unknown []string) {
	if s.Classes == nil || slices.Equal(s.Classes, names) {
		return nil
	}
	used := make([]bool, len(s.Classes))
	for _, p := range []Split{s.Train, s.Test} {
		for _, l := range p.Labels {
			used[l] = true
		}
	}
	classes := slices.Clone(names)
	number, equal := map[string]int32{}, map[float64]int32{}
	for k, name := range names {
		number[name] = int32(k)
		if v, ok := finiteNumber(name); ok {
			equal[v] = int32(k)
		}
	}
	for k, name := range s.Classes {
		if _, known := number[name]; known {
			continue
		}
		if v, ok := finiteNumber(name); ok {
			if as, known := equal[v]; known {
				number[name] = as
				continue
			}
		}
		if used[k] {
			number[name] = int32(len(classes))
			classes, unknown = append(classes, name), append(unknown, name)
		}
	}
	for _, p := range []*Split{&s.Train, &s.Test} {
		p.Labels = slices.Clone(p.Labels)
		for i, l := range p.Labels {
			p.Labels[i] = number[s.Classes[l]]
		}
	}
	s.Classes = classes
	return unknown
}

// FolderClasses makes classes of the folders of a set without labels: if a folder on the
// path of each file, below the set or the last of its own path, is called as one of names,
// such as the classes of the set that a model was trained on, then that is its class. A
// folder of one class alone has no labels otherwise. It reports whether it did.
func (s *Set) FolderClasses(names []string) bool {
	if s.Classes != nil || s.Attributes != nil {
		return false
	}
	var labels [2][]int32
	for k, p := range []Split{s.Train, s.Test} {
		if p.Len() > 0 && !p.Origins.Alone {
			return false
		}
		for i := range p.Len() {
			class := -1
			for _, dir := range strings.Split(path.Join(filepath.Base(s.Path), path.Dir(p.Origin(i).File)), "/") {
				if at := slices.Index(names, dir); at >= 0 {
					class = at // of several the innermost
				}
			}
			if class < 0 {
				return false
			}
			labels[k] = append(labels[k], int32(class))
		}
	}
	s.Classes, s.Train.Labels, s.Test.Labels = slices.Clone(names), labels[0], labels[1]
	return true
}

// finiteNumber returns the number that a name is, and reports whether it is one.
func finiteNumber(name string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(name), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// MatchAttributes orders the attributes of s as in names, such as the attributes of the
// set that a model was trained on, and leaves out others. It changes s.Attributes, and
// the attributes of the items in a copy. It fails if s lacks one of names.
func (s *Set) MatchAttributes(names []string) error {
	from := make([]int, len(names))
	for k, name := range names {
		if from[k] = slices.Index(s.Attributes, name); from[k] < 0 {
			return fmt.Errorf("data: %s has no attribute %q; it has %s", s.Name, name, strings.Join(s.Attributes, ", "))
		}
	}
	if slices.Equal(s.Attributes, names) {
		return nil
	}
	have := len(s.Attributes)
	for _, p := range []*Split{&s.Train, &s.Test} {
		if p.Attributes == nil {
			continue
		}
		out := make([]uint8, 0, p.Len()*len(names))
		for i := range p.Len() {
			for _, k := range from {
				out = append(out, p.Attributes[i*have+k])
			}
		}
		p.Attributes = out
	}
	s.Attributes = slices.Clone(names)
	return nil
}
