package data

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestLimit(t *testing.T) {
	var r Registry
	labels := []int32{0, 0, 0, 0, 0, 0, 1, 1, 1, 2}
	set := &Set{Name: "letters", Classes: []string{"a", "b", "c"}, Digest: "d",
		Train: Split{Items: numbered(t, 10, 2, 2, 1), Labels: labels}, Test: Split{Items: numbered(t, 3, 2, 2, 1), Labels: []int32{1, 2, 0}}}
	r.Register(Source{Name: "letters", Load: func(context.Context, Options) (*Set, error) { return set, nil }})
	r.Register(Source{Name: "plain", Load: func(context.Context, Options) (*Set, error) {
		return &Set{Name: "plain", Digest: "d", Train: Split{Items: numbered(t, 10, 2, 2, 1)}}, nil
	}})
	for _, tt := range []struct {
		name  string
		limit int
		want  []int32 // labels
	}{
		{"letters", 3, []int32{0, 1, 2}},
		{"letters", 6, []int32{0, 0, 0, 1, 1, 2}}, // two of a and b, one of c, then one more of a
		{"letters", 7, []int32{0, 0, 0, 1, 1, 1, 2}},
		{"letters", 10, labels},
		{"letters", 99, labels},
		{"plain", 4, nil},
	} {
		opt := Options{Limit: tt.limit}
		got, err := r.Open(context.Background(), tt.name, opt)
		if err != nil {
			t.Fatal(err)
		}
		again, err := r.Open(context.Background(), tt.name, opt)
		if err != nil {
			t.Fatal(err)
		}
		n := min(tt.limit, 10)
		if got.Train.Len() != n || !slices.Equal(got.Train.Labels, tt.want) || (got.Digest == "d") != (n == 10) || (len(got.Notes) == 0) != (n == 10) {
			t.Errorf("%s: limit %d: %d items, labels %v, digest %s, notes %v", tt.name, tt.limit, got.Train.Len(), got.Train.Labels, got.Digest, got.Notes)
		}
		for i := range n {
			if got.Train.Origin(i) != again.Train.Origin(i) {
				t.Errorf("%s: limit %d: item %d is %v, then %v", tt.name, tt.limit, i, got.Train.Origin(i), again.Train.Origin(i))
			}
		}
		other, err := r.Open(context.Background(), tt.name, Options{Limit: tt.limit, Seed: 1})
		if err != nil || (other.Digest == got.Digest) != (n == 10) {
			t.Errorf("%s: limit %d: another seed has the same digest (%v)", tt.name, tt.limit, err)
		}
	}
	if _, err := r.Open(context.Background(), "plain", Options{Limit: -1}); err == nil || !strings.Contains(err.Error(), "Limit -1, want 0 (all) or more") {
		t.Errorf("limit -1: %v", err)
	}
}

// TestShadowed checks that a set by its name says so if a folder or file has that name too.
func TestShadowed(t *testing.T) {
	t.Chdir(t.TempDir())
	var r Registry
	r.Register(Source{Name: "plain", Load: func(context.Context, Options) (*Set, error) {
		return &Set{Name: "plain", Digest: "d", Train: Split{Items: numbered(t, 2, 2, 2, 1)}}, nil
	}})
	open := func() []Note {
		s, err := r.Open(context.Background(), "plain", Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Notes
	}
	if n := open(); len(n) != 0 {
		t.Errorf("nothing is there, and the notes are %v", n)
	}
	for what, make := range map[string]func() error{
		"folder": func() error { return os.Mkdir("plain", 0o777) },
		"file":   func() error { return os.WriteFile("plain", nil, 0o666) },
	} {
		os.Remove("plain")
		if err := make(); err != nil {
			t.Fatal(err)
		}
		want := `"plain" is the set of that name that imago brings along; there is a ` + what + ` plain here too, and ./plain means that`
		if n := open(); len(n) != 1 || n[0].Text != want || !n[0].Warning {
			t.Errorf("notes %v, want %q", n, want)
		}
	}
}
