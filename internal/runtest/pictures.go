package runtest

import (
	"bytes"
	"image"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/imago-ml/imago/train/runlog"
)

// Pictures returns the decoded pictures of a run by name.
func Pictures(t testing.TB, r *runlog.Run) map[string]image.Image {
	t.Helper()
	m := map[string]image.Image{}
	for _, pattern := range []string{"images/*.*", "images/frames/*"} {
		for _, name := range Must(filepath.Glob(r.Path(pattern))) {
			decode := png.Decode
			if filepath.Ext(name) == ".gif" {
				decode = gif.Decode
			}
			img, err := decode(bytes.NewReader(Must(os.ReadFile(name))))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			m[filepath.Base(name)] = img
		}
	}
	return m
}

// Picture returns the picture in a PNG file.
func Picture(t testing.TB, name string) image.Image {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return img
}
