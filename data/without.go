package data

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// without leaves out the images of the classes of those names from both parts of a
// set. The classes keep their numbers, and the set that is left has another digest.
func without(set *Set, names []string) (*Set, error) {
	if len(names) == 0 {
		return set, nil
	}
	if set.Train.Labels == nil {
		return nil, fmt.Errorf("data: without %s: %s has no labels: there is nothing to tell them by", strings.Join(names, ", "), set.Name)
	}
	out := make([]bool, len(set.Classes))
	for _, name := range names {
		i := slices.Index(set.Classes, name)
		if i < 0 {
			return nil, fmt.Errorf("data: without %q: %s has no such class; have %s", name, set.Name, strings.Join(set.Classes, ", "))
		}
		out[i] = true
	}
	left := *set
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	left.Digest = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s without %q", set.Digest, sorted)))
	for _, p := range []*Split{&left.Train, &left.Test} {
		if p.Labels == nil {
			continue
		}
		var index []int
		for i, l := range p.Labels {
			if !out[l] {
				index = append(index, i)
			}
		}
		var err error
		if *p, err = p.Select(index); err != nil {
			return nil, err
		}
	}
	if left.Train.Len() == 0 {
		return nil, fmt.Errorf("data: without %s no training images of %s are left", strings.Join(names, ", "), set.Name)
	}
	return &left, nil
}

// Select is the images of those indices with their labels, in that order.
func (s Split) Select(index []int) (Split, error) {
	images, err := Subset(s.Images, index)
	if err != nil {
		return Split{}, err
	}
	out := Split{Images: images}
	if s.Labels != nil {
		out.Labels = make([]int32, len(index))
		for j, i := range index {
			out.Labels[j] = s.Labels[i]
		}
	}
	return out, nil
}
