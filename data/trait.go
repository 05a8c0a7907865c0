package data

import (
	"fmt"
	"slices"
	"strings"
)

// A Trait is an attribute or a class of a set: it divides the images into those that
// have it and the others.
type Trait struct {
	Name      string // in the spelling of the set
	Attribute int    // index into Set.Attributes; −1 if the trait is a class
	class     int32
}

// Trait returns the attribute or class of that name; upper and lower case are not
// distinguished. The error lists similar names.
func (s Set) Trait(name string) (Trait, error) {
	same := func(n string) bool { return strings.EqualFold(n, name) }
	if i := slices.IndexFunc(s.Attributes, same); i >= 0 {
		return Trait{s.Attributes[i], i, -1}, nil
	}
	if i := slices.IndexFunc(s.Classes, same); i >= 0 {
		return Trait{s.Classes[i], -1, int32(i)}, nil
	}
	names := slices.Concat(s.Attributes, s.Classes)
	switch near := Suggest(name, names); {
	case len(names) == 0:
		return Trait{}, fmt.Errorf("%q: %s has neither attributes nor classes: choose a labelled set", name, s.Name)
	case len(near) > 0:
		return Trait{}, fmt.Errorf("%s has no attribute or class %q; near that: %s", s.Name, name, strings.Join(near, ", "))
	}
	return Trait{}, fmt.Errorf("%s has no attribute or class %q; have %s", s.Name, name, strings.Join(names, ", "))
}

// Mask reports for each image of a split of the set whether it has the trait. It fails if
// the split is not labelled.
func (t Trait) Mask(p Split) ([]bool, error) {
	with := make([]bool, p.Len())
	switch {
	case t.Attribute >= 0 && p.Attributes != nil:
		of := len(p.Attributes) / max(1, p.Len())
		for i := range with {
			with[i] = p.Attributes[i*of+t.Attribute] != 0
		}
	case t.Attribute < 0 && p.Labels != nil:
		for i := range with {
			with[i] = p.Labels[i] == t.class
		}
	case p.Len() > 0:
		return nil, fmt.Errorf("%s: these images are not labelled", t.Name)
	}
	return with, nil
}

// EvenlySpaced returns n items at equal distances, or all if n is 0 or there are no more.
func (s Split) EvenlySpaced(n int) (Split, error) {
	if n == 0 || n >= s.Len() {
		return s, nil
	}
	index := make([]int, n)
	for k := range index {
		index[k] = k * s.Len() / n
	}
	return s.Select(index)
}

// Select returns the images of those indices, in that order, with their labels,
// attributes and origins. It fails if an index is outside [0, N).
func (s Split) Select(index []int) (Split, error) {
	images, err := Subset(s.Items, index)
	if err != nil {
		return Split{}, err
	}
	out := Split{Items: images, Origins: s.Origins.Only(index)}
	if s.Labels != nil {
		out.Labels = make([]int32, 0, len(index))
	}
	if s.Attributes != nil {
		out.Attributes = make([]uint8, 0, len(index)*len(s.Attributes)/max(1, s.Len()))
	}
	for _, i := range index {
		if s.Labels != nil {
			out.Labels = append(out.Labels, s.Labels[i])
		}
		if a := len(s.Attributes) / s.Len(); a > 0 {
			out.Attributes = append(out.Attributes, s.Attributes[i*a:(i+1)*a]...)
		}
	}
	return out, nil
}
