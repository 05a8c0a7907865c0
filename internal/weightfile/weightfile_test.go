package weightfile_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/weightfile"
)

// TestKeras tells how the files of Keras become one that is read: HDF5, and a zip with HDF5 in it.
func TestKeras(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range []string{"metadata.json", "config.json", "model.weights.h5"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"a.weights.h5": "\x89HDF\r\n\x1a\n and more", "a.keras": archive.String()} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := weightfile.Open([]string{path}, "")
		if !errors.Is(err, weightfile.ErrKeras) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), `numpy.savez("model.npz", *model.get_weights())`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNPZ opens a file of NumPy with an array in it, refuses a key, which it has no use for, and tells what is wrong with one
// whose array is none.
func TestNPZ(t *testing.T) {
	write := func(content []byte) string {
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		w, err := z.Create("w.npy")
		if err == nil {
			_, err = w.Write(content)
		}
		if err == nil {
			err = z.Close()
		}
		path := filepath.Join(t.TempDir(), "a.npz")
		if err == nil {
			err = os.WriteFile(path, archive.Bytes(), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n"
	good := write([]byte("\x93NUMPY\x01\x00" + string(rune(len(header))) + "\x00" + header + "\x00\x00\x80\x3f"))
	f, err := weightfile.Open([]string{good}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(f.Arrays) != 1 {
		t.Fatalf("%d arrays, want 1", len(f.Arrays))
	}
	if w, err := f.Arrays[0].Read(); err != nil || w.F32()[0] != 1 {
		t.Errorf("the array is %v, %v, want 1", w, err)
	}
	if _, err := weightfile.Open([]string{good}, "state_dict"); err == nil || !strings.Contains(err.Error(), "has no dictionaries") {
		t.Errorf("with a key: %v", err)
	}
	if _, err := weightfile.Open([]string{write([]byte("no array"))}, ""); err == nil || !strings.Contains(err.Error(), "a.npz") {
		t.Errorf("an array that is none: %v", err)
	}
}
