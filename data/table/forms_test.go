package table

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/imago-ml/imago/data"
)

// lines repeats rows of a table, with what each holds beside the number of its row.
func lines(head string, n int, row func(i int) string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range n {
		b.WriteString(row(i) + "\n")
	}
	return b.String()
}

// encoded returns text in an encoding, packed with gzip if gz.
func encoded(t *testing.T, text string, to interface{ String(string) (string, error) }, gz bool) string {
	t.Helper()
	if to != nil {
		var err error
		if text, err = to.String(text); err != nil {
			t.Fatal(err)
		}
	}
	if gz {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text) // to memory
		w.Close()
		text = b.String()
	}
	return text
}

// TestFirstLine checks by what the first line is found to be names or a row.
func TestFirstLine(t *testing.T) {
	decimals := func(i int) string {
		return fmt.Sprintf("%.2f,%.2f,%.2f", 0.13*float64(i%7), 1.5-0.31*float64(i%5), 0.57*float64(i%3))
	}
	whole := func(i int) string { return fmt.Sprintf("%d,%d,%d", i*7%11, i*5%13, 40-i*3%17) }
	for _, tt := range []struct {
		name, file, header string
		columns            string
		rows               int
		note               string
	}{
		{"a data frame without its index", lines("0,1,2\n", 20, decimals), "", "0 1 2", 20, "Header no reads it as a row"},
		{"with its index", lines(",0,1\n", 20, func(i int) string { return fmt.Sprintf("%d,%d,3.5", i, i%4) }), "", "0 1", 20, "numbers the rows from 0, and is left out"},
		{"years", lines("2001,2002,2003\n", 20, whole), "", "2001 2002 2003", 20, "a sequence"},
		{"wavelengths", lines("400.5,401,401.5\n", 20, decimals), "", "400.5 401 401.5", 20, "a sequence"},
		{"numbers of columns", lines("12,3,7\n", 20, func(i int) string { return strings.ReplaceAll(decimals(i), ".00", ".01") }), "", "12 3 7", 20, "its numbers are whole"},
		{"names for some", lines("name,2001,,x\n", 12, func(i int) string { return fmt.Sprintf("%c,%d,%d,%d", 'a'+i%2, i*7%11, i*5%7, i*3%5) }), "", "name=a name=b 2001 3 x", 12, "is read as the names"},
		{"a row", lines("", 20, whole), "", "1 2 3", 20, ""},
		{"sequences", lines("", 20, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i+1, i+2) }), "", "1 2 3", 20, ""},
		{"few rows", "0,1,2\n5,3,9\n2,2,1\n", "", "1 2 3", 3, "is read as a row; if it has the names of the columns, say Header yes"},
		{"few rows, said", "0,1,2\n5,3,9\n2,2,1\n", data.Yes, "0 1 2", 2, ""},
		{"said to be a row", lines("0,1,2\n", 20, decimals), data.No, "1 2 3", 21, ""},
		{"a comment", "# u,v\n1.5,2\n2.5,3\n", "", "u v", 2, "the comment above the first row"},
		{"a comment and a header", "# made on Monday\nu,v\n1.5,2\n2.5,3\n", "", "u v", 2, ""},
		{"words alone", lines("", 12, func(i int) string { return fmt.Sprintf("%c,%c", 'a'+i%2, 'x'+i%3) }), "", "1=a 1=b 2=x 2=y 2=z", 12, "is read as a row, because its words stand in other rows too"},
		{"names of rows, as R writes", lines("mpg hp\n", 12, func(i int) string { return fmt.Sprintf("\"car %d\" %d.5 %d", i, i*7%5, i*3%7) }), "", "mpg hp", 12, "another word in each row, and is left out"},
		{"separators at the end", "a,b\n1,2,\n3,5,\n", "", "a b", 2, "column 3 (no name) has no value at all"},
		{"a shuffled index", lines(",a\n", 20, func(i int) string { return fmt.Sprintf("%d,%d", i*7%20, i%5) }), "", "a", 20, "has no name and other whole numbers in each row"},
		{"an id", lines("id,a\n", 20, func(i int) string { return fmt.Sprintf("%d,%d", 100+i, i%5) }), "", "id a", 20, "numbers the rows, from 100 to 119"},
		{"one name twice", "a,a\n1,2\n3,4\n", "", "a a", 2, "several columns are called a"},
	} {
		p, err := parse(t.Context(), inMemory([]byte(tt.file)), data.Options{Reading: data.Reading{Header: tt.header}, Label: "-"})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := strings.Join(namesOf(p.columns), " "); got != tt.columns || len(p.lines) != tt.rows {
			t.Errorf("%s: columns %q and %d rows, want %q and %d", tt.name, got, len(p.lines), tt.columns, tt.rows)
		}
		if !slices.ContainsFunc(p.notes, func(n data.Note) bool { return strings.Contains(n.Text, tt.note) }) && (tt.note != "" || len(p.notes) > 0) {
			t.Errorf("%s: notes %v, want %q", tt.name, p.notes, tt.note)
		}
	}
}

