package imago_test

import (
	"context"
	"errors"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/internal/zoo"
)

// TestZoo checks that each model of the zoo opens by its name, and draws the images in internal/zoo/testdata to within a level of
// 255: made by this test with IMAGO_UPDATE=1, on AVX2.
func TestZoo(t *testing.T) {
	for _, name := range zoo.Names() {
		m, err := imago.Open(zoo.Scheme + name)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		const n = 8
		var labels []float32
		if k := m.DecodeLabels(); k > 0 {
			labels = make([]float32, n*k)
			for i := range n {
				labels[i*k+i%k] = 1
			}
		}
		pix, err := m.Sample(context.Background(), rng.New(1), n, labels)
		if err != nil {
			t.Fatal(err)
		}
		golden, file := filepath.Join("internal", "zoo", "testdata", name+".png"), filepath.Join(t.TempDir(), "x.png")
		if os.Getenv("IMAGO_UPDATE") != "" {
			file = golden
		}
		if err := m.WritePicture(file, pix, n); err != nil {
			t.Fatal(err)
		}
		got, want := runtest.Picture(t, file), runtest.Picture(t, golden)
		if got.Bounds() != want.Bounds() {
			t.Fatalf("%s: a picture of %v, want %v", name, got.Bounds(), want.Bounds())
		}
		for y := range got.Bounds().Dy() {
			for x := range got.Bounds().Dx() {
				if d := levels(got, want, x, y); d > 1 {
					t.Fatalf("%s: pixel %d, %d is %d levels from that of %s", name, x, y, d, golden)
				}
			}
		}
	}
}

// levels returns the largest difference of a pixel of two pictures, in levels of 255.
func levels(a, b image.Image, x, y int) int {
	most := 0
	var of [2][3]uint32
	for i, img := range []image.Image{a, b} {
		of[i][0], of[i][1], of[i][2], _ = img.At(x, y).RGBA()
	}
	for c := range 3 {
		d := int(of[0][c]>>8) - int(of[1][c]>>8)
		most = max(most, d, -d)
	}
	return most
}

// TestZooUnknown checks that the error of a name that no model has lists the models and the nearest.
func TestZooUnknown(t *testing.T) {
	_, err := imago.Open("zoo:cnn-vea")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "did you mean cnn-vae?") || !strings.Contains(err.Error(), "brings along zoo:cnn-vae") {
		t.Errorf("%v", err)
	}
}
