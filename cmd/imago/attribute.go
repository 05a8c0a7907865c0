package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
)

// An attribute is what some images of a set have and others have not: one of its attributes, or a class.
type attribute struct {
	name   string
	column int // of the set's attributes, or -1
	of     int // how many attributes the set has
	class  int32
}

// attributeOf finds an attribute or a class of a set by its name, upper and lower case being one.
func attributeOf(set *data.Set, name string) (attribute, error) {
	same := func(n string) bool { return strings.EqualFold(n, name) }
	if i := slices.IndexFunc(set.Attributes, same); i >= 0 {
		return attribute{set.Attributes[i], i, len(set.Attributes), -1}, nil
	}
	if i := slices.IndexFunc(set.Classes, same); i >= 0 {
		return attribute{set.Classes[i], -1, len(set.Attributes), int32(i)}, nil
	}
	names := slices.Concat(set.Attributes, set.Classes)
	switch near := data.Near(name, names); {
	case len(names) == 0:
		return attribute{}, fmt.Errorf("%q: %s has neither attributes nor classes: choose a labelled set with --data", name, set.Name)
	case len(near) > 0:
		return attribute{}, fmt.Errorf("%s has no attribute or class %q; near that: %s", set.Name, name, strings.Join(near, ", "))
	}
	return attribute{}, fmt.Errorf("%s has no attribute or class %q; have %s", set.Name, name, strings.Join(names, ", "))
}

// with says of each image of a split whether it has the attribute; it fails if the split is not labelled.
func (t attribute) with(p data.Split) ([]bool, error) {
	with := make([]bool, p.Len())
	switch {
	case t.column >= 0 && p.Attributes != nil:
		for i := range with {
			with[i] = p.Attributes[i*t.of+t.column] != 0
		}
	case t.column < 0 && p.Labels != nil:
		for i := range with {
			with[i] = p.Labels[i] == t.class
		}
	default:
		return nil, fmt.Errorf("%s: these images are not labelled", t.name)
	}
	return with, nil
}

// part is some images of a split with their labels, by their numbers.
func part(p data.Split, attributes int, index []int) (data.Split, error) {
	images, err := data.Subset(p.Images, index)
	if err != nil {
		return data.Split{}, err
	}
	out := data.Split{Images: images}
	for _, i := range index {
		if p.Labels != nil {
			out.Labels = append(out.Labels, p.Labels[i])
		}
		if p.Attributes != nil {
			out.Attributes = append(out.Attributes, p.Attributes[i*attributes:(i+1)*attributes]...)
		}
	}
	return out, nil
}

// spaced is n of a split's images at equal distances, or all if n is 0 or there are no more.
func spaced(set *data.Set, p data.Split, n int) (data.Split, error) {
	if n == 0 || n >= p.Len() {
		return p, nil
	}
	index := make([]int, n)
	for k := range index {
		index[k] = k * p.Len() / n
	}
	return part(p, len(set.Attributes), index)
}
