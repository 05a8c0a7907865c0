package folder_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/folder"
	"github.com/imago-ml/imago/formats/imageio"
)

// Two sub-folders are two classes.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "folder")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"cats/1.png", "cats/2.png", "dogs/1.png"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			log.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			log.Fatal(err)
		}
		if err := imageio.Encode(f, imageio.New(8, 8, 3)); err != nil {
			log.Fatal(err)
		}
		if err := f.Close(); err != nil {
			log.Fatal(err)
		}
	}
	set, err := folder.Open(context.Background(), dir, data.Options{Size: 4, NoCache: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Train.Len(), "to train,", set.Test.Len(), "to test, classes", set.Classes)
	// Output: 2 to train, 1 to test, classes [cats dogs]
}
