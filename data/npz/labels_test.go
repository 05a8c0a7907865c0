package npz

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
)

// putText writes a file with images or rows x and the labels y.
func putText(t *testing.T, x *tensor.Tensor, y []string) string {
	t.Helper()
	var b bytes.Buffer
	w := numpy.NewWriter(&b)
	if err := w.Add("x", x); err != nil {
		t.Fatal(err)
	}
	if err := w.AddText("y", y); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLabelsAreClasses checks that the distinct labels are the classes, named as the array
// has them, of images and of rows.
func TestLabelsAreClasses(t *testing.T) {
	ints := func(v ...int32) *tensor.Tensor { return must(t, v, []int{4}) }
	for _, x := range []*tensor.Tensor{must(t, make([]uint8, 64), []int{4, 4, 4}), f32(t, make([]float32, 12), 4, 3)} {
		for _, tt := range []struct {
			file    string
			classes []string
			labels  []int32
		}{
			{putText(t, x, []string{"emu", "cat, small", "dog", "cat, small"}), []string{"cat, small", "dog", "emu"}, []int32{2, 0, 1, 0}},
			{put(t, "a.npz", named{"x", x}, named{"y", ints(10, 13, 10, 2)}), []string{"2", "10", "13"}, []int32{1, 2, 1, 0}},
			{put(t, "a.npz", named{"x", x}, named{"y", ints(-1, 1, 1, -1)}), []string{"-1", "1"}, []int32{0, 1, 1, 0}},
			{put(t, "a.npz", named{"x", x}, named{"y", f32(t, []float32{0.5, 2, 1.5, 2}, 4)}), []string{"0.5", "1.5", "2"}, []int32{0, 2, 1, 2}},
		} {
			set, err := Open(t.Context(), tt.file, data.Options{Whole: true})
			if err != nil {
				t.Error(err)
				continue
			}
			if !slices.Equal(set.Classes, tt.classes) || !slices.Equal(set.Train.Labels, tt.labels) {
				t.Errorf("classes %q of %v; want %q of %v", set.Classes, set.Train.Labels, tt.classes, tt.labels)
			}
			if set, err = Open(t.Context(), tt.file, data.Options{Whole: true, Label: "-"}); err != nil || set.Classes != nil || set.Train.Labels != nil {
				t.Errorf("without labels: %v, %v", set, err)
			}
		}
	}
}

// TestLabelsThatAreNoClasses checks that numbers which are hardly classes are warned of.
func TestLabelsThatAreNoClasses(t *testing.T) {
	y := make([]float32, 40)
	for i := range y {
		y[i] = float32(i) / 7
	}
	set, err := Open(t.Context(), put(t, "a.npz", named{"x", f32(t, make([]float32, 120), 40, 3)}, named{"y", f32(t, y, 40)}), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(set.Notes, func(n data.Note) bool {
		return n.Warning && strings.Contains(n.Text, "y: 40 different labels for 40 items")
	}) {
		t.Errorf("no warning among %+v", set.Notes)
	}
}

// TestRowsOfAnArrayGoWithNamedColumns checks that rows of an array are taken as those of a
// table with names, by their places.
func TestRowsOfAnArrayGoWithNamedColumns(t *testing.T) {
	like := table.Medium{Columns: []table.Column{{Name: "a", Max: 1}, {Name: "b", Max: 2}, {Name: "c", Max: 4}}}
	set, err := Open(t.Context(), put(t, "a.npz", named{"x", f32(t, []float32{1, 1, 1, 0, 2, 4}, 2, 3)}), data.Options{Medium: like, Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := data.AllFloats(t.Context(), set.Train.Items)
	if err != nil || !slices.Equal(got, []float32{1, 0.5, 0.25, 0, 1, 1}) {
		t.Errorf("%v, %v", got, err)
	}
}
