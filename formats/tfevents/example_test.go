package tfevents_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/formats/tfevents"
)

// tensorboard --logdir DIR shows the curve "loss/train".
func ExampleNew() {
	dir, err := os.MkdirTemp("", "tfevents")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	w, err := tfevents.New(dir, "")
	if err != nil {
		log.Fatal(err)
	}
	for step := range int64(3) {
		if err := w.Scalar(step, "loss/train", 1/float64(step+1)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(filepath.Base(w.Name()), "events.out.tfevents."))
	// Output: true
}
