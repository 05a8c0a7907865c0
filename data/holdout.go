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

// HoldOut divides n images into those to train on and those to judge by, each
// in rising order. opt.TestFraction of them (rounded, but at least one where
// n ≥ 2, and never all) are held out: those whose SHA-256 of seed and key is
// smallest. So the choice depends on the keys alone, and a set that grows keeps
// almost all of its division. key(i) is a name of image i that lasts, such as
// its path.
func HoldOut(n int, opt Options, key func(i int) string) (train, test []int) {
	fraction := opt.TestFraction
	if fraction == 0 {
		fraction = DefaultTestFraction
	}
	k := int(math.Round(float64(n) * fraction))
	k = max(min(k, n-1), min(1, n-1), 0)

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

// Divide moves the images that HoldOut chooses, known by their indices, from
// s.Train to s.Test, labels and all. It is for a set read whole: it fails if the
// training images are not *InMemory.
func Divide(s *Set, opt Options) error {
	all, ok := s.Train.Images.(*InMemory)
	if !ok {
		return fmt.Errorf("data: %s: training images are %T, want *data.InMemory", s.Name, s.Train.Images)
	}
	labels := s.Train.Labels
	train, test := HoldOut(all.Len(), opt, strconv.Itoa)
	for _, p := range []struct {
		*Split
		index []int
	}{{&s.Train, train}, {&s.Test, test}} {
		im, err := all.Select(p.index)
		if err != nil {
			return err
		}
		*p.Split = Split{Images: im}
		if labels != nil {
			p.Labels = make([]int32, len(p.index))
			for j, i := range p.index {
				p.Labels[j] = labels[i]
			}
		}
	}
	return nil
}