// TestValues checks in what ways cells are read, and what is written for them.
func TestValues(t *testing.T) {
	le, be := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	for _, tt := range []struct {
		name, file string
		values     []float64 // of the first column
		back       string    // the first column of row 0 as it is written
	}{
		{"decimal commas", "a;b\n1,5;2\n-0,25;3\n", []float64{1.5, -0.25}, "1.5"},
		{"three places after the comma", "a;b\n1,402;2,5\n2,002;3\n", []float64{1.402, 2.002}, "1.402"},
		{"thousands", "a,b\n\"1,402\",2\n\"12,002,500\",3\n", []float64{1402, 12002500}, "1402"},
		{"money", "a,b\n\"$1,402.50\",2\n$7,3\n", []float64{1402.5, 7}, "1402.5"},
		{"percent", "a,b\n45.5%,2\n7%,3\n", []float64{45.5, 7}, "45.5"},
		{"units", "a,b\n45 kg,2\n7 kg,3\n", []float64{45, 7}, "45"},
		{"yes and no", "a,b\nYes,2\nNo,3\nYes,4\n", []float64{1, 0, 1}, "Yes"},
		{"true and false", "a,b\nTRUE,2\nFALSE,3\n", []float64{1, 0}, "TRUE"},
		{"days", "a,b\n1970-01-02,2\n1970-01-01,3\n", []float64{86400, 0}, "1970-01-02"},
		{"times", "a,b\n1970-01-01T00:01:00Z,2\n1970-01-01T00:00:00+01:00,3\n", []float64{60, -3600}, "1970-01-01T00:01:00Z"},
		{"days first", "a,b\n31/01/1970,2\n01/01/1970,3\n", []float64{30 * 86400, 0}, "31/1/1970"},
		{"months first", "a,b\n1/31/1970,2\n1/1/1970,3\n", []float64{30 * 86400, 0}, "1/31/1970"},
		{"days with points", "a;b\n31.1.1970;2\n1.1.1970;3\n", []float64{30 * 86400, 0}, "31.1.1970"},
		{"words", "a,b\nred,2\nblue,3\nred,4\n", []float64{0, 1, 0}, "red"},
		{"an empty cell between tabs", "a\tb\tc\n1\t2\t3\n4\t5\t6\n", []float64{1, 4}, "1"},
		{"pipes", "a|b\n1|2\n3|4\n", []float64{1, 3}, "1"},
		{"blanks", " a   b\n 1.5   2\n 3 4\n 5  6 \n", []float64{1.5, 3, 5}, "1.5"},
		{"named separator", "sep=;\na;b\n1;2\n3;4\n", []float64{1, 3}, "1"},
		{"CR", "a,b\r1,2\r3,4\r", []float64{1, 3}, "1"},
		{"UTF-16", encoded(t, "ä,b\n1,2\n3,4\n", le.NewEncoder(), false), []float64{1, 3}, "1"},
		{"UTF-16, the other way", encoded(t, "ä,b\n1,2\n3,4\n", be.NewEncoder(), true), []float64{1, 3}, "1"},
		{"UTF-16 without a mark", encoded(t, "ab,b\n1,2\n3,4\n", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder(), false), []float64{1, 3}, "1"},
		{"Latin-1", encoded(t, "größe,b\n1,2\n3,4\n", charmap.ISO8859_1.NewEncoder(), false), []float64{1, 3}, "1"},
		{"gzip", encoded(t, "a,b\n1,2\n3,4\n", nil, true), []float64{1, 3}, "1"},
	} {
		p, err := parse(t.Context(), inMemory([]byte(tt.file)), data.Options{Label: "-"})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []float64
		d := len(p.columns)
		for at := 0; at < len(p.values); at += d {
			got = append(got, p.values[at])
		}
		if !slices.Equal(got, tt.values) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.values)
		}
		set, err := read(t.Context(), inMemory([]byte(tt.file)), "x", data.Options{Label: "-", Whole: true})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		it := set.Item()
		x, err := data.AllFloats(t.Context(), set.Train.Items)
		if err != nil {
			t.Fatal(err)
		}
		file, err := it.Medium.Encode(it, x)
		if err != nil {
			t.Fatal(err)
		}
		_, row, _ := strings.Cut(string(file), "\n")
		if cell, _, _ := strings.Cut(row, ","); cell != tt.back {
			t.Errorf("%s: written as %q, want %q", tt.name, cell, tt.back)
		}
		if again, err := it.Medium.Decode(it, file); err != nil || !slices.Equal(again, x) {
			t.Errorf("%s: what was written, %q, is read as %v, want %v (%v)", tt.name, file, again, x, err)
		}
	}
	for text, want := range map[string]string{"ä,b\n1,2\n3,4\n": "ä", "größe,b\n1,2\n": "größe"} {
		for _, e := range []interface{ String(string) (string, error) }{le.NewEncoder(), charmap.Windows1252.NewEncoder()} {
			if p, err := parse(t.Context(), inMemory([]byte(encoded(t, text, e, false))), data.Options{}); err != nil || p.columns[0].Name != want {
				t.Errorf("%q: %v", want, err)
			}
		}
	}
}

