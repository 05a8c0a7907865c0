package data

import (
	"fmt"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
)

func TestValidation(t *testing.T) {
	const n = 50
	pix, labels := make([]uint8, n), make([]int32, n)
	for i := range n {
		pix[i], labels[i] = uint8(i), int32(i%5)
	}
	images, err := NewInMemory(pix, n, pixels.Item(1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	set := &Set{Name: "numbers", Digest: "digest", Train: Split{Items: images, Labels: labels}, Classes: []string{"a", "b", "c", "d", "e"}}
	if same, err := Validation(set, Options{}); err != nil || same != set {
		t.Errorf("without a validation part: %+v, %v", same, err)
	}
	values := func(s Split) (v []uint8) {
		for i := range s.Len() {
			var x [1]uint8
			if err := s.Items.At(i, x[:]); err != nil {
				t.Fatal(err)
			}
			if int32(x[0]%5) != s.Labels[i] {
				t.Errorf("item %d has label %d", x[0], s.Labels[i])
			}
			v = append(v, x[0])
		}
		return v
	}
	a, err := Validation(set, Options{Validation: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	train, validation := values(a.Train), values(a.Validation)
	if len(train) != 40 || len(validation) != 10 || a.Digest != set.Digest || set.Validation.Len() != 0 {
		t.Fatalf("%d training and %d validation items of %d", len(train), len(validation), n)
	}
	if all := slices.Sorted(slices.Values(slices.Concat(train, validation))); !slices.Equal(all, pix) {
		t.Errorf("the parts have %v", all)
	}
	again, err := Validation(set, Options{Validation: 0.2})
	if err != nil || !slices.Equal(values(again.Validation), validation) {
		t.Errorf("a second time it is %v, %v; want %v", values(again.Validation), err, validation)
	}
	other, err := Validation(set, Options{Validation: 0.2, Seed: 1})
	if err != nil || slices.Equal(values(other.Validation), validation) {
		t.Errorf("another seed chooses the same: %v", err)
	}
	one, err := set.Train.Select([]int{3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Validation(&Set{Name: "one", Train: one}, Options{Validation: 0.5}); err == nil {
		t.Error("one item was divided")
	}
}

// TestValidationTogether checks that the items of a file stay in one part where they belong
// together.
func TestValidationTogether(t *testing.T) {
	levels := make([]uint8, 40)
	items, err := NewInMemory(levels, 40, pixels.Item(1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	s := &Set{Train: Split{Items: items, Origins: Origins{Together: true}}}
	for i := range 40 {
		s.Train.Origins.Files = append(s.Train.Origins.Files, fmt.Sprint(i/4))
	}
	got, err := Validation(s, Options{Validation: 0.2})
	if err != nil || got.Train.Len() != 32 || got.Validation.Len() != 8 {
		t.Fatalf("%v, %v", got, err)
	}
	for _, file := range got.Validation.Origins.Files {
		if slices.Contains(got.Train.Origins.Files, file) {
			t.Errorf("file %s is in both parts", file)
		}
	}
	if !got.Train.Origins.Together {
		t.Error("the parts may be divided again")
	}
}
