package columns

import (
	"bytes"
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
