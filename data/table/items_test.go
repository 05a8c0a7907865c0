package table

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data"
)

// TestBeyond checks that the numbers outside the range of the training part are kept, and
// are found however the rows were chosen and put together.
func TestBeyond(t *testing.T) {
	columns := []Column{{Name: "a", Min: 0, Max: 10}, {Name: "b", Min: -1, Max: 1}}
	as := data.Options{Medium: Medium{columns}, Whole: true}
	train, test := Rows{Values: []float64{5, 0, 1e9, 0}, Labels: []int32{0, 0}}, Rows{Values: []float64{-3, 2, 10, 1}, Labels: []int32{0, 0}}
	set, err := Tabulate(t.Context(), "s", []string{"a", "b"}, train, test, []string{"x"}, as)
	if err != nil {
		t.Fatal(err)
	}
	billion := []data.Beyond{{Column: 0, Name: "a", Value: 1e9, Min: 0, Max: 10}}
	both := []data.Beyond{{Column: 0, Name: "a", Value: -3, Min: 0, Max: 10}, {Column: 1, Name: "b", Value: 2, Min: -1, Max: 1}}
	all := set.All()
	part, err := all.Select([]int{3, 1})
	if err != nil {
		t.Fatal(err)
	}
	named := data.Split{Items: set.Labelled(set.Test)}
	for _, tt := range []struct {
		what string
		p    data.Split
		i    int
		want []data.Beyond
	}{
		{"within", set.Train, 0, nil},
		{"above", set.Train, 1, billion},
		{"two", set.Test, 0, both},
		{"at the ends", set.Test, 1, nil},
		{"the first part of all", all, 1, billion},
		{"the second part of all", all, 2, both},
		{"chosen from all", part, 1, billion},
		{"chosen, within", part, 0, nil},
		{"with labels", named, 0, both},
	} {
		if got := tt.p.Beyond(tt.i); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
	if got := (data.Split{}).Beyond(0); got != nil {
		t.Errorf("no items: %v", got)
	}
}

// TestLines checks that each row knows its line in the file, in both parts.
func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	body := "a,b\n0,1\n\n1,1\n2,\"1\"\n3,1\n4,1\n" // row 1 begins at line 4
	if err := os.WriteFile(path, []byte(body), 0o666); err != nil {
		t.Fatal(err)
	}
	set, err := Open(t.Context(), path, data.Options{TestFraction: 0.4})
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int]int{0: 2, 1: 4, 2: 5, 3: 6, 4: 7}
	for _, p := range []data.Split{set.Train, set.Test} {
		v := make([]float32, 2)
		for i := range p.Len() {
			o := p.Origin(i)
			if o.Line != lines[o.Row] {
				t.Errorf("row %d is said to be at line %d, want %d", o.Row, o.Line, lines[o.Row])
			}
			if err := p.Items.(data.Exact).FloatsAt(i, v); err != nil {
				t.Fatal(err)
			}
			if c := columnsOf(set)[0]; c.Min+float64(v[0])*(c.Max-c.Min) != float64(o.Row) && len(p.Beyond(i)) == 0 {
				t.Errorf("row %d has the number %v", o.Row, v[0])
			}
		}
	}
	if set.Test.Len() != 2 || set.Train.Len() != 3 {
		t.Errorf("%d and %d rows", set.Train.Len(), set.Test.Len())
	}
}
