package data

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
)

// TestFolderClasses checks that the folders on the paths of files are classes if all of
// them are known, and that nothing changes otherwise.
func TestFolderClasses(t *testing.T) {
	im, err := NewInMemory([]uint8{0, 1}, 2, pixels.Item(1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"cat", "dog"}
	for _, tt := range []struct {
		path   string
		files  []string
		alone  bool
		labels []int32 // nil = no classes
	}{
		{"/in/one", []string{"dog/1.png", "dog/2.png"}, true, []int32{1, 1}},
		{"/in/one", []string{"2024/dog/1.png", "2025/cat/2.png"}, true, []int32{1, 0}},
		{"/in/dog", []string{"1.png", "2.png"}, true, []int32{1, 1}},
		{"/in/dog", []string{"1.png", "cat/2.png"}, true, []int32{1, 0}},
		{"/dog/plain", []string{"1.png", "2.png"}, true, nil},
		{"/in/one", []string{"dog/1.png", "emu/2.png"}, true, nil},
		{"/in/one", []string{"dog/1.png", "dog.png"}, true, nil},
		{"/in/dog", []string{"x", "x"}, false, nil}, // rows of an array
	} {
		s := Set{Path: tt.path, Train: Split{Items: im, Origins: Origins{Files: tt.files, Alone: tt.alone}}, Test: Split{Items: im, Origins: Origins{Files: tt.files, Alone: tt.alone}}}
		if got := s.FolderClasses(names); got != (tt.labels != nil) || !slices.Equal(s.Train.Labels, tt.labels) || !slices.Equal(s.Test.Labels, tt.labels) {
			t.Errorf("%s %q: %v with labels %v, want %v", tt.path, tt.files, got, s.Train.Labels, tt.labels)
		}
	}
	s := Set{Path: "/in/dog", Classes: []string{"x"}, Train: Split{Items: im, Labels: []int32{0, 0}, Origins: Origins{Files: []string{"1.png", "2.png"}, Alone: true}}}
	if s.FolderClasses(names) || s.Classes[0] != "x" {
		t.Error("the classes of a set were replaced")
	}
}
