package data

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// without returns the set less the images that belong to one of the named classes or
// have one of the named attributes, in both parts. The classes keep their numbers. The
// digest changes.
func without(set *Set, names []string) (*Set, error) {
	if len(names) == 0 {
		return set, nil
	}
	var traits []Trait
	var known []string
	for _, name := range names {
		t, err := set.Trait(name)
		if err != nil {
			return nil, fmt.Errorf("data: without %w", err)
		}
		traits, known = append(traits, t), append(known, t.Name)
	}
	left := *set
	known = slices.Compact(slices.Sorted(slices.Values(known)))
	left.Digest = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s without %q", set.Digest, known)))
	for _, p := range []*Split{&left.Train, &left.Test} {
		out := make([]bool, p.Len())
		for _, t := range traits {
			with, err := t.Mask(*p)
			if err != nil {
				return nil, fmt.Errorf("data: without %w", err)
			}
			for i, w := range with {
				out[i] = out[i] || w
			}
		}
		var index []int
		for i, o := range out {
			if !o {
				index = append(index, i)
			}
		}
		if p.Len() > 0 {
			var err error
			if *p, err = p.Select(index); err != nil {
				return nil, err
			}
		}
	}
	if left.Train.Len() == 0 {
		return nil, fmt.Errorf("data: without %s no training images of %s are left", strings.Join(known, ", "), set.Name)
	}
	return &left, nil
}
