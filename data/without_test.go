package data

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestWithout(t *testing.T) {
	var r Registry
	set := &Set{Name: "letters", Classes: []string{"a", "b", "c"}, Attributes: []string{"hat", "tail"}, Digest: "d",
		Train: Split{Items: numbered(t, 6, 2, 2, 1), Labels: []int32{0, 1, 2, 1, 0, 2}, Attributes: []uint8{0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1}},
		Test:  Split{Items: numbered(t, 3, 2, 2, 1), Labels: []int32{1, 2, 0}, Attributes: []uint8{0, 1, 0, 1, 1, 0}}}
	r.Register(Source{Name: "letters", Load: func(context.Context, Options) (*Set, error) { return set, nil }})
	r.Register(Source{Name: "plain", Load: func(context.Context, Options) (*Set, error) {
		return &Set{Name: "plain", Digest: "d", Train: Split{Items: numbered(t, 2, 2, 2, 1)}}, nil
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
		if err := got.Train.Items.At(j, pix); err != nil {
			t.Fatal(err)
		}
		set.Train.Items.At(i, want)
		if !slices.Equal(pix, want) {
			t.Errorf("image %d is %v, want image %d, %v", j, pix, i, want)
		}
	}
	if !slices.Equal(got.Train.Attributes, []uint8{0, 0, 1, 0, 0, 0, 0, 1}) {
		t.Errorf("without b: attributes %v", got.Train.Attributes)
	}
	if bare, err := open("letters", "HAT"); err != nil || !slices.Equal(bare.Train.Labels, []int32{0, 1, 0, 2}) || bare.Test.Len() != 2 {
		t.Errorf("without a hat: %+v, %v", bare, err)
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
	for text, open := range map[string]func() (*Set, error){
		`data: without letters has no attribute or class "d"; have hat, tail, a, b, c`: func() (*Set, error) { return open("letters", "d") },
		`data: without a, b, c no training images of letters are left`:                 func() (*Set, error) { return open("letters", "a", "b", "c") },
		`data: without "a": plain has neither attributes nor classes`:                  func() (*Set, error) { return open("plain", "a") },
	} {
		if _, err := open(); err == nil || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
}
