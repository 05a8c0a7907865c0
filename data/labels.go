package data

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/english"
)

// K is the number of labels, in every comment of this file.

// Classes returns the distinct labels of the parts of a set, sorted (SortClasses), and the
// number of the label of each item in them.
func Classes(parts ...[]string) (classes []string, numbers [][]int32) {
	number := map[string]int32{}
	for _, labels := range parts {
		for _, l := range labels {
			if _, ok := number[l]; !ok {
				number[l] = 0
				classes = append(classes, l)
			}
		}
	}
	SortClasses(classes)
	for k, c := range classes {
		number[c] = int32(k)
	}
	for _, labels := range parts {
		var of []int32
		for _, l := range labels {
			of = append(of, number[l])
		}
		numbers = append(numbers, of)
	}
	return classes, numbers
}

// SortClasses sorts names: by their value if all are numbers, else as words.
func SortClasses(names []string) {
	value := map[string]float64{}
	for _, n := range names {
		v, ok := finiteNumber(n)
		if !ok {
			slices.Sort(names)
			return
		}
		value[n] = v
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(value[a], value[b]), cmp.Compare(a, b)) })
}

// WarnOfLabels adds a warning to s if so many different labels of n items are hardly
// classes: more than 20, and more than half as many as items. The text what names them.
func (s *Set) WarnOfLabels(what string, classes, n int) {
	if classes > 20 && 2*classes > n {
		s.Warn("%s: %s for %s: if they are no classes, say {Label} -", what, english.Plural(classes, "different label"), english.Plural(n, "item"))
	}
}

// A Labeller is Items with labels: the class of each, or its attributes.
type Labeller interface {
	Items
	// LabelNames returns the names of the K classes or attributes.
	LabelNames() []string
	// LabelsAt writes the labels of item i to dst, (K): 1 for its class and 0 for the
	// others, or 1 for each attribute that it has, or all 0 if nothing is known. It
	// panics, as a slice does, if i is outside [0, N).
	LabelsAt(i int, dst []float32)
}

// An Exact is Items whose values are finer than 256 levels: At rounds them.
type Exact interface {
	Items
	// FloatsAt writes item i to the front of dst, (Shape). It is safe for concurrent
	// use.
	FloatsAt(i int, dst []float32) error
}

// LabelNames returns the names of the labels of s: its classes, else its attributes, nil
// if it has neither.
func (s Set) LabelNames() []string {
	if len(s.Classes) > 0 {
		return s.Classes
	}
	return s.Attributes
}

// Labelled returns the items of a split of s: as a Labeller, unless the split has no
// labels.
func (s Set) Labelled(p Split) Items {
	switch {
	case len(s.Classes) > 0 && p.Labels != nil:
		return &labelled{Items: p.Items, names: s.Classes, classes: p.Labels}
	case len(s.Classes) == 0 && p.Attributes != nil:
		return &labelled{Items: p.Items, names: s.Attributes, attributes: p.Attributes}
	}
	return p.Items
}

// labelled is a Labeller.
type labelled struct {
	Items
	names      []string
	classes    []int32 // (N)
	attributes []uint8 // (N, K)
}

func (l *labelled) LabelNames() []string { return l.names }

func (l *labelled) LabelsAt(i int, dst []float32) {
	k := len(l.names)
	if l.classes == nil {
		for j, a := range l.attributes[i*k : (i+1)*k] {
			dst[j] = float32(a)
		}
		return
	}
	clear(dst[:k])
	dst[l.classes[i]] = 1
}

// subset returns items, the subset of those indices, with their labels.
func (l *labelled) subset(images Items, index []int32) *labelled {
	s := &labelled{Items: images, names: l.names}
	k := len(l.names)
	for _, i := range index {
		if l.classes != nil {
			s.classes = append(s.classes, l.classes[i])
		} else {
			s.attributes = append(s.attributes, l.attributes[int(i)*k:(int(i)+1)*k]...)
		}
	}
	return s
}

// exactly returns the FloatsAt of items; nil if they are levels.
func exactly(images Items) func(i int, dst []float32) error {
	switch im := images.(type) {
	case Exact:
		return im.FloatsAt
	case *labelled:
		return exactly(im.Items)
	case *labelledSubset:
		return exactly(im.subset)
	case *joined:
		return im.exactly()
	case *subset:
		if at := exactly(im.all); at != nil {
			return func(i int, dst []float32) error { return at(int(im.index[i]), dst) }
		}
	}
	return nil
}

// FillLabels writes the labels of the items of those indices to the front of dst,
// (B, K), and 0 to the rest. It fails unless images is a Labeller with K labels.
func FillLabels(images Items, index []int32, dst *tensor.Tensor) error {
	l, ok := images.(Labeller)
	if !ok {
		return fmt.Errorf("data: the model takes labels, and the images have none: choose a labelled set")
	}
	s := dst.Shape()
	if have := l.LabelNames(); len(s) != 2 || len(have) != s[1] {
		return fmt.Errorf("data: images of %d labels, want %d as the model was built for: choose the set it was trained on", len(have), s[len(s)-1])
	}
	f, k := dst.F32(), s[1]
	for i, at := range index {
		l.LabelsAt(int(at), f[i*k:(i+1)*k])
	}
	clear(f[len(index)*k:])
	return nil
}
