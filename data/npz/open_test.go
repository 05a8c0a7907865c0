package npz

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
)

var opts data.Options

func f32(t testing.TB, data []float32, shape ...int) *tensor.Tensor { return must(t, data, shape) }

func must[T float32 | int32 | uint8](t testing.TB, data []T, shape []int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.FromSlice(data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// npy returns an array file with that header.
func npy(head string, elements string) []byte {
	return []byte(numpy.Magic + "\x01\x00" + string([]byte{byte(len(head)), byte(len(head) >> 8)}) + head + elements)
}

type named struct {
	name string
	t    *tensor.Tensor
}

func put(t *testing.T, file string, arrays ...named) string {
	t.Helper()
	var names []string
	var ts []*tensor.Tensor
	for _, a := range arrays {
		names, ts = append(names, a.name), append(ts, a.t)
	}
	var b bytes.Buffer
	if err := numpy.WriteNPZ(&b, names, ts); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpen(t *testing.T) {
	ramp := make([]uint8, 48) // 4 images of 12, or 3 of 16
	scaled, levels := make([]float32, 48), make([]float32, 48)
	for i := range ramp {
		ramp[i] = uint8(5 * i)
		scaled[i] = float32(5*i) / 255
		levels[i] = float32(5*i) + 0.3
	}
	u8 := func(shape ...int) *tensor.Tensor { return must(t, ramp, shape) }
	lab := must(t, []int32{2, 0, 1}, []int{3, 1})
	for _, tt := range []struct {
		name        string
		arrays      []named
		train, test int
		h, w, c     int
		classes     int
		second      []uint8 // first three bytes of test or training image 1, if the test part is given
	}{
		{"keras names", []named{{"x_train", u8(3, 4, 4)}, {"y_train", lab}, {"x_test", u8(3, 4, 4)}, {"y_test", lab}}, 3, 3, 4, 4, 1, 3, []uint8{80, 85, 90}},
		{"medmnist names", []named{{"train_images", u8(3, 4, 4)}, {"train_labels", lab}, {"val_images", u8(3, 4, 4)}, {"test_images", u8(3, 4, 4)}}, 3, 3, 4, 4, 1, 3, []uint8{80, 85, 90}},
		{"levels 0 to 1", []named{{"X_train", f32(t, scaled, 3, 4, 4)}, {"X_test", f32(t, scaled, 3, 4, 4)}}, 3, 3, 4, 4, 1, 0, []uint8{80, 85, 90}},
		{"levels 0 to 255", []named{{"images_train", f32(t, levels, 3, 4, 4)}, {"images_test", f32(t, levels, 3, 4, 4)}}, 3, 3, 4, 4, 1, 0, []uint8{80, 85, 90}},
		{"colour last", []named{{"train_x", u8(4, 2, 2, 3)}, {"test_x", u8(4, 2, 2, 3)}}, 4, 4, 2, 2, 3, 0, []uint8{60, 65, 70}},
		{"colour first", []named{{"x_train", u8(4, 3, 2, 2)}, {"x_test", u8(4, 3, 2, 2)}}, 4, 4, 2, 2, 3, 0, []uint8{60, 80, 100}},
		{"two channels last", []named{{"x_train", u8(2, 4, 3, 2)}, {"x_test", u8(2, 4, 3, 2)}}, 2, 2, 4, 3, 2, 0, []uint8{120, 125, 130}},
		{"two channels first", []named{{"x_train", u8(2, 2, 3, 4)}, {"x_test", u8(2, 2, 3, 4)}}, 2, 2, 3, 4, 2, 0, []uint8{120, 180, 125}},
		{"held out", []named{{"images", u8(3, 4, 4)}, {"labels", lab}}, 2, 1, 4, 4, 1, 3, nil},
		{"the only array", []named{{"anything", u8(3, 4, 4)}}, 2, 1, 4, 4, 1, 0, nil},
	} {
		s, err := Open(t.Context(), put(t, "a.npz", tt.arrays...), data.Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if h, w, c, _ := medium.HWC(s.Item()); h != tt.h || w != tt.w || c != tt.c || s.Train.Len() != tt.train || s.Test.Len() != tt.test || len(s.Classes) != tt.classes {
			t.Errorf("%s: %d and %d of %dx%dx%d, classes %v", tt.name, s.Train.Len(), s.Test.Len(), h, w, c, s.Classes)
		}
		if tt.second == nil {
			continue
		}
		if o := s.Test.Origin(1); !strings.Contains(o.File, "test") || o.Row != 1 {
			t.Errorf("%s: test image 1 is from %v", tt.name, o)
		}
		for _, p := range []data.Split{s.Train, s.Test} {
			if got := p.Items.(*data.InMemory).Slice(1)[:3]; !slices.Equal(got, tt.second) {
				t.Errorf("%s: image 1 starts %v, want %v", tt.name, got, tt.second)
			}
		}
	}
	// A 0-or-1 set in bytes is black and white, not black and almost black.
	s, err := Open(t.Context(), put(t, "b.npz", named{"imgs", must(t, []uint8{0, 1, 1, 0, 1, 1, 0, 0}, []int{2, 2, 2})}), data.Options{})
	if err != nil || slices.Max(s.Train.Items.(*data.InMemory).Levels()) != 255 {
		t.Errorf("%v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	img := must(t, make([]uint8, 48), []int{3, 4, 4})
	for says, arrays := range map[string][]named{
		"no array of images among a, b":      {{"a", img}, {"b", img}},
		"3 items in x but 2 labels in y":     {{"x", img}, {"y", must(t, []int32{0, 1}, []int{2})}},
		"label 1 is missing":                 {{"x", img}, {"y", f32(t, []float32{0.5, float32(math.NaN()), 2}, 3)}},
		".argmax(axis=1)":                    {{"x", img}, {"y", must(t, make([]int32, 9), []int{3, 3})}},
		"[3,1,1] is no shape of labels":      {{"x", img}, {"y", must(t, make([]int32, 3), []int{3, 1, 1})}},
		"x[0,0,0] is NaN":                    {{"x", f32(t, []float32{float32(math.NaN()), 1, 0, 0}, 1, 2, 2)}},
		"x has numbers from 0 to 256":        {{"x", must(t, []int32{0, 256, 3, 2}, []int{1, 2, 2})}},
		"x[1,1] is +Inf":                     {{"x", f32(t, []float32{1, 2, 3, float32(math.Inf(1))}, 2, 2)}},
		"the first in column 1 of row 1":     {{"x", f32(t, []float32{1, 2, float32(math.NaN()), 4}, 2, 2)}},
		"x_test has 3":                       {{"x_train", must(t, make([]uint8, 10), []int{2, 5})}, {"x_test", must(t, make([]uint8, 6), []int{2, 3})}},
		"2 items in x but 3 labels in y":     {{"x", must(t, make([]uint8, 10), []int{2, 5})}, {"y", must(t, make([]uint8, 3), []int{3})}},
		"[3,16,1,1,1] is no shape of images": {{"x", must(t, make([]uint8, 48), []int{3, 16, 1, 1, 1})}},
		"[48] is no shape of images":         {{"x", must(t, make([]uint8, 48), []int{48})}},
		"[] is no shape of images":           {{"x", must(t, make([]uint8, 1), nil)}, {"y", must(t, make([]uint8, 1), []int{1})}},
	} {
		path := put(t, "a.npz", arrays...)
		_, err := Open(t.Context(), path, data.Options{})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// TestMatch checks that a file is recognised by its content and, for a zip without
// arrays, by its name.
func TestMatch(t *testing.T) {
	var r data.Registry
	r.RegisterOpener(Opener())
	img := must(t, make([]uint8, 48), []int{3, 4, 4})
	npyPath := filepath.Join(t.TempDir(), "x.dat")
	var b bytes.Buffer
	numpy.WriteNPY(&b, img)
	os.WriteFile(npyPath, b.Bytes(), 0o666)
	for _, path := range []string{put(t, "a.npz", named{"x", img}), put(t, "a.zip", named{"x", img}), npyPath} {
		if s, err := r.Open(t.Context(), path, data.Options{Size: 2}); err != nil || s.Train.Len() != 2 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := r.Open(t.Context(), put(t, "a.zip"), data.Options{}); err == nil || !strings.Contains(err.Error(), "not a kind of file") {
		t.Errorf("an empty zip: %v", err)
	}
}

func FuzzNPZ(f *testing.F) {
	if b, err := os.ReadFile("../../formats/numpy/testdata/types.npz"); err == nil {
		f.Add(b)
	}
	var b bytes.Buffer
	img := must(f, make([]uint8, 32), []int{2, 4, 4})
	if err := numpy.WriteNPZ(&b, []string{"x_train", "y_train", "x_test"}, []*tensor.Tensor{img, must(f, []int32{0, 1}, []int{2}), img}); err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Clone(b.Bytes()))
	f.Add(b.Bytes()[:200])
	f.Add(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }", "\x00\x00\x80?abcdefghijkl"))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := read(t.Context(), bytes.NewReader(b), int64(len(b)), opts)
		if err != nil {
			return
		}
		if set.Train.Len()+set.Test.Len() == 0 {
			t.Error("a set without images")
		}
		if set.Train.Labels != nil && len(set.Train.Labels) != set.Train.Len() {
			t.Errorf("%d images, %d labels", set.Train.Len(), len(set.Train.Labels))
		}
	})
}
