package table

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
)

// notesOf opens a table and returns the texts of its notes, a line each; warnings begin
// with !.
func notesOf(t *testing.T, text string, opt data.Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	set, err := Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, n := range set.Notes {
		if n.Warning {
			b.WriteByte('!')
		}
		b.WriteString(n.Text + "\n")
	}
	return b.String()
}

// TestNotesOnLabels checks that the column of the label is named with its labels, that
// numbers which are hardly classes are warned of, and that a column which may be the label
// is named, wherever it stands.
func TestNotesOnLabels(t *testing.T) {
	for _, tt := range []struct {
		head string
		row  func(i int) string
		want string
	}{
		{"a,b,label\n", func(i int) string { return fmt.Sprintf("%d.5,%d.5,%d", i, i%7, i%3*5) }, "column label is the class of each row: 3 different labels, 0, 5, 10\n"},
		{"a,target,b\n", func(i int) string { return fmt.Sprintf("%d.5,%d.25,%d.5", i, i, i%7) }, "!column target: 60 different labels for 60 items: if they are no classes, say Label -\n"},
		{"y,a,b\n", func(i int) string { return fmt.Sprintf("%d,%d.5,%d.5", i%4+10, i, i%7) }, "column y, the first, holds 4 different whole numbers: if they are the classes of the rows, say Label y\n"},
		{"a,Species,b\n", func(i int) string { return fmt.Sprintf("%d.5,%d,%d.5", i, i%2*2-1, i%7) }, "column Species holds 2 different whole numbers: if they are the classes of the rows, say Label Species\n"},
		{"a,b,kind\n", func(i int) string { return fmt.Sprintf("%d.5,%d.5,%d", i, i%7, i%2) }, "column kind, the last, holds 2 different whole numbers"},
	} {
		if got := notesOf(t, lines(tt.head, 60, tt.row), data.Options{}); !strings.Contains(got, tt.want) {
			t.Errorf("%s: notes %q, want %q", tt.head, got, tt.want)
		}
	}
}

// TestNotesTellNumbersApart checks that large numbers are told with as many digits as they
// need.
func TestNotesTellNumbersApart(t *testing.T) {
	row := func(i int) string { return fmt.Sprintf("%d,%d.5", 9007199254740000+i*i%77, i) }
	if got, want := notesOf(t, lines("id,b\n", 60, row), data.Options{Whole: true}), "column id: 9007199254740000 to 9007199254740071"; !strings.Contains(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
	like := Medium{Columns: []Column{{Name: "a", Min: 1700000000, Max: 1700000100}}}
	if got, want := notesOf(t, "a\n1700000050\n1700000101\n", data.Options{Whole: true, Medium: like}), "a is 1700000101 in row 1 (line 3), outside 1700000000 to 1700000100"; !strings.Contains(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
}

// TestConstantColumn checks that a column of one value is 0 for other values too: only how
// far they are beyond it counts.
func TestConstantColumn(t *testing.T) {
	like := data.Options{Whole: true, Medium: Medium{[]Column{{Name: "a", Min: 5, Max: 5}}}}
	set, err := Tabulate(t.Context(), "s", []string{"a"}, Rows{Values: []float64{5, 5.001, 4.999}}, Rows{}, nil, like)
	if err != nil {
		t.Fatal(err)
	}
	x, err := data.AllFloats(t.Context(), set.Train.Items)
	if err != nil || x[0] != 0 || x[1] != 0 || x[2] != 0 {
		t.Errorf("%v, %v; want zeros", x, err)
	}
	if len(set.Train.Beyond(1)) != 1 || len(set.Train.Beyond(2)) != 1 {
		t.Error("a value beside that of the column is not told")
	}
}