// TestMissing checks what stands for missing values, of the training part and of other data.
func TestMissing(t *testing.T) {
	file := "a,b,c\n1,red,yes\n,red,\n3,,yes\n8,blue,no\n"
	for fill, want := range map[string][]float64{
		data.FillMean:   {1, 4, 3, 8},
		data.FillMedian: {1, 3, 3, 8},
		data.FillDrop:   {1, 8},
	} {
		opt := data.Options{Label: "-", Whole: true, Reading: data.Reading{Fill: fill}}
		set, err := read(t.Context(), inMemory([]byte(file)), "x", opt)
		if err != nil {
			t.Errorf("%s: %v", fill, err)
			continue
		}
		x, err := data.AllFloats(t.Context(), set.Train.Items)
		if err != nil {
			t.Fatal(err)
		}
		d := set.Item().Size()
		for i := range set.Train.Len() {
			if got := 1 + 7*float64(x[i*d]); math.Abs(got-want[i]) > 1e-6 {
				t.Errorf("%s: row %d has %v, want %v", fill, i, got, want[i])
			}
		}
		if set.Train.Len() != len(want) || d != 4 {
			t.Errorf("%s: %d rows of %d numbers, want %d of 4", fill, set.Train.Len(), d, len(want))
		}
		if fill == data.FillDrop {
			if o := set.Train.Origin(1); o.Row != 3 || o.Line != 5 {
				t.Errorf("the second row that is left is from %v", o)
			}
			continue
		}
		cells := set.Item().Medium.(Medium).Cells(set.Item(), x[2*d:3*d])
		if cells[1] != "red" {
			t.Errorf("%s: a missing word is %v, want the most frequent", fill, cells[1])
		}
		opt.Medium = set.Item().Medium
		other, err := read(t.Context(), inMemory([]byte("c,b,a\nno,blue,\n")), "y", opt)
		if err != nil {
			t.Errorf("%s: other data: %v", fill, err)
			continue
		}
		if y, err := data.AllFloats(t.Context(), other.Train.Items); err != nil || math.Abs(1+7*float64(y[0])-want[1]) > 1e-6 || y[1] != 1 || y[2] != 0 || y[3] != 0 {
			t.Errorf("%s: other data are %v, want that of the training part, %v", fill, y, want[1])
		}
	}
}

