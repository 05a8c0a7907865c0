package data

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
)

// grey returns a set of n images of one pixel, image i of level i and class i mod 3.
func grey(t *testing.T, n int) *Set {
	t.Helper()
	levels, labels := make([]uint8, n), make([]int32, n)
	for i := range n {
		levels[i], labels[i] = uint8(i), int32(i%3)
	}
	items, err := NewInMemory(levels, n, pixels.Item(1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	return &Set{Name: "grey", Train: Split{Items: items, Labels: labels}, Classes: []string{"a", "b", "c"}}
}

// TestOrigins checks that each item knows its row after a set was divided, put together
// again and selected from.
func TestOrigins(t *testing.T) {
	set := grey(t, 20)
	if err := Divide(set, Options{TestFraction: 0.25}); err != nil {
		t.Fatal(err)
	}
	all := set.All()
	if set.Test.Len() != 5 || all.Len() != 20 {
		t.Fatalf("%d test images of %d, want 5 of 20", set.Test.Len(), all.Len())
	}
	some, err := all.Select([]int{19, 0, 7})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Split{set.Train, set.Test, all, some} {
		for i := range p.Len() {
			var level [1]uint8
			if err := p.Items.At(i, level[:]); err != nil {
				t.Fatal(err)
			}
			if o := p.Origin(i); o.Row != int(level[0]) || p.Labels[i] != int32(o.Row%3) {
				t.Errorf("item of level %d and label %d comes from row %d", level[0], p.Labels[i], o.Row)
			}
		}
	}
	if got := all.Origin(19).File; got != "test" {
		t.Errorf("the last item comes from part %q, want test", got)
	}
}

// TestWhole checks that nothing is held out of a set opened whole.
func TestWhole(t *testing.T) {
	set := grey(t, 20)
	if err := Divide(set, Options{Whole: true}); err != nil {
		t.Fatal(err)
	}
	all := set.All()
	if set.Test.Len() != 0 || all.Len() != 20 || all.Origin(13) != (Origin{Row: 13}) {
		t.Errorf("%d test images, %d in all, item 13 from %v: want 0, 20 and row 13", set.Test.Len(), all.Len(), all.Origin(13))
	}
}

// TestMatch checks that labels and attributes go by name.
func TestMatch(t *testing.T) {
	set := grey(t, 6) // a b c a b c
	set.Classes = []string{"ant", "cat", "dog"}
	if unknown := set.MatchClasses([]string{"cat", "dog", "emu"}); !reflect.DeepEqual(unknown, []string{"ant"}) {
		t.Errorf("unknown classes %v, want ant", unknown)
	}
	if want := []int32{3, 0, 1, 3, 0, 1}; !reflect.DeepEqual(set.Train.Labels, want) || set.Classes[3] != "ant" {
		t.Errorf("labels %v of %v, want %v with ant last", set.Train.Labels, set.Classes, want)
	}
	few := grey(t, 2)
	few.Classes = []string{"emu", "cat", "none"}
	if unknown := few.MatchClasses([]string{"cat", "dog", "emu"}); unknown != nil || !reflect.DeepEqual(few.Train.Labels, []int32{2, 0}) || len(few.Classes) != 3 {
		t.Errorf("labels %v of %v, unknown %v: want 2 and 0 of 3 known ones", few.Train.Labels, few.Classes, unknown)
	}
	numbers := grey(t, 2)
	numbers.Classes = []string{"10.0", "1", "two"}
	if unknown := numbers.MatchClasses([]string{"1.0", "2", "10"}); unknown != nil || !reflect.DeepEqual(numbers.Train.Labels, []int32{2, 0}) {
		t.Errorf("labels %v, unknown %v: want 10.0 to be 10 and 1 to be 1.0", numbers.Train.Labels, unknown)
	}
	faces := grey(t, 2)
	faces.Attributes, faces.Train.Attributes = []string{"hat", "smile"}, []uint8{1, 0, 0, 1}
	if err := faces.MatchAttributes([]string{"smile"}); err != nil || fmt.Sprint(faces.Train.Attributes) != "[0 1]" {
		t.Errorf("attributes %v, error %v: want smile alone, 0 and 1", faces.Train.Attributes, err)
	}
	if err := faces.MatchAttributes([]string{"beard"}); err == nil {
		t.Error("no error for an attribute that the set lacks")
	}
}

// TestOriginString checks how places are named.
func TestOriginString(t *testing.T) {
	for want, o := range map[string]Origin{
		"cat/a.png":          {File: "cat/a.png", Alone: true},
		"row 400":            {Row: 400},
		"row 400 (line 402)": {Row: 400, Line: 402},
		"x_test row 3":       {File: "x_test", Row: 3},
	} {
		if got := o.String(); got != want {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
	}
}
