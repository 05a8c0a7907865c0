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
		units:      2,
		mean:       []float32{0.1, -2, 1e-20, 3, 16777216, 0},
		logVar:     []float32{-1, -2, -3, -4, -5, -6},
		attributes: []string{"hat", "old"},
		Split:      data.Split{Items: images, Labels: []int32{7, 0, 2}, Attributes: []uint8{0, 1, 1, 1, 0, 0}},
	}
	var csv strings.Builder
	if err := columns.CSV(&csv, 3, k.columns()); err != nil {
		t.Fatal(err)
	}
	want := "index,label,hat,old,z0,z1,log_var0,log_var1\n0,7,0,1,0.1,-2,-1,-2\n1,0,1,1,1e-20,3,-3,-4\n2,2,0,0,1.6777216e+07,0,-5,-6\n"
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
	if got, err := r.Read("labels"); err != nil || !slices.Equal(got.I32(), k.Labels) {
		t.Errorf("labels: %v, %v; want %v", got, err, k.Labels)
	}

	if got, err := r.Read("attributes"); err != nil || !got.Shape().Equal(tensor.Shape{3, 2}) || !slices.Equal(got.U8(), k.Attributes) {
		t.Errorf("attributes: %v, %v; want %v", got, err, k.Attributes)
	}

	k.logVar, k.Labels, k.Attributes = nil, nil, nil // a deterministic model, unlabelled images
	csv.Reset()
	if err := columns.CSV(&csv, 3, k.columns()); err != nil || !strings.HasPrefix(csv.String(), "index,z0,z1\n0,0.1,-2\n") {
		t.Errorf("CSV: %v\n%s", err, csv.String())
	}
}
