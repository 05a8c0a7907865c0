package data

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestWithout(t *testing.T) {
	var r Registry
	labels := []int32{0, 1, 2, 1, 0, 2}
	set := &Set{Name: "letters", Classes: []string{"a", "b", "c"}, Digest: "d",
		Train: Split{Images: numbered(t, 6, 2, 2, 1), Labels: labels}, Test: Split{Images: numbered(t, 3, 2, 2, 1), Labels: []int32{1, 2, 0}}}
	r.Register(Source{Name: "letters", Load: func(context.Context, Options) (*Set, error) { return set, nil }})
	r.Register(Source{Name: "plain", Load: func(context.Context, Options) (*Set, error) {
		return &Set{Name: "plain", Digest: "d", Train: Split{Images: numbered(t, 2, 2, 2, 1)}}, nil
	}})
	open := func(name string, without ...string) (*Set, error) {
		return r.Open(context.Background(), name, Options{Without: without})
	}
	got, err := open("letters", "b")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Train.Labels, []int32{0, 2, 0, 2}) || !slices.Equal(got.Test.Labels, []int32{2, 0}) || len(got.Classes) != 3 {
		t.Errorf("without b: %v and %v of %v", got.Train.Labels, got.Test.Labels, got.Classes)
	}
	want, pix := make([]uint8, 4), make([]uint8, 4)
	for j, i := range []int{0, 2, 4, 5} {
		if err := got.Train.Images.At(j, pix); err != nil {
			t.Fatal(err)
		}
		set.Train.Images.At(i, want)
		if !slices.Equal(pix, want) {
			t.Errorf("image %d is %v, want image %d, %v", j, pix, i, want)
		}
	}
	// What is left out says which set it is, in any order; what is not leaves it as it was.
	two, _ := open("letters", "c", "b")
	again, _ := open("letters", "b", "c", "b")
	if two.Digest != again.Digest || two.Digest == got.Digest || got.Digest == set.Digest {
		t.Errorf("digests %.8s, %.8s of b, c; %.8s of b", two.Digest, again.Digest, got.Digest)
	}
	if all, err := open("letters"); err != nil || all.Digest != "d" || all.Train.Len() != 6 {
		t.Errorf("without nothing: %v, %v", all, err)
	}
	for text, names := range map[string][]string{
		`without "d": letters has no such class; have a, b, c`:   {"d"},
		`without a, b, c no training images of letters are left`: {"a", "b", "c"},
		`plain has no labels: there is nothing to tell them by`:  nil,
	} {
		set := "letters"
		if names == nil {
			set, names = "plain", []string{"a"}
		}
		if _, err := open(set, names...); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v of %s: %v, want %s", names, set, err, text)
		}
	}
}
