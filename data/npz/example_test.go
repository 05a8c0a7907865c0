package npz_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/npz"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
)

// Open reads a data set: here two images, one of which is held out for the test part.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "npz")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	images, err := tensor.FromSlice(make([]uint8, 2*4*4), 2, 4, 4)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := numpy.WriteNPZ(&file, []string{"images"}, []*tensor.Tensor{images}); err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(dir, "images.npz")
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		log.Fatal(err)
	}
	set, err := npz.Open(context.Background(), path, data.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Train.Len(), "to train,", set.Test.Len(), "to test")
	// Output: 1 to train, 1 to test
}
