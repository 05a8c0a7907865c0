package data

import (
	"fmt"
	"slices"
	"strconv"
)

// Validation returns s with opt.Validation of its training items, rounded, as the
// validation part, by which a training is steered; s itself if opt.Validation is 0. The
// choice depends on opt.Seed and the number of training items alone; of Origins.Together on
// their files, of which so many are chosen. A validation part that the files have stays as it is.
// Digest stays: it is of all parts together. It fails if both parts would not have an item at
// least.
func Validation(s *Set, opt Options) (*Set, error) {
	if opt.Validation == 0 || s.Validation.Len() > 0 {
		return s, nil
	}
	groups, key := s.Train.groups()
	if len(groups) < 2 {
		return nil, fmt.Errorf("data: %s: %d training items are too few to be divided into a training and a validation part", s.Name, len(groups))
	}
	part := Options{TestFraction: opt.Validation, Seed: opt.Seed}
	train, validation := HoldOut(len(groups), part, func(i int) string { return "validation/" + key(i) })
	out := *s
	var err error
	if out.Train, err = s.Train.Select(items(groups, train)); err != nil {
		return nil, err
	}
	out.Validation, err = s.Train.Select(items(groups, validation))
	return &out, err
}

// groups returns the items that stay together, in the order of their first, and the name of
// each group: the items of a file of Origins.Together, else each item.
func (s Split) groups() (groups [][]int, key func(i int) string) {
	if !s.Origins.Together {
		for i := range s.Len() {
			groups = append(groups, []int{i})
		}
		return groups, strconv.Itoa
	}
	of := map[string]int{}
	for i, file := range s.Origins.Files {
		k, known := of[file]
		if !known {
			k = len(groups)
			of[file] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	return groups, func(i int) string { return s.Origins.Files[groups[i][0]] }
}

// items returns the items of those groups, in rising order.
func items(groups [][]int, chosen []int) []int {
	var all []int
	for _, k := range chosen {
		all = append(all, groups[k]...)
	}
	slices.Sort(all)
	return all
}
