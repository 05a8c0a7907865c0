package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/formats/numpy"
)

// TestCodes checks that both kinds of files hold the codes exactly.
func TestCodes(t *testing.T) {
	images, err := data.NewInMemory(make([]uint8, 3*4), 3, pixels.Item(2, 2, 1))
	if err != nil {
		t.Fatal(err)
	}
	k := codes{
		units:  2,
		mean:   []float32{0.1, -2, 1e-20, 3, 16777216, 0},
		logVar: []float32{-1, -2, -3, -4, -5, -6},
		set:    &data.Set{Classes: []string{"1", "2", "10"}, Attributes: []string{"hat", "old"}},
		Split: data.Split{Items: images, Labels: []int32{2, 0, 1}, Attributes: []uint8{0, 1, 1, 1, 0, 0},
			Origins: data.Origins{Rows: []int32{400, 7, 9}, Lines: []int32{402, 9, 11}}},
	}
	var csv strings.Builder
	if err := columns.CSV(&csv, 3, k.columns()); err != nil {
		t.Fatal(err)
	}
	want := "index,label,line,hat,old,z0,z1,log_var0,log_var1\n400,10,402,0,1,0.1,-2,-1,-2\n7,1,9,1,1,1e-20,3,-3,-4\n9,2,11,0,0,1.6777216e+07,0,-5,-6\n"
	if csv.String() != want {
		t.Errorf("CSV:\n%s\nwant\n%s", csv.String(), want)
	}

	var file bytes.Buffer
	if err := k.npz(&file); err != nil {
		t.Fatal(err)
	}
	r, err := numpy.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{"mean": k.mean, "log_var": k.logVar} {
		got, err := r.Read(name)
		if err != nil || !got.Shape().Equal(tensor.Shape{3, 2}) || !slices.Equal(got.F32(), want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
	for name, want := range map[string][]int32{"labels": {10, 1, 2}, "index": {400, 7, 9}, "line": {402, 9, 11}} {
		if got, err := r.Read(name); err != nil || !slices.Equal(got.I32(), want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}

	if got, err := r.Read("attributes"); err != nil || !got.Shape().Equal(tensor.Shape{3, 2}) || !slices.Equal(got.U8(), k.Attributes) {
		t.Errorf("attributes: %v, %v; want %v", got, err, k.Attributes)
	}

	k.set.Classes[2] = "ten" // classes that are not all numbers are words
	csv.Reset()
	if err := columns.CSV(&csv, 1, k.columns()); err != nil || !strings.Contains(csv.String(), "\n400,ten,402,0,1,") {
		t.Errorf("CSV: %v\n%s", err, csv.String())
	}

	k.logVar, k.Labels, k.Attributes, k.Origins = nil, nil, nil, data.Origins{} // a deterministic model, unlabelled images
	csv.Reset()
	if err := columns.CSV(&csv, 3, k.columns()); err != nil || !strings.HasPrefix(csv.String(), "index,z0,z1\n0,0.1,-2\n") {
		t.Errorf("CSV: %v\n%s", err, csv.String())
	}
}
