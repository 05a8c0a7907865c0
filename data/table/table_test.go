package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/memory"
)

// What each kind of file becomes.
func TestForms(t *testing.T) {
	for _, tt := range []struct {
		name, file, label string
		columns           []string
		values            []float64
		classes           []string
		labels            []int32
	}{
		{"header and label", "a,b,Label\n1,2,x\n3,4.5,w\n-1e3,0,x\n", "", []string{"a", "b"}, []float64{1, 2, 3, 4.5, -1000, 0}, []string{"w", "x"}, []int32{1, 0, 1}},
		{"neither", "1,2\n3,4\n", "", []string{"1", "2"}, []float64{1, 2, 3, 4}, nil, nil},
		{"header alone", "a,b\n1,2\n", "", []string{"a", "b"}, []float64{1, 2}, nil, nil},
		{"words without a header", "1,2,iris\n3,4,rose\n", "", []string{"1", "2"}, []float64{1, 2, 3, 4}, []string{"iris", "rose"}, []int32{0, 1}},
		{"semicolons, CRLF, BOM, blanks", "\ufeffa; b ;class\r\n 1; 2;0\r\n\r\n3 ;4;10\r\n5;6;2\r\n", "", []string{"a", "b"}, []float64{1, 2, 3, 4, 5, 6}, []string{"0", "2", "10"}, []int32{0, 2, 1}},
		{"tabs and quotes", "\"a\tb\"\tc\n\"1\"\t2\n", "", []string{"a\tb", "c"}, []float64{1, 2}, nil, nil},
		{"numbers for names", "0,1,target\n5,6,1\n", "", []string{"0", "1"}, []float64{5, 6}, []string{"1"}, []int32{0}},
		{"label by name", "a,kind,b\n1,2,3\n4,5,6\n", "kind", []string{"a", "b"}, []float64{1, 3, 4, 6}, []string{"2", "5"}, []int32{0, 1}},
		{"label by number", "1,2,3\n4,5,6\n", "1", []string{"2", "3"}, []float64{2, 3, 5, 6}, []string{"1", "4"}, []int32{0, 1}},
		{"words below a header", "a,kind,b\n1,x,3\n4,w,6\n", "", []string{"a", "b"}, []float64{1, 3, 4, 6}, []string{"w", "x"}, []int32{1, 0}},
		{"no label", "a,class\n1,2\n3,4\n", "-", []string{"a", "class"}, []float64{1, 2, 3, 4}, nil, nil},
		{"label first", "class,target\n1,2\n", "", []string{"target"}, []float64{2}, []string{"1"}, []int32{0}},
		{"one column", "7\n8\n", "", []string{"1"}, []float64{7, 8}, nil, nil},
		{"no end of line", "a\n7", "", []string{"a"}, []float64{7}, nil, nil},
	} {
		p, err := parse(t.Context(), inMemory([]byte(tt.file)), data.Options{Label: tt.label})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !slices.Equal(namesOf(p.columns), tt.columns) || !slices.Equal(p.values, tt.values) {
			t.Errorf("%s: columns %q, values %v", tt.name, namesOf(p.columns), p.values)
		}
		if (p.label >= 0) != (tt.classes != nil) {
			t.Errorf("%s: the label is column %d", tt.name, p.label)
		} else if p.label >= 0 {
			if names, labels := p.classes(); !slices.Equal(names, tt.classes) || !slices.Equal(labels, tt.labels) {
				t.Errorf("%s: classes %q, labels %v", tt.name, names, labels)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	var many strings.Builder
	many.WriteString("a,class\n")
	for i := range maxClasses + 1 {
		fmt.Fprintf(&many, "1,%d\n", i)
	}
	for _, tt := range []struct{ name, file, label, says string }{
		{"a hole", "a,b\n1,2\n3,\n", "", `1 missing value: 1 in column 2 (b), the first in line 3; say Fill mean, median, or drop to leave such rows out, or leave the column out with Drop`},
		{"other holes", "a,b\n1,2\nNA,3\n?,\n", "", `3 missing values: 2 in column 1 (a), the first in line 3; 1 in column 2 (b), the first in line 4`},
		{"no number", "a,b\n1,2\n1,NaN\n", "", `1 in column 2 (b), the first in line 3`},
		{"infinite", "a,b\n1,2\n1,inf\n", "", `line 3, column 2 (b): "inf" is no finite number`},
		{"too large", "a,b\n1,2\n1,1e999\n", "", `"1e999" is no finite number`},
		{"a word", "a,b\n1,2\n1,red\n", "", `line 3, column 2 (b): "red" is no finite number: mend it, leave the column out with Drop b or, if it is the label, name it with Label`},
		{"a slip in a column of numbers", "a,b\n1,2\n1,3.5x\n4,5\n", "", `line 3, column 2 (b): "3.5x" is no finite number`},
		{"a number among words", "a,b\n1,red\n2,3\n", "", `line 2, column 2 (b): "red" is no finite number`},
		{"day or month", "a,b\n1,02/03/2024\n2,04/05/2024\n", "", `column 2 (b): each date, as "02/03/2024" in line 2, can be read with the day or the month first`},
		{"a comma among points", "a;b\n1;2,5\n1;2.5\n", "", `line 2, column 2 (b): "2,5" has a comma where other numbers have a point`},
		{"a short row", "a,b,c\n1,2,3\n\n4,5\n", "", "line 4: 2 cells, want 3 as in the first line"},
		{"a long row", "1,2\n1,2,3\n", "", "line 2: 3 cells, want 2"},
		{"a hole for a label", "a,class\n1,\n", "", "line 2, column 2 (class): no label"},
		{"no rows", "a,b\n", "", "it has no rows"},
		{"nothing", "", "", "an empty file"},
		{"only a label", "class\n1\n", "", "no column but that of the label"},
		{"an open quote", "a,b\n1,\"2\n3,4\n", "", "line"},
		{"another label", "Colour,size\n1,2\n", "color", "is it Colour?"},
		{"no such label", "a,b\n1,2\n", "zebra", "want one of a, b"},
		{"no such column", "1,2\n", "3", "want a column's number, 1 to 2"},
		{"a name without a header", "1,2\n", "kind", "the table has no header"},
		{"too many classes", many.String(), "", "more than 1000 labels in column 2 (class)"},
		{"a page", "<!doctype html>\n", "", "found an HTML page"},
		{"a picture", "\x89PNG\r\n\x1a\n", "", "a PNG image"},
		{"zeros", "a,b\x00\n1,2\n", "", "unknown bytes"},
	} {
		_, err := parse(t.Context(), inMemory([]byte(tt.file)), data.Options{Label: tt.label})
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want one line with %q", tt.name, err, tt.says)
		}
	}
	disk := errors.New("disk on fire")
	if _, err := parse(t.Context(), from(failing{disk}), data.Options{}); !errors.Is(err, disk) || errors.Is(err, ErrFormat) {
		t.Errorf("a reader's error became %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := parse(ctx, inMemory([]byte("1,2\n3,4\n")), data.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// from returns the text that r has; it can be read once.
func from(r io.Reader) *text {
	return &text{open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}
}

// namesOf returns the names of columns.
func namesOf(columns []Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// TestEndlessRow checks that a quote that is never closed does not make the reader take
// the whole file into memory.
func TestEndlessRow(t *testing.T) {
	var opened []*endless
	open := func() (io.ReadCloser, error) {
		opened = append(opened, &endless{})
		return io.NopCloser(opened[len(opened)-1]), nil
	}
	if _, err := parse(t.Context(), &text{open: open}, data.Options{}); !errors.Is(err, errLongRow) {
		t.Errorf("%v", err)
	}
	for _, r := range opened {
		if r.n > 2*maxRow {
			t.Errorf("%d bytes were read", r.n)
		}
	}
}

// endless is a table whose second row begins a quote.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "1,2\n3,\"x"[min(e.n+i, 7)]
		if (e.n+i)%80 == 79 {
			p[i] = '\n'
		}
	}
	e.n += len(p)
	return len(p), nil
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	b.WriteString("x,z,class\n")
	for i := range 200 {
		fmt.Fprintf(&b, "%d,%d,%c\n", i, -i*i, 'a'+i%2)
	}
	var r data.Registry
	r.RegisterOpener(Opener())
	var digest string
	for _, name := range []string{"t.csv", "t.TSV", "t.txt"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		set, err := r.Open(t.Context(), path, data.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if it := set.Item(); it.String() != "2" || set.Train.Len() != 180 || set.Test.Len() != 20 || len(columnsOf(set)) != 2 || columnsOf(set)[1].Name != "z" || !slices.Equal(set.Classes, []string{"a", "b"}) {
			t.Errorf("%d and %d of %v, columns %v, classes %v", set.Train.Len(), set.Test.Len(), it, columnsOf(set), set.Classes)
		}
		if digest != "" && set.Digest != digest {
			t.Error("the name is in the digest")
		}
		digest = set.Digest
	}
	for name, body := range map[string]string{"letter.txt": "Dear all,\nhello, you\n", "page.txt": "<html>1,2\n3\n", "zip.txt": "PK\x03\x04\x00,1\n"} {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(body), 0o666)
		if _, err := r.Open(t.Context(), path, data.Options{}); err == nil || !strings.Contains(err.Error(), "not a kind of file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "none.csv"), data.Options{}); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "t.csv"), data.Options{Label: "clas"}); err == nil || !strings.Contains(err.Error(), "t.csv") || !strings.Contains(err.Error(), "is it class?") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a,b,label\n1,2,x\n3,4,y\n", "1;2\n3;4\n", "\"a\n\",b\n1,2", "\ufeff1\t2\r\n", "a,b\n1,\n", "\"", "1,2,iris", ",,,\n", "label\n"} {
		f.Add([]byte(s), "")
		f.Add([]byte(s), "2")
	}
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		opt := data.Options{Label: label, Reading: data.Reading{Fill: data.FillMean}}
		p, err := parse(t.Context(), inMemory(b), opt)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("bad bytes gave %v", err)
			}
			return
		}
		d := len(p.columns)
		if d == 0 || len(p.values) == 0 || len(p.values)%d != 0 || p.label >= 0 && len(p.labels) != len(p.values)/d {
			t.Fatalf("%d values of %d columns, %d labels", len(p.values), d, len(p.labels))
		}
		set, err := read(t.Context(), inMemory(b), "x", opt)
		if err != nil { // such as a column of which the training part has no value
			return
		}
		if err := set.Validate(); err != nil {
			t.Error(err)
		}
		v := make([]float32, d)
		for i := range set.Train.Len() {
			if err := set.Train.Items.(data.Exact).FloatsAt(i, v); err != nil {
				t.Fatal(err)
			}
			for _, x := range v {
				if !(x >= 0 && x <= 1) {
					t.Fatalf("row %d has %v", i, x)
				}
			}
		}
	})
}

// TestTableWithinBudget checks that a table of more numbers or rows than there is memory for is refused before they are
// kept.
func TestTableWithinBudget(t *testing.T) {
	wide, long := strings.Repeat("1,2,3,4,5,6,7,8\n", 100_000), strings.Repeat("1\n", 400_000)
	for name, file := range map[string]string{"wide": wide, "long": long} {
		runtime.GC()
		memory.SetLimit(memory.InUse() + 16<<20)
		var over *memory.Error
		_, err := parse(t.Context(), inMemory([]byte(file)), data.Options{})
		if !errors.As(err, &over) || errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
		memory.SetLimit(0)
	}
}

// TestRowsWithinBudget checks that the rows of a table are taken from the budget while they are counted: a small packed
// file may hold so many that to count them all takes a minute.
func TestRowsWithinBudget(t *testing.T) {
	text := inMemory([]byte(strings.Repeat("1\n", 400_000)))
	if err := text.look(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 16<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := text.survey(t.Context(), data.Options{}); !errors.As(err, &over) || !strings.HasPrefix(err.Error(), "line 262144, of more: ") {
		t.Errorf("400,000 rows in 16 MiB: %v", err)
	}
}
