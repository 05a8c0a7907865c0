package data

import (
	"fmt"
	"strconv"
)

// Validation returns s with opt.Validation of its training items, rounded, as the
// validation part, by which a training is steered; s itself if opt.Validation is 0. The
// choice depends on opt.Seed and the number of training items alone. Digest stays: it is
// of all parts together. It fails if both parts would not have an item at least.
func Validation(s *Set, opt Options) (*Set, error) {
	if opt.Validation == 0 {
		return s, nil
	}
	n := s.Train.Len()
	if n < 2 {
		return nil, fmt.Errorf("data: %s: %d training items are too few to be divided into a training and a validation part", s.Name, n)
	}
	part := Options{TestFraction: opt.Validation, Seed: opt.Seed}
	train, validation := HoldOut(n, part, func(i int) string { return "validation/" + strconv.Itoa(i) })
	out := *s
	var err error
	if out.Train, err = s.Train.Select(train); err != nil {
		return nil, err
	}
	out.Validation, err = s.Train.Select(validation)
	return &out, err
}
