package data

import (
	"context"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
)

func rowOf(t *testing.T, images Items, i int) []float32 {
	t.Helper()
	l, ok := images.(Labeller)
	if !ok {
		t.Fatalf("%T tells no labels", images)
	}
	row := make([]float32, len(l.LabelNames()))
	for k := range row {
		row[k] = 9 // what is there before must not matter
	}
	l.LabelsAt(i, row)
	return row
}

func TestLabelled(t *testing.T) {
	im, err := NewInMemory([]uint8{0, 51, 102}, 3, pixels.Item(1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	split := Split{Items: im, Labels: []int32{2, 0, 1}, Attributes: []uint8{1, 0, 0, 0, 1, 1}}
	classes := Set{Classes: []string{"a", "b", "c"}, Attributes: []string{"x", "y"}}
	attributes := Set{Attributes: []string{"x", "y"}}
	if _, ok := (Set{}).Labelled(Split{Items: im}).(Labeller); ok {
		t.Error("images without labels tell some")
	}
	for name, c := range map[string]struct {
		set  Set
		want [][]float32
	}{
		"classes":    {classes, [][]float32{{0, 0, 1}, {1, 0, 0}, {0, 1, 0}}},
		"attributes": {attributes, [][]float32{{1, 0}, {0, 0}, {1, 1}}},
	} {
		images := c.set.Labelled(split)
		some, err := Subset(images, []int{2, 0, 2})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Subset(some, []int{1, 0})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if got := rowOf(t, images, i); !slices.Equal(got, want) {
				t.Errorf("%s: image %d has labels %v, want %v", name, i, got, want)
			}
		}
		for j, i := range []int{2, 0, 2} {
			if got := rowOf(t, some, j); !slices.Equal(got, c.want[i]) {
				t.Errorf("%s: image %d of the subset has labels %v, want %v", name, j, got, c.want[i])
			}
		}
		if got := rowOf(t, again, 0); !slices.Equal(got, c.want[0]) {
			t.Errorf("%s: of a subset of a subset %v, want %v", name, got, c.want[0])
		}
		x := make([]float32, 2)
		if err := Floats(context.Background(), again, []int32{0, 1}, x); err != nil || x[0] != 0 || x[1] != 0.4 {
			t.Errorf("%s: pixels %v, %v", name, x, err)
		}
	}
	bad := attributes
	bad.Train = Split{Items: im, Attributes: []uint8{1, 0, 0, 2, 1, 1}}
	if err := bad.Validate(); err == nil || err.Error() != "data: : train: attribute y of image 1 is 2, want 0 or 1" {
		t.Errorf("an attribute of 2: %v", err)
	}
}

// thirds is an Exact of one value an image, i/3.
type thirds struct{ n int }

func (e thirds) Len() int                            { return e.n }
func (e thirds) Item() medium.Item                   { return pixels.Item(1, 1, 1) }
func (e thirds) At(i int, dst []uint8) error         { dst[0] = uint8(85 * i); return nil }
func (e thirds) FloatsAt(i int, dst []float32) error { dst[0] = float32(i) / 3; return nil }

func TestExactValuesAreNotRounded(t *testing.T) {
	some, err := Subset(Set{Classes: []string{"a"}}.Labelled(Split{Items: thirds{4}, Labels: make([]int32, 4)}), []int{2, 1})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 2)
	if err := Floats(context.Background(), some, []int32{0, 1}, x); err != nil || x[0] != float32(2)/3 || x[1] != float32(1)/3 {
		t.Errorf("%v, %v; want 2/3 and 1/3", x, err)
	}
}
