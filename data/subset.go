package data

import (
	"fmt"

	"github.com/imago-ml/imago/data/medium"
)

// Subset returns the items of those indices, in that order. It copies index and labels
// only. The subset of a Labeller is a Labeller. It fails if an index is outside [0, N).
func Subset(images Items, index []int) (Items, error) {
	s := &subset{images, make([]int32, len(index))}
	for j, i := range index {
		if i < 0 || i >= images.Len() {
			return nil, fmt.Errorf("data: image %d of %d", i, images.Len())
		}
		s.index[j] = int32(i)
	}
	if l, ok := images.(*labelled); ok {
		s.all = l.Items
		return l.subset(s, s.index), nil
	}
	if l, ok := images.(Labeller); ok { // of another package
		return &labelledSubset{s, l}, nil
	}
	return s, nil
}

// labelledSubset is the subset of a Labeller of any type.
type labelledSubset struct {
	*subset
	labels Labeller // of all
}

func (s *labelledSubset) LabelNames() []string { return s.labels.LabelNames() }

func (s *labelledSubset) LabelsAt(i int, dst []float32) { s.labels.LabelsAt(int(s.index[i]), dst) }

type subset struct {
	all   Items
	index []int32
}

func (s *subset) Len() int          { return len(s.index) }
func (s *subset) Item() medium.Item { return s.all.Item() }

func (s *subset) At(i int, dst []uint8) error {
	if err := checkAt(s, i, dst); err != nil {
		return err
	}
	return s.all.At(int(s.index[i]), dst)
}
