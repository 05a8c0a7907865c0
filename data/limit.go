package data

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// limit returns the set with at most opt.Limit items in its training part, in their
// order. Each class has as many of them as the others, as far as it has so many. Which
// they are depends on opt.Seed and on the set alone. The test part stays whole. The
// digest changes, unless all items are kept.
func limit(set *Set, opt Options) (*Set, error) {
	n := set.Train.Len()
	if opt.Limit == 0 || opt.Limit >= n {
		return set, nil
	}
	type ranked struct {
		rank [sha256.Size]byte
		i    int
	}
	classes := make([][]ranked, max(1, len(set.Classes)))
	for i := range n {
		k := 0
		if set.Train.Labels != nil {
			k = int(set.Train.Labels[i])
		}
		b := binary.LittleEndian.AppendUint64([]byte("limit"), opt.Seed)
		b = binary.LittleEndian.AppendUint64(b, uint64(i))
		classes[k] = append(classes[k], ranked{sha256.Sum256(b), i})
	}
	for _, c := range classes {
		slices.SortFunc(c, func(a, b ranked) int { return cmp.Or(slices.Compare(a.rank[:], b.rank[:]), a.i-b.i) })
	}
	var index []int
	for round := 0; len(index) < opt.Limit; round++ { // one of each class
		for _, c := range classes {
			if round < len(c) && len(index) < opt.Limit {
				index = append(index, c[round].i)
			}
		}
	}
	slices.Sort(index)
	out := *set
	var err error
	if out.Train, err = set.Train.Select(index); err != nil {
		return nil, err
	}
	out.Digest = fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s limit %d seed %d", set.Digest, opt.Limit, opt.Seed)))
	out.Notes = slices.Clone(set.Notes)
	evenly := ""
	if set.Train.Labels != nil {
		evenly = ", as many of each class as there are"
	}
	out.Tell("%d of %d training items are used%s", opt.Limit, n, evenly)
	return &out, nil
}