// TestOutliers checks the warning of a value that squashes a column, and the remedy.
func TestOutliers(t *testing.T) {
	file := lines("a,b\n", 200, func(i int) string {
		if i == 5 {
			return "1e9,3"
		}
		return fmt.Sprintf("%d,%d", i%10, i%7)
	})
	opt := data.Options{Whole: true}
	set, err := read(t.Context(), inMemory([]byte(file)), "x", opt)
	if err != nil {
		t.Fatal(err)
	}
	want := "column a: almost all values lie between 0 and 9, within a millionth of its range, because of 1e+09 in row 5 (line 7)"
	if !slices.ContainsFunc(set.Notes, func(n data.Note) bool { return n.Warning && strings.HasPrefix(n.Text, want) }) {
		t.Errorf("notes %v, want %q", set.Notes, want)
	}
	opt.Scale = data.ScaleRobust
	if set, err = read(t.Context(), inMemory([]byte(file)), "x", opt); err != nil {
		t.Fatal(err)
	}
	// The quartiles of 0 to 9 are 2 and 7, so the fences −13 and 22.
	if c := columnsOf(set); c[0].Min != 0 || c[0].Max != 22 || c[1].Max != 6 {
		t.Errorf("columns %v", c)
	}
	if b := set.Train.Beyond(5); len(b) != 1 || b[0].Value != 1e9 {
		t.Errorf("row 5 lies beyond by %v", b)
	}
	for _, n := range set.Notes {
		if n.Warning {
			t.Errorf("warned: %s", n.Text)
		}
	}
}

// TestFollow checks that other data are read by the columns of the table that they go with.
func TestFollow(t *testing.T) {
	set, err := read(t.Context(), inMemory([]byte("a,day,kind\n0,2024-01-01,x\n10,2024-01-11,y\n5,2024-01-06,x\n")), "x", data.Options{Label: "-", Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	as := data.Options{Medium: set.Item().Medium, Whole: true}
	for _, tt := range []struct {
		name, file string
		want       []float32
	}{
		{"in another order, beside others", "note,kind,a,day\nn,y,5,2024-01-06\nn,x,10,2024-01-01\n", []float32{0.5, 0.5, 0, 1, 1, 0, 1, 0}},
		{"another form of dates", "kind,a,day\ny,5,2024/01/06\nx,10,2024/01/01\n", []float32{0.5, 0.5, 0, 1, 1, 0, 1, 0}},
		{"decimal commas", "kind;a;day\ny;2,5;2024-01-06\nx;10;2024-01-01\n", []float32{0.25, 0.5, 0, 1, 1, 0, 1, 0}},
		{"by place", "5,2024-01-06,y\n10,2024-01-01,x\n10,2024-01-01,x\n", []float32{0.5, 0.5, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0}},
	} {
		other, err := read(t.Context(), inMemory([]byte(tt.file)), "y", as)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got, err := data.AllFloats(t.Context(), other.Train.Items); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v (%v)", tt.name, got, tt.want, err)
		}
	}
	for name, tt := range map[string]struct{ file, says string }{
		"an unknown word":  {"a,day,kind\n0,2024-01-01,x\n10,2024-01-11,zebra\n", `line 3, column 3 (kind): "zebra" is none of the words of that column, x, y`},
		"no date":          {"a,day,kind\n0,soon,x\n", `line 2, column 2 (day): "soon" is no date as 2006-01-02`},
		"a missing column": {"a,kind\n0,x\n", "no column is called day, as in the table that these data go with; have a, kind"},
	} {
		if _, err := read(t.Context(), inMemory([]byte(tt.file)), "y", as); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}

// TestReadAgain checks that a table is read alike when it goes with its own columns, as
// that of a run that is resumed.
func TestReadAgain(t *testing.T) {
	for _, tt := range []struct{ file, label string }{
		{"1,2\n3,4\n5,9\n", ""},
		{"a,b,label\n1,2,x\n3,4,y\n", "-"},
		{"a,b,label\n1,2,x\n3,4,y\n", ""},
		{",a,kind\n0,5,x\n1,7,y\n2,6,x\n", ""},
		{"day,ok\n2024-01-01,yes\n2024-01-05,no\n", "-"},
	} {
		opt := data.Options{Label: tt.label}
		first, err := read(t.Context(), inMemory([]byte(tt.file)), "x", opt)
		if err != nil {
			t.Fatal(err)
		}
		opt.Medium = first.Item().Medium
		if again, err := read(t.Context(), inMemory([]byte(tt.file)), "x", opt); err != nil || again.Digest != first.Digest {
			t.Errorf("%q: another digest, or %v", tt.file, err)
		}
	}
}
