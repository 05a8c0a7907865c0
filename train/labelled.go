package train

import (
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
)

// labelledItems are the images whose labels a semi-supervised model may use. Each step
// takes some of them.
type labelledItems struct {
	images data.Labeller
	index  []int32 // those chosen
	size   int     // images of a step, L
	key    rng.Key // of pass p over them: key.At(p)

	pass  int64   // that of order
	order []int32 // of index; nil before the first pass
}

// CheckData returns an error if a model cannot be trained on a set: a semi-supervised
// model needs classes, and labelled images of each.
func CheckData(m *model.Model, set *data.Set) error {
	_, err := chooseLabelled(m, set, 0)
	return err
}

// chooseLabelled returns the labelled images of a model, nil if it needs none: as many
// of each class as of another, chosen by the seed of the model.
func chooseLabelled(m *model.Model, set *data.Set, seed uint64) (*labelledItems, error) {
	want := m.Supervision
	if want == nil {
		return nil, nil
	}
	images, ok := set.Labelled(set.Train).(data.Labeller)
	if !ok || set.Train.Labels == nil {
		return nil, fmt.Errorf("train: the model learns from the classes of a few images, and those of %s are not known: choose a set with classes", set.Name)
	}
	k := len(set.Classes)
	if want.Count < k || want.Batch < 1 || want.Batch > want.Count {
		return nil, fmt.Errorf("train: %d labelled images, %d a step: want at least one of each of the %d classes of %s, and from 1 to all of them a step", want.Count, want.Batch, k, set.Name)
	}
	left := make([]int, k) // of each class, to be chosen
	for c := range left {
		left[c] = want.Count / k
		if c < want.Count%k {
			left[c]++
		}
	}
	quota := append([]int(nil), left...)
	l := &labelledItems{images: images, size: want.Batch, key: rng.New(seed).Split("labelled")}
	for _, i := range rng.New(want.Seed).Split("labelled").Perm(images.Len()) {
		if c := set.Train.Labels[i]; left[c] > 0 {
			left[c]--
			l.index = append(l.index, i)
		}
	}
	for c, n := range left {
		if n > 0 {
			return nil, fmt.Errorf("train: %s has %s of class %s to train on, and %s in all are %d of it: want fewer", set.Name,
				english.Plural(quota[c]-n, "image"), set.Classes[c], english.Plural(want.Count, "labelled image"), quota[c])
		}
	}
	return l, nil
}

// choose writes the images of a step to dst, which has size places. The steps go through
// all labelled images in a random order, again and again.
func (l *labelledItems) choose(step int64, dst []int32) {
	n := int64(len(l.index))
	for j := range dst {
		at := step*int64(l.size) + int64(j)
		if p := at / n; l.order == nil || p != l.pass {
			l.pass, l.order = p, l.key.At(uint64(p)).Perm(len(l.index))
		}
		dst[j] = l.index[l.order[at%n]]
	}
}
