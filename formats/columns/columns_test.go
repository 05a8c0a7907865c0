package columns

import (
	"bytes"
	"math"
	"os"
	"testing"
)

// rows returns three rows, with a name that CSV has to quote.
func rows() []Column {
	label, z := []int32{7, 0, -2}, []float32{0.1, 1e-20, 16777216, -2, 3, 0}
	return []Column{
		{Name: "label", Int: func(i int) int32 { return label[i] }},
		{Name: "z0", Float: func(i int) float32 { return z[2*i] }},
		{Name: "z, 1", Float: func(i int) float32 { return z[2*i+1] }},
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, 3, rows()); err != nil {
		t.Fatal(err)
	}
	if want := "label,z0,\"z, 1\"\n7,0.1,1e-20\n0,1.6777216e+07,-2\n-2,3,0\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestParquet compares with testdata/rows.parquet, which Parquet wrote for rows and
// from which parquet-go v0.32.0 read the same numbers.
func TestParquet(t *testing.T) {
	var b bytes.Buffer
	if err := Parquet(&b, 3, rows()); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/rows.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%q, want %q", b.Bytes(), want)
	}
	if err := Parquet(&b, 3, []Column{{Float: func(int) float32 { return 0 }}}); err == nil {
		t.Error("a column without a name was written")
	}
}

// mixed returns three rows of all types, with missing values and with text that every format has to escape.
func mixed() []Column {
	names, odd := []string{"a.png", "", "b, \"c\"\n<é>.png"}, []bool{true, false, true}
	return []Column{
		{Name: "file", Text: func(i int) string { return names[i] }, Missing: func(i int) bool { return i == 1 }},
		{Name: "line", Int: func(i int) int32 { return int32(i + 2) }, Missing: func(i int) bool { return i == 0 }},
		{Name: "score", Float: func(i int) float32 { return []float32{1e9, 0.25, -3}[i] }},
		{Name: "anomaly", Bool: func(i int) bool { return odd[i] }},
	}
}

func TestMixed(t *testing.T) {
	for name, want := range map[string]string{
		"s.csv":   "file,line,score,anomaly\na.png,,1e+09,true\n,3,0.25,false\n\"b, \"\"c\"\"\n<é>.png\",4,-3,true\n",
		"s.JSON":  "[\n{\"file\":\"a.png\",\"line\":null,\"score\":1e+09,\"anomaly\":true},\n{\"file\":null,\"line\":3,\"score\":0.25,\"anomaly\":false},\n{\"file\":\"b, \\\"c\\\"\\n<é>.png\",\"line\":4,\"score\":-3,\"anomaly\":true}\n]\n",
		"s.jsonl": "{\"file\":\"a.png\",\"line\":null,\"score\":1e+09,\"anomaly\":true}\n{\"file\":null,\"line\":3,\"score\":0.25,\"anomaly\":false}\n{\"file\":\"b, \\\"c\\\"\\n<é>.png\",\"line\":4,\"score\":-3,\"anomaly\":true}\n",
	} {
		var b bytes.Buffer
		if err := For(name)(&b, 3, mixed()); err != nil || b.String() != want {
			t.Errorf("%s: %s, want %s (%v)", name, b.String(), want, err)
		}
	}
	if For("s.xlsx") != nil {
		t.Error("a spreadsheet is no format of this package")
	}
	var b bytes.Buffer
	nan := []Column{{Name: "x", Float: func(int) float32 { return float32(math.NaN()) }}}
	if err := JSON(&b, 1, nan); err != nil || b.String() != "[\n{\"x\":null}\n]\n" {
		t.Errorf("NaN: %q, %v", b.String(), err)
	}
	b.Reset()
	if err := JSONLines(&b, 0, nan); err != nil || b.Len() > 0 {
		t.Errorf("no rows: %q, %v", b.String(), err)
	}
}

// TestParquetMixed compares with testdata/mixed.parquet, which Parquet wrote for mixed and from which hyparquet
// 1.33.0 read the same values.
func TestParquetMixed(t *testing.T) {
	var b bytes.Buffer
	if err := Parquet(&b, 3, mixed()); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/mixed.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%q, want %q", b.Bytes(), want)
	}
}
