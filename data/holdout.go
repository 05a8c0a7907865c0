package data

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// HoldOut divides the indices of n images into a training and a test part, each in
// rising order. The test part has opt.TestFraction of them, rounded, at least one where
// n ≥ 2 and never all, but none if opt.Whole: those whose SHA-256 of seed and key is smallest. The choice of
// an image depends on its key alone, so that a set that grows keeps almost all of its
// division. key(i) is a name of image i that does not change, such as its path.
func HoldOut(n int, opt Options, key func(i int) string) (train, test []int) {
	fraction := opt.TestFraction
	if fraction == 0 {
		fraction = DefaultTestFraction
	}
	k := int(math.Round(float64(n) * fraction))
	k = max(min(k, n-1), min(1, n-1), 0)
	if opt.Whole {
		k = 0
	}

	type ranked struct {
		hash [sha256.Size]byte
		i    int
	}
	all := make([]ranked, n)
	for i := range all {
		msg := binary.LittleEndian.AppendUint64(nil, opt.Seed)
		all[i] = ranked{sha256.Sum256(append(msg, key(i)...)), i}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(slices.Compare(a.hash[:], b.hash[:]), a.i-b.i)
	})
	for j, r := range all {
		if j < k {
			test = append(test, r.i)
		} else {
			train = append(train, r.i)
		}
	}
	slices.Sort(train)
	slices.Sort(test)
	return train, test
}

// Divide moves the images that HoldOut chooses by their indices, and their labels, from
// s.Train to s.Test. Use it for a set that was read into memory: it fails if the
// training images are not *InMemory.
func Divide(s *Set, opt Options) error {
	all, ok := s.Train.Items.(*InMemory)
	if !ok {
		return fmt.Errorf("data: %s: training images are %T, want *data.InMemory", s.Name, s.Train.Items)
	}
	labels, origins := s.Train.Labels, s.Train.Origins
	train, test := HoldOut(all.Len(), opt, strconv.Itoa)
	for _, p := range []struct {
		*Split
		index []int
	}{{&s.Train, train}, {&s.Test, test}} {
		im, err := all.Select(p.index)
		if err != nil {
			return err
		}
		*p.Split = Split{Items: im, Origins: origins.Only(p.index)}
		if labels != nil {
			p.Labels = make([]int32, len(p.index))
			for j, i := range p.index {
				p.Labels[j] = labels[i]
			}
		}
	}
	return nil
}
