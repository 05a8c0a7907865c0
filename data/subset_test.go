package data

import (
	"testing"

	"github.com/imago-ml/imago/data/pixels"
)

// counted is a Labeller of another package: image i has label i of three.
type counted struct{ Items }

func (c counted) LabelNames() []string { return []string{"a", "b", "c"} }

func (c counted) LabelsAt(i int, dst []float32) { clear(dst[:3]); dst[i] = 1 }

// TestSubsetOfLabeller checks that the subset of any Labeller has its labels, also twice.
func TestSubsetOfLabeller(t *testing.T) {
	items, err := NewInMemory([]uint8{0, 1, 2}, 3, pixels.Item(1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	some, err := Subset(counted{items}, []int{2, 0})
	if err != nil {
		t.Fatal(err)
	}
	if some, err = Subset(some, []int{1, 0}); err != nil {
		t.Fatal(err)
	}
	l, ok := some.(Labeller)
	if !ok {
		t.Fatal("the subset has no labels")
	}
	for i, want := range [][3]float32{{1, 0, 0}, {0, 0, 1}} {
		var got [3]float32
		if l.LabelsAt(i, got[:]); got != want {
			t.Errorf("item %d has labels %v, want %v", i, got, want)
		}
	}
}
