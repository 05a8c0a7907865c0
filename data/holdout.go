package data

import (
	"bytes"
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

	var msg []byte
	hash := func(i int) [sha256.Size]byte {
		msg = append(binary.LittleEndian.AppendUint64(msg[:0], opt.Seed), key(i)...)
		return sha256.Sum256(msg)
	}
	// Counting the beginnings of the hashes finds the k smallest, but for those that begin as the last of them does, which
	// are a few: sorting millions of hashes takes longer than reading the set.
	start := make([]uint16, n)
	count := make([]int, 1<<16)
	for i := range start {
		h := hash(i)
		start[i] = binary.BigEndian.Uint16(h[:])
		count[start[i]]++
	}
	edge, below := 0, 0 // of the k smallest, how many begin with less than edge
	for below+count[edge] < k {
		below += count[edge]
		edge++
	}
	type ranked struct {
		hash [sha256.Size]byte
		i    int
	}
	var equal []ranked
	for i, s := range start {
		if int(s) == edge {
			equal = append(equal, ranked{hash(i), i})
		}
	}
	slices.SortFunc(equal, func(a, b ranked) int { return cmp.Or(bytes.Compare(a.hash[:], b.hash[:]), a.i-b.i) })
	chosen := map[int]bool{}
	for _, r := range equal[:k-below] {
		chosen[r.i] = true
	}
	train, test = slices.Grow(train, n-k), slices.Grow(test, k)
	for i, s := range start {
		if int(s) < edge || chosen[i] {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
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
