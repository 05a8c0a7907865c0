package table

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
)

func TestTabulate(t *testing.T) {
	train := Rows{Values: []float64{0, 5, 7, 10, 5, -1, 4, 5, 3}, Labels: []int32{0, 1, 0}}
	test := Rows{Values: []float64{5, 5, 3, 12, 4, 1e300, -3, 6, 3.4}, Labels: []int32{1, 1, 0}}
	set, err := Tabulate(t.Context(), "s", []string{"a", "b", "c"}, train, test, []string{"no", "yes"}, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Validate(); err != nil {
		t.Error(err)
	}
	if it := set.Item(); it.String() != "3" || set.Train.Len() != 3 || set.Test.Len() != 3 || !slices.Equal(set.Test.Labels, test.Labels) {
		t.Errorf("%d and %d of %v", set.Train.Len(), set.Test.Len(), it)
	}
	for _, p := range []struct {
		data.Items
		want []float32
	}{
		{set.Train.Items, []float32{0, 0, 1, 1, 0, 0, 0.4, 0, 0.5}},
		{set.Test.Items, []float32{0.5, 0, 0.5, 1, 0, 1, 0, 0, float32(4.4 / 8)}},
	} {
		got := make([]float32, 9)
		if err := data.Floats(t.Context(), p.Items, []int32{0, 1, 2}, got); err != nil || !slices.Equal(got, p.want) {
			t.Errorf("%v, want %v (%v)", got, p.want, err)
		}
		b := make([]uint8, 3)
		if err := p.At(2, b); err != nil || b[2] != uint8(math.Round(float64(p.want[8])*255)) {
			t.Errorf("in bytes %v of %v (%v)", b, p.want[6:], err)
		}
		if p.At(3, b) == nil || p.At(0, b[:2]) == nil || p.Items.(data.Exact).FloatsAt(3, got) == nil || p.Items.(data.Exact).FloatsAt(0, got[:2]) == nil {
			t.Error("a bad call passed")
		}
	}
	// 12, 4, 1e300, −3 and 6.
	if last := set.Notes[len(set.Notes)-1]; last.Warning || !strings.Contains(last.Text, "5 values of 18") || !strings.Contains(last.Text, "c is 1e+300 in row 1, outside -1 to 7") {
		t.Errorf("told %q", last.Text)
	}
	if v := scaled(0, -math.MaxFloat64, math.MaxFloat64); v != 0.5 {
		t.Errorf("the middle of all numbers is %v", v)
	}
}

// TestTabulateAsAnother checks that the columns of data.Options.Medium determine the scale of a table.
func TestTabulateAsAnother(t *testing.T) {
	first, err := Tabulate(t.Context(), "s", []string{"a", "b"}, Rows{Values: []float64{0, 2, 10, 4}}, Rows{Values: []float64{1, 3}}, nil, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []Column{{Name: "a", Min: 0, Max: 10}, {Name: "b", Min: 2, Max: 4}}; !slices.Equal(columnsOf(first), want) {
		t.Errorf("columns %v, want %v", columnsOf(first), want)
	}
	rows := Rows{Values: []float64{5, 3, 20, 2.5}}
	as := data.Options{Medium: first.Item().Medium}
	second, err := Tabulate(t.Context(), "s", []string{"a", "b"}, rows, rows, nil, as)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 4)
	if err := data.Floats(t.Context(), second.Train.Items, []int32{0, 1}, got); err != nil || !slices.Equal(got, []float32{0.5, 0.5, 1, 0.25}) {
		t.Errorf("%v (%v)", got, err)
	}
	if own, err := Tabulate(t.Context(), "s", []string{"a", "b"}, rows, rows, nil, data.Options{}); err != nil || own.Digest == second.Digest {
		t.Errorf("the digest does not see the scale (%v)", err)
	}
	// What is not trained on does not stretch the scale.
	odd := Rows{Values: []float64{1, 2, 1e6, 3, 5, 4}, Labels: []int32{0, 1, 0}}
	third, err := Tabulate(t.Context(), "s", []string{"a", "b"}, odd, odd, []string{"good", "bad"}, data.Options{Without: []string{"bad"}})
	if want := []Column{{Name: "a", Min: 1, Max: 5}, {Name: "b", Min: 2, Max: 4}}; err != nil || !slices.Equal(columnsOf(third), want) {
		t.Errorf("columns %v, want %v (%v)", columnsOf(third), want, err)
	}
	if _, err := Tabulate(t.Context(), "s", []string{"a", "b"}, odd, odd, []string{"good", "bad"}, data.Options{Without: []string{"bad", "good"}}); err == nil {
		t.Error("nothing was left to scale by")
	}
	for _, names := range [][]string{{"a", "c"}, {"a"}} {
		if _, err := Tabulate(t.Context(), "s", names, rows, rows, nil, as); err == nil {
			t.Errorf("columns %v passed for a and b", names)
		}
	}
}

// TestTabulateHoldsOut checks that rows are held out if there is no test part, and that
// they do not affect the scale.
func TestTabulateHoldsOut(t *testing.T) {
	var rows Rows
	for i := range 100 {
		rows.Values = append(rows.Values, float64(i), 1)
		rows.Labels = append(rows.Labels, int32(i%3))
	}
	names := []string{"i", "one"}
	set, err := Tabulate(t.Context(), "s", names, rows, Rows{}, []string{"0", "1", "2"}, data.Options{TestFraction: 0.25})
	if err != nil || set.Train.Len() != 75 || set.Test.Len() != 25 || set.Train.Labels == nil {
		t.Fatalf("%d and %d: %v", set.Train.Len(), set.Test.Len(), err)
	}
	v := make([]float32, 2)
	for j, l := range set.Test.Labels {
		if err := set.Test.Items.(data.Exact).FloatsAt(j, v); err != nil {
			t.Fatal(err)
		}
		if i := int32(math.Round(float64(v[0]) * 99)); i > 0 && i < 98 && i%3 != l || v[1] != 0 {
			t.Errorf("row %v has label %d", v, l)
		}
	}
	digests := map[string]bool{set.Digest: true}
	for what, again := range map[string]func() (*data.Set, error){
		"another division": func() (*data.Set, error) {
			return Tabulate(t.Context(), "s", names, rows, Rows{}, set.Classes, data.Options{TestFraction: 0.25, Seed: 1})
		},
		"other names": func() (*data.Set, error) {
			return Tabulate(t.Context(), "s", []string{"a", "b"}, rows, Rows{}, set.Classes, data.Options{TestFraction: 0.25})
		},
		"another number": func() (*data.Set, error) {
			r := Rows{Values: slices.Clone(rows.Values), Labels: rows.Labels}
			r.Values[7] = 2
			return Tabulate(t.Context(), "s", names, r, Rows{}, set.Classes, data.Options{TestFraction: 0.25})
		},
		"another label": func() (*data.Set, error) {
			r := Rows{Values: rows.Values, Labels: slices.Clone(rows.Labels)}
			r.Labels[7] = 2
			return Tabulate(t.Context(), "s", names, r, Rows{}, set.Classes, data.Options{TestFraction: 0.25})
		},
	} {
		other, err := again()
		if err != nil {
			t.Fatal(err)
		}
		if digests[other.Digest] {
			t.Errorf("%s: the digest does not see it", what)
		}
		digests[other.Digest] = true
	}
}

func TestTabulateRefuses(t *testing.T) {
	two := []string{"a", "b"}
	for what, call := range map[string]func() (*data.Set, error){
		"no columns": func() (*data.Set, error) {
			return Tabulate(t.Context(), "s", nil, Rows{Values: []float64{1}}, Rows{}, nil, data.Options{})
		},
		"no rows": func() (*data.Set, error) { return Tabulate(t.Context(), "s", two, Rows{}, Rows{}, nil, data.Options{}) },
		"half a row": func() (*data.Set, error) {
			return Tabulate(t.Context(), "s", two, Rows{Values: []float64{1, 2, 3}}, Rows{}, nil, data.Options{})
		},
		"a label beyond the classes": func() (*data.Set, error) {
			return Tabulate(t.Context(), "s", two, Rows{Values: []float64{1, 2}, Labels: []int32{1}}, Rows{}, []string{"a"}, data.Options{})
		},
		"too few labels": func() (*data.Set, error) {
			return Tabulate(t.Context(), "s", two, Rows{Values: []float64{1, 2, 3, 4}, Labels: []int32{1}}, Rows{}, nil, data.Options{})
		},
	} {
		if _, err := call(); err == nil {
			t.Errorf("%s passed", what)
		}
	}
	set, err := Tabulate(t.Context(), "s", two, Rows{Values: []float64{1, 2, 3, 4}}, Rows{}, nil, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var r data.Registry
	r.Register(data.Source{Name: "s", Load: func(context.Context, data.Options) (*data.Set, error) { return set, nil }})
	for _, opt := range []data.Options{{Size: 8}, {Crop: 4}} {
		if _, err := r.Open(t.Context(), "s", opt); err == nil || !strings.Contains(err.Error(), "leave out Size") {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	if same, err := r.Open(t.Context(), "s", data.Options{Gray: true}); err != nil || same.Train.Items != set.Train.Items {
		t.Errorf("grey: %v", err)
	}
}

// columnsOf returns the columns of a set that is a table.
func columnsOf(s *data.Set) []Column { return s.Item().Medium.(Medium).Columns }

// TestMedium checks that rows are written in the units of their columns and read again, by name or
// by place.
func TestMedium(t *testing.T) {
	it := Item([]Column{{Name: "a", Min: 0, Max: 10}, {Name: "b", Min: -1, Max: 1}})
	if err := it.Check(); err != nil {
		t.Fatal(err)
	}
	file, err := it.Medium.Encode(it, []float32{0.5, 0, 1, 0.75})
	if err != nil || string(file) != "a,b\n5,-1\n10,0.5\n" {
		t.Errorf("%q, %v", file, err)
	}
	for in, want := range map[string][]float32{
		string(file):                {0.5, 0, 1, 0.75},
		"b,x,a\n1,7,20\n0,7,2.5\n":  {1, 1, 0.25, 0.5},
		"5,0\n10,1\n":               {0.5, 0.5, 1, 1},
		"a,b,kind\n5,0,c\n10,1,d\n": {0.5, 0.5, 1, 1},
	} {
		if got, err := it.Medium.Decode(it, []byte(in)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v (%v)", in, got, want, err)
		}
	}
	if _, err := it.Medium.Decode(it, []byte("a,c,d\n1,2,3\n")); err == nil || !strings.Contains(err.Error(), "no column is called b") {
		t.Error(err)
	}
	wrong := it
	wrong.Shape = []int{3}
	if err := wrong.Check(); err == nil {
		t.Error("three numbers of two columns passed")
	}
}
