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
