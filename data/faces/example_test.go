package faces_test

import (
	"context"
	"fmt"
	"log"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/faces"
)

// The set is registered under its name and then opened like every other.
func ExampleSource() {
	var sets data.Registry
	sets.Register(faces.Source())
	source, err := sets.Source("faces")
	if err != nil {
		log.Fatal(err)
	}
	set, err := source.Load(context.Background(), data.Options{NoCache: true, Size: 16})
	if err != nil {
		log.Fatal(err)
	}
	smiling, err := set.Trait("smiling")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Train.Len(), "training images,", len(set.Attributes), "attributes, one of them", smiling.Name)
	// Output: 20000 training images, 25 attributes, one of them Smiling
}
